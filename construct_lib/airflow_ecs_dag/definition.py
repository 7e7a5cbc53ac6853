"""From an author's arguments to the contract's ``DagSpec``, with every problem at once. Needs no CDK."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_ecs_dag.flow import Flow, merged
from airflow_ecs_dag.ledger import made_at
from airflow_ecs_dag_schema import DagSpec, EmailAlert, TaskDefaults
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.schedule import SCHEDULES
from airflow_ecs_dag_schema.validation import spec_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag.tasks import Task

_ARGUMENTS = {
    "ecs.capacity_provider_strategy": "capacity_provider_strategies",
    "ecs.container_name": "container",
    "ecs.subnets": "vpc_subnets",
}
"""Fields of the contract whose argument has another name; the others lose their ``ecs.``."""


def define(dag: Mapping[str, Any], tasks: object, ecs: Mapping[str, Any]) -> tuple[DagSpec, Flow]:
    """Return the DAG of an author's arguments, and its tasks and arrows as one flow.

    Args:
        dag: The DAG's own fields by name; one that is ``None`` was left out.
        tasks: A task, a flow or a list of them.
        ecs: The fields of ``EcsSettings`` by name.

    Raises:
        DagDefinitionError: With every problem found, under the names of the author's arguments.
    """
    problems = list(_wrong_kinds(dag))
    flow = None
    with collecting(problems):
        flow = merged(tasks)
    if flow is None:
        raise DagDefinitionError(problems)
    problems.extend(_namesakes(flow))
    unsure = {problem.path for problem in problems}
    fields = {name: value for name, value in dag.items() if value is not None and name not in unsure}
    task_fields = list(_task_fields(flow))
    try:
        spec = DagSpec.model_validate({**fields, "ecs": dict(ecs), "tasks": tuple(task_fields)})
    except ValidationError as error:
        found = spec_problems(error, [str(task["task_id"]) for task in task_fields])
        problems.extend(_named_as_argument(problem) for problem in found if problem.path not in unsure)
    if problems:
        raise DagDefinitionError(problems)
    return spec, flow


@contextmanager
def collecting(problems: list[Problem]) -> Iterator[None]:
    """Add the problems of a ``DagDefinitionError`` raised within to ``problems``, and go on after the block."""
    try:
        yield
    except DagDefinitionError as error:
        problems.extend(error.problems)


def _wrong_kinds(dag: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each argument that must be one of the project's own values and isn't."""
    if not isinstance(dag["schedule"], SCHEDULES):
        yield Problem(
            "schedule",
            "expected a schedule such as Schedule.daily(timezone='Europe/Amsterdam') or Schedule.manual()",
            repr(dag["schedule"]),
        )
    if not isinstance(dag["defaults"], TaskDefaults):
        yield Problem("defaults", "expected TaskDefaults(...), such as TaskDefaults(retries=1)", repr(dag["defaults"]))
    alerts = dag["alerts"]
    if not isinstance(alerts, tuple | list) or not all(isinstance(alert, EmailAlert) for alert in alerts):
        yield Problem(
            "alerts", "expected a list of alerts, such as [EmailAlert(to=['team@example.com'])]", repr(alerts)
        )


def _namesakes(flow: Flow) -> Iterator[Problem]:
    by_id: defaultdict[str, list[Task]] = defaultdict(list)
    for task in flow.tasks:
        by_id[task.task_id].append(task)
    for task_id, same in by_id.items():
        if len(same) > 1:
            places = "".join(made_at(task) for task in same)
            yield Problem(
                f"tasks.{task_id}",
                f"{len(same)} tasks have this id{places}: rename one, or make the task once and use that value twice",
            )


def _task_fields(flow: Flow) -> Iterator[dict[str, object]]:
    """Yield each task's fields; of namesakes, which are a problem already, only the first one's."""
    first: dict[str, Task] = {}
    for task in flow.tasks:
        first.setdefault(task.task_id, task)
    upstream: defaultdict[str, set[str]] = defaultdict(set)
    for before, after in flow.arrows:
        if first[before.task_id] is before and first[after.task_id] is after:
            upstream[after.task_id].add(before.task_id)
    for task_id, task in first.items():
        yield task.given() | {"upstream": tuple(sorted(upstream[task_id]))}


def _named_as_argument(problem: Problem) -> Problem:
    path = problem.path
    for field, argument in _ARGUMENTS.items():
        if path == field or path.startswith(f"{field}."):
            return Problem(argument + path[len(field) :], problem.message, problem.value)
    return Problem(path.removeprefix("ecs."), problem.message, problem.value)

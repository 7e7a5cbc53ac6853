"""From an author's arguments to the contract's ``DagSpec``, with every problem at once. Needs no CDK."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_ecs_dag.argument_kinds import wrong_kinds
from airflow_ecs_dag.flow import Flow, merged
from airflow_ecs_dag.ledger import made_at
from airflow_ecs_dag.task_ids import TaskIds, misplaced_outputs
from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.validation import spec_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag.tasks import Task

_ARGUMENTS = {
    "ecs.capacity_provider_strategy": "capacity_provider_strategies",
    "ecs.container_name": "container",
    "ecs.subnets": "vpc_subnets",
    "ecs.tags": "ecs_tags",
}
"""Fields of the contract whose argument has another name; the others lose their ``ecs.``."""


def define(
    dag: Mapping[str, Any],
    tasks: object,
    ecs: Mapping[str, Any],
    by_task: Mapping[int, Mapping[str, Any]] | None = None,
) -> tuple[DagSpec, Flow]:
    """Return the DAG of an author's arguments, and its tasks and arrows as one flow.

    Args:
        dag: The DAG's own fields by name; one that is ``None`` was left out.
        tasks: A task, a flow or a list of them.
        ecs: The fields of ``EcsSettings`` by name.
        by_task: Further fields of tasks, found in the app, by the task's ``id()``.

    Raises:
        DagDefinitionError: With every problem found, under the names of the author's arguments.
    """
    problems = list(wrong_kinds(dag))
    flow = None
    with collecting(problems):
        flow = merged(tasks)
    if flow is None:
        raise DagDefinitionError(problems)
    ids = TaskIds(flow)
    namesakes = list(_namesakes(flow, ids))
    problems.extend([*ids.problems, *namesakes])
    unsure = {problem.path for problem in problems}
    fields = {name: value for name, value in dag.items() if value is not None and name not in unsure}
    problems.extend(misplaced_outputs(fields, ""))
    task_fields = list(_task_fields(flow, ids, by_task or {}, problems))
    groups = [*_group_fields(ids)]
    problems.extend(problem for group in groups for problem in misplaced_outputs(group, f"{group['group_id']}."))
    try:
        spec = DagSpec.model_validate(
            {**fields, "ecs": dict(ecs), "groups": tuple(groups), "tasks": tuple(task_fields)}
        )
    except ValidationError as error:
        found = spec_problems(error, [str(task["task_id"]) for task in task_fields])
        by_id = {ids[task]: task for task in flow.tasks}
        named = [_named_as_argument(problem, by_id) for problem in found if problem.path not in unsure]
        known = {problem.path for problem in problems}
        problems.extend(problem for problem in named if problem.path not in known)
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


def _namesakes(flow: Flow, ids: TaskIds) -> Iterator[Problem]:
    by_id: defaultdict[str, list[Task]] = defaultdict(list)
    for task in flow.tasks:
        by_id[ids[task]].append(task)
    for task_id, same in by_id.items():
        if len(same) > 1:
            places = "".join(made_at(task) for task in same)
            yield Problem(
                f"tasks.{task_id}",
                f"{len(same)} tasks have this id{places}: rename one, or make the task once and use that value twice",
            )


def _task_fields(
    flow: Flow, ids: TaskIds, by_task: Mapping[int, Mapping[str, Any]], problems: list[Problem]
) -> Iterator[dict[str, Any]]:
    """Yield each task's fields; of namesakes, which are a problem already, only the first one's."""
    first: dict[str, Task] = {}
    for task in flow.tasks:
        first.setdefault(ids[task], task)
    upstream: defaultdict[str, set[str]] = defaultdict(set)
    for before, after in flow.arrows:
        if first[ids[before]] is before and first[ids[after]] is after:
            upstream[ids[after]].add(ids[before])
    labels = _edge_labels(flow, ids, problems)
    for task_id, task in first.items():
        own: dict[str, Any] = {}
        try:
            own = task.contract(ids)
        except DagDefinitionError as error:
            problems.extend(Problem(f"tasks.{task_id}", each.message, each.value) for each in error.problems)
        common = task.common()
        problems.extend(misplaced_outputs(common, f"tasks.{task_id}."))
        yield {
            **common,
            **own,
            **by_task.get(id(task), {}),
            "task_id": task_id,
            "upstream": tuple(sorted(upstream[task_id])),
            "edge_labels": labels[task_id],
        }


def _edge_labels(flow: Flow, ids: TaskIds, problems: list[Problem]) -> defaultdict[str, tuple[dict[str, str], ...]]:
    """Return for each task the labels of the arrows to it, by the ids of the tasks that they come from."""
    texts: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for before, after, text in flow.labels:
        known = texts[ids[after]].setdefault(ids[before], text)
        if known != text:
            message = f"the arrow from {ids[before]} has two labels, {known!r} and {text!r}: keep one of them"
            problems.append(Problem(f"tasks.{ids[after]}", message))
    found: defaultdict[str, tuple[dict[str, str], ...]] = defaultdict(tuple)
    for task_id, by_upstream in texts.items():
        found[task_id] = tuple({"upstream": each, "label": by_upstream[each]} for each in sorted(by_upstream))
    return found


def _group_fields(ids: TaskIds) -> Iterator[dict[str, Any]]:
    for group_id, group in ids.groups.items():
        said = {"display_name": group.display_name, "tooltip": group.tooltip}
        given = {name: text for name, text in said.items() if text is not None}
        if given:
            yield {"group_id": group_id, **given}


def _named_as_argument(problem: Problem, tasks: Mapping[str, Task]) -> Problem:
    path = problem.path
    room, _, rest = path.partition(".")
    if room == "tasks":
        parts = rest.split(".")
        for count in range(len(parts), 0, -1):
            task_id = ".".join(parts[:count])
            if task_id in tasks:
                field = tasks[task_id].author_path(".".join(parts[count:]))
                return Problem(f"tasks.{task_id}.{field}".removesuffix("."), problem.message, problem.value)
    for field, argument in _ARGUMENTS.items():
        if path == field or path.startswith(f"{field}."):
            return Problem(argument + path[len(field) :], problem.message, problem.value)
    return Problem(path.removeprefix("ecs."), problem.message, problem.value)

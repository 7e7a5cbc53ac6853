"""What a DAG says of its own parts elsewhere: outputs, params, branches, groups, setups. Each must be there."""

from __future__ import annotations

from functools import cached_property
from graphlib import TopologicalSorter
from itertools import islice
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.operators import argument_problems
from airflow_ecs_dag_schema.problems import Problem, shown
from airflow_ecs_dag_schema.schedule import Manual, OnAssets, OnAssetsOrTime
from airflow_ecs_dag_schema.secret_texts import secret_problem
from airflow_ecs_dag_schema.tasks import (
    BranchSpec,
    EcsTaskSpec,
    ExpandOutput,
    OperatorSpec,
    ParamItemsSpec,
    ShortCircuitSpec,
)
from airflow_ecs_dag_schema.templates import TemplateNames, names_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow_ecs_dag_schema.dag import DagSpec
    from airflow_ecs_dag_schema.tasks import TaskSpec

_WITH_OUTPUT = (EcsTaskSpec, ParamItemsSpec, OperatorSpec)
"""The kinds of task that have an output; of an operator it is what Airflow's own operator returns."""
MOST_GROUPS = 500
DEEPEST_GROUP = 10
_NAMED = 20
_MAPPED_PRODUCER = {
    "expand": "this task is mapped itself, so its output is no list of one container: map over another task's output",
    "output": "this task is mapped, so its output is a list of all its instances: let one task after it decide",
}
_JOINS = ("upstream_join_id", "downstream_join_id")


def reference_problems(spec: DagSpec) -> Iterator[Problem]:
    """Yield what is wrong with references within ``spec``, whose arrows are right."""
    yield from _run_problems(spec)
    yield from _param_problems(spec)
    yield from _group_problems(spec)
    yield from _alert_problems(spec)
    before = _Ancestors(spec)
    for task in spec.tasks:
        yield from _output_problems(task, before)
        yield from _template_problems(task, spec, before)
        yield from _edge_problems(task)
        if isinstance(task, EcsTaskSpec) and task.inputs and spec.exchange is None:
            yield Problem(
                f"tasks.{task.task_id}.inputs",
                "inputs get to a container through S3, and the DAG names no bucket for them: give the DAG an exchange, "
                "or put them into environment or args",
            )
        if isinstance(task, OperatorSpec):
            for name, message in argument_problems(task.operator, task.arguments):
                yield Problem(f"tasks.{task.task_id}.arguments.{name}", message)
        if isinstance(task, BranchSpec) and not before.has_downstream(task.task_id):
            yield Problem(f"tasks.{task.task_id}", "a branch needs tasks right after it to choose from: add them")


def templates_of(task: TaskSpec) -> Iterator[tuple[str, str]]:
    """Yield each text of ``task`` that may hold a template, with its path below the task."""
    if isinstance(task, EcsTaskSpec):
        for name in ("command", "args"):
            for index, text in enumerate(getattr(task, name) or ()):
                yield f"{name}.{index}", text
        named = {"environment": task.environment, "inputs": task.inputs}
        yield from ((f"{field}.{name}", text) for field, texts in named.items() for name, text in texts.items())
        if task.map_index_template is not None:
            yield "map_index_template", task.map_index_template
    elif isinstance(task, OperatorSpec):
        for name, given in task.arguments.items():
            if isinstance(given, str):
                yield f"arguments.{name}", given
            else:
                for index, text in enumerate(given):
                    yield f"arguments.{name}.{index}", text


class _Ancestors:
    """The tasks of a DAG, and for each those before it, directly or not."""

    def __init__(self, spec: DagSpec) -> None:
        self.tasks = {task.task_id: task for task in spec.tasks}
        self._with_downstream = {each for task in spec.tasks for each in task.upstream}

    def has_downstream(self, task_id: str) -> bool:
        """Tell whether a task is right after ``task_id``."""
        return task_id in self._with_downstream

    def includes(self, task_id: str, before: str) -> bool:
        """Tell whether the task ``before`` runs before ``task_id``, directly or not."""
        return bool(self._sets[task_id] & self._bits[before])

    @cached_property
    def _bits(self) -> dict[str, int]:
        """A number for each task; together they are a set of tasks in one number, which costs next to nothing."""
        return {task_id: 1 << place for place, task_id in enumerate(self.tasks)}

    @cached_property
    def _sets(self) -> dict[str, int]:
        """The tasks before each task, each set as one number."""
        sets: dict[str, int] = {}
        for task_id in TopologicalSorter({name: task.upstream for name, task in self.tasks.items()}).static_order():
            sets[task_id] = 0
            for each in self.tasks[task_id].upstream:
                sets[task_id] |= sets[each] | self._bits[each]
        return sets

    def problem(self, user: str, task_id: str) -> str | None:
        """Return why ``user`` can't have the output of ``task_id``; ``None`` if it can."""
        task = self.tasks.get(task_id)
        if task is None:
            return "the DAG has no task of this id whose output this could be: name one of its tasks"
        if not isinstance(task, _WITH_OUTPUT):
            return f"a task of kind {task.kind} has no output: name an ECS task"
        if not self.includes(user, task_id):
            change = "turn the arrows round" if self.includes(task_id, user) else f"add the arrow {task_id} >> {user}"
            return f"the task {task_id} does not run before this one, so its output is not there yet: {change}"
        return None


def _output_problems(task: TaskSpec, before: _Ancestors) -> Iterator[Problem]:
    for field, task_id in named_outputs(task):
        where = f"tasks.{task.task_id}.{field}.task_id"
        producer = before.tasks.get(task_id)
        if isinstance(producer, EcsTaskSpec) and producer.expand is not None:
            yield Problem(where, _MAPPED_PRODUCER[field], task_id)
        if problem := before.problem(task.task_id, task_id):
            yield Problem(where, problem, task_id)


def named_outputs(task: TaskSpec) -> Iterator[tuple[str, str]]:
    """Yield the output that a field of ``task`` names: the field, and the task whose output it is."""
    match task:
        case EcsTaskSpec(expand=ExpandOutput(task_id=task_id)):
            yield "expand", task_id
        case ShortCircuitSpec() | BranchSpec():
            yield "output", task.output.task_id


def used_outputs(task: TaskSpec) -> Iterator[str]:
    """Yield the tasks whose output ``task`` uses, in a field or in a template."""
    for _field, task_id in named_outputs(task):
        yield task_id
    for _path, text in templates_of(task):
        if "xcom_pull" in text:  # most texts have none, and to parse one takes its time
            yield from names_in(text).outputs


def _template_problems(task: TaskSpec, spec: DagSpec, before: _Ancestors) -> Iterator[Problem]:
    is_mapped = isinstance(task, EcsTaskSpec) and task.expand is not None
    for path, text in templates_of(task):
        where = f"tasks.{task.task_id}.{path}"
        names: TemplateNames = names_in(text)
        for name in sorted(names.params - spec.params.keys()):
            known = f"its params are {_few(spec.params)}" if spec.params else "it has none"
            yield Problem(where, f"the DAG has no param {shown(name)}, {known}: declare it in params", text)
        for task_id in sorted(names.outputs):
            if problem := before.problem(task.task_id, task_id):
                named = "" if f" {task_id} " in problem else f" ({shown(task_id)[1:-1]})"
                yield Problem(where, f"{problem}{named}", text)
        if "item" in names.variables and not is_mapped:
            yield Problem(where, "{{ item }} is for a task that is mapped: give expand, too", text)


def _few(names: Collection[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(islice(names, _NAMED))}{more}"


def _run_problems(spec: DagSpec) -> Iterator[Problem]:
    """Yield what Airflow refuses of trigger rules."""
    setups = {task.task_id for task in spec.tasks if task.is_setup}
    for task in spec.tasks:
        where = f"tasks.{task.task_id}.trigger_rule"
        if spec.fail_fast and (task.trigger_rule != "all_success" or task.is_teardown):
            yield Problem(
                where,
                "with fail_fast a task runs only if all before it succeeded: leave trigger_rule and is_teardown out, "
                "or fail_fast itself",
                task.trigger_rule,
            )
        elif setups.intersection(task.upstream) and not task.is_teardown and task.trigger_rule != "all_success":
            yield Problem(
                where,
                "a task right after a setup runs only if all before it succeeded: leave this out",
                task.trigger_rule,
            )


def _param_problems(spec: DagSpec) -> Iterator[Problem]:
    for name, declared in spec.params.items():
        if isinstance(declared.default, str) and (problem := secret_problem(declared.default, name=name)):
            yield Problem(f"params.{name}.default", problem)
    if not isinstance(spec.schedule, Manual):
        for name, declared in spec.params.items():
            if declared.default is None and not declared.optional:
                yield Problem(
                    f"params.{name}.default",
                    "a DAG with a schedule runs with nobody to fill in its params: give a default, or optional=True",
                )
    for task in spec.tasks:
        if isinstance(task, ParamItemsSpec):
            param = spec.params.get(task.param)
            if param is None or param.kind != "string_list":
                yield Problem(
                    f"tasks.{task.task_id}.param",
                    "expected the name of a param of kind string_list: declare it in params",
                    task.param,
                )


def _group_problems(spec: DagSpec) -> Iterator[Problem]:
    task_ids = {task.task_id for task in spec.tasks}
    groups = {
        ".".join(parts[:count])
        for parts in (task_id.split(".") for task_id in task_ids)
        for count in range(1, len(parts))
    }
    if len(groups) > MOST_GROUPS:
        yield Problem(
            "tasks", f"a DAG has at most {MOST_GROUPS} task groups, this has {len(groups)}: put tasks together"
        )
    for task_id in sorted(task_ids):
        if task_id.count(".") > DEEPEST_GROUP:
            yield Problem(
                f"tasks.{task_id}", f"groups are at most {DEEPEST_GROUP} deep: leave out some of them", task_id
            )
    for task_id in sorted(task_ids & groups):
        yield Problem(f"tasks.{task_id}", "a task group has this id, too: rename one of the two", task_id)
    for task_id in sorted(task_ids):
        if set(task_id.split(".")[1:]) & set(_JOINS):
            yield Problem(
                f"tasks.{task_id}", f"{' and '.join(_JOINS)} are what Airflow calls its own nodes of a group: rename it"
            )
    for index, group in enumerate(spec.groups):
        if group.group_id not in groups:
            yield Problem(
                f"groups.{index}.group_id", "no task is in this group: remove it, or put tasks into it", group.group_id
            )


def _alert_problems(spec: DagSpec) -> Iterator[Problem]:
    for index, alert in enumerate(spec.alerts):
        if "missed_deadline" in alert.on and spec.deadline is None:
            yield Problem(f"alerts.{index}.on", "the DAG has no deadline that a run could miss: give deadline, too")
    if (
        spec.deadline is not None
        and spec.deadline.reference == "dagrun_logical_date"
        and isinstance(spec.schedule, OnAssets | OnAssetsOrTime)
    ):
        yield Problem(
            "deadline.reference",
            "a run that an asset starts has no logical date to count from: choose dagrun_queued_at",
            spec.deadline.reference,
        )
    if spec.deadline is not None and not any("missed_deadline" in alert.on for alert in spec.alerts):
        yield Problem(
            "deadline", "nobody is told when a run misses it: give an alert on=['missed_deadline'], or leave it out"
        )


def _edge_problems(task: TaskSpec) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, edge in enumerate(task.edge_labels):
        where = f"tasks.{task.task_id}.edge_labels.{index}.upstream"
        if edge.upstream not in task.upstream:
            yield Problem(where, "no arrow comes from this task: name a task directly before", edge.upstream)
        elif edge.upstream in seen:
            yield Problem(where, "the arrow from this task has words already: keep one of the two", edge.upstream)
        seen.add(edge.upstream)

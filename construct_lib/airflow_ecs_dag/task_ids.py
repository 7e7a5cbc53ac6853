"""The ids that a DAG's tasks have with their groups, and what stands for an output then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_ecs_dag.ledger import made_at
from airflow_ecs_dag.template_values import Output, TemplateValue, has_output, with_outputs
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag.flow import Flow
    from airflow_ecs_dag.task_group import TaskGroup
    from airflow_ecs_dag.tasks import Task


class TaskIds:
    """The tasks of one flow by their ids in Airflow: ``load.copy`` for the task ``copy`` in the group ``load``.

    Attributes:
        groups: The groups by their ids.
        problems: Tasks and groups that are in two places, or have dots in their ids.
    """

    def __init__(self, flow: Flow) -> None:
        self.groups: dict[str, TaskGroup] = {}
        self.problems: list[Problem] = []
        self._by_number: dict[int, str] = {}
        self._flow = flow
        paths = self._paths()
        for task in flow.tasks:
            path = paths.get(id(task), ())
            self._note_groups(path)
            if "." in task.task_id:
                message = "a dot divides a task's id from its group's: put the task into a TaskGroup, or rename it"
                self.problems.append(Problem(f"tasks.{task.task_id}.task_id", message, task.task_id))
            self._by_number[id(task)] = ".".join((*(group.group_id for group in path), task.task_id))

    def __getitem__(self, task: Task) -> str:
        """Return the id of a task of the flow."""
        return self._by_number[id(task)]

    def find(self, task: Task) -> str | None:
        """Return the id of ``task``, or of its one copy in the flow; ``None`` if the flow has neither."""
        if (found := self._by_number.get(id(task))) is not None:
            return found
        same = [each for each in self._flow.tasks if each.task_id == task.task_id and each == task]
        return self[same[0]] if len(same) == 1 else None

    def text(self, value: str | TemplateValue) -> str:
        """Return a text with its outputs filled in, as templates.

        Raises:
            DagDefinitionError: It has the output of a task that the flow doesn't have.
        """
        return with_outputs(str(value), lambda output: self.reference(output).template)

    def reference(self, output: Output) -> OutputRef:
        """Return how the contract names an output.

        Raises:
            DagDefinitionError: The flow doesn't have its task.
        """
        task_id = self.find(output.task)
        if task_id is None:
            message = (
                f"the DAG doesn't have the task whose output this is{made_at(output.task)}: pass that very value in a "
                "flow, for a task made a second time is another one"
            )
            raise DagDefinitionError([Problem("output", message, repr(output))])
        return OutputRef(task_id=task_id, key=output.key)

    def _paths(self) -> dict[int, tuple[TaskGroup, ...]]:
        """Return for each task in groups its groups. A task may be named within its group and, beside it, alone."""
        paths: dict[int, tuple[TaskGroup, ...]] = {}
        for task, path in self._flow.groups:
            known = paths.get(id(task), ())
            short, long = sorted((known, path), key=len)
            if short and [id(each) for each in long[-len(short) :]] != [id(each) for each in short]:
                first, second = (".".join(group.group_id for group in each) for each in (known, path))
                message = f"this task is in two groups, {first} and {second}: keep it in one of them"
                self.problems.append(Problem(f"tasks.{task.task_id}", message))
            paths[id(task)] = long
        return paths

    def _note_groups(self, path: tuple[TaskGroup, ...]) -> None:
        for depth in range(1, len(path) + 1):
            group_id = ".".join(group.group_id for group in path[:depth])
            known = self.groups.setdefault(group_id, path[depth - 1])
            if known is not path[depth - 1]:
                message = "two task groups have this id: rename one, or make the group once and use that value twice"
                problem = Problem("tasks", message, group_id)
                if problem not in self.problems:
                    self.problems.append(problem)


def misplaced_outputs(fields: dict[str, Any], path: str) -> Iterator[Problem]:
    """Yield a problem for each text of ``fields`` that still has an output in it: nothing fills it in there."""
    for name, value in fields.items():
        yield from _misplaced(value, f"{path}{name}")


def _misplaced(value: object, path: str) -> Iterator[Problem]:
    if isinstance(value, TemplateValue) or (isinstance(value, str) and has_output(value)):
        yield Problem(
            path,
            "this is no place for what is known only when a task runs: use it in args, command or environment, or in "
            "a templated argument of an operator",
            with_outputs(value, repr) if isinstance(value, str) else repr(value),
        )
    elif isinstance(value, tuple | list):
        for index, each in enumerate(value):
            yield from _misplaced(each, f"{path}.{index}")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _misplaced(each, f"{path}.{name}")

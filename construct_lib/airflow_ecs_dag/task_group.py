"""Task groups: tasks that Airflow's graph shows as one, and whose ids begin with the group's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_ecs_dag import ledger
from airflow_ecs_dag.flow import Flow, FlowPart, Parts, merged
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag.tasks import Task


@dataclass(frozen=True)
class TaskGroup(FlowPart):
    """Tasks under one name: ``extract >> TaskGroup("load", copy >> check) >> report``.

    The ids of its tasks get its own and a dot before them, ``load.copy``. Groups may be within groups. What comes
    before a group is joined to the tasks in it that nothing within it comes before, what comes after it to those that
    nothing within it comes after; a teardown holds nothing up. The tasks are used elsewhere as they are.

    Attributes:
        group_id: 1 to 200 of ``A-Z a-z 0-9 _ -``.
        tasks: A task, a flow, or a list of them.
        display_name: What the graph calls it; without it, its id.
        tooltip: What the graph says about it.
    """

    group_id: str
    tasks: Parts
    display_name: str | None = field(default=None, kw_only=True)
    tooltip: str | None = field(default=None, kw_only=True)
    _flow: Flow = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the id, and take in the tasks.

        Raises:
            DagDefinitionError: The id or the tasks are something else.
        """
        if not isinstance(self.group_id, str) or not self.group_id or "." in self.group_id:
            problem = Problem(
                "group_id", "expected a text without dots: put a group into another one instead", repr(self.group_id)
            )
            raise DagDefinitionError([problem], subject="TaskGroup")
        flow = merged(self.tasks)
        if isinstance(self.tasks, list):
            object.__setattr__(self, "tasks", tuple(self.tasks))
        placed = {id(task) for task, _ in flow.groups}
        groups = [(task, (self, *path)) for task, path in flow.groups]
        groups += [(task, (self,)) for task in flow.tasks if id(task) not in placed]
        object.__setattr__(
            self,
            "_flow",
            replace(flow, heads=tuple(_roots(flow)), tails=tuple(_leaves(flow)), groups=tuple(groups)),
        )
        ledger.note_group(self)

    def as_flow(self) -> Flow:
        """Return the tasks and arrows within."""
        return self._flow


def _roots(flow: Flow) -> Iterator[Task]:
    after = {id(task) for _, task in flow.arrows}
    return (task for task in flow.tasks if id(task) not in after)


def _leaves(flow: Flow) -> Iterator[Task]:
    """Yield the tasks that nothing follows but teardowns; of teardowns alone, all."""
    followed = {id(before) for before, after in flow.arrows if not after.is_teardown}
    last = [task for task in flow.tasks if id(task) not in followed]
    work = [task for task in last if not task.is_teardown and not _is_setup_of_teardowns(task, flow)]
    return iter(work or last)


def _is_setup_of_teardowns(task: Task, flow: Flow) -> bool:
    """Tell whether ``task`` is a setup whose only followers are teardowns: the work in between is elsewhere."""
    return task.is_setup and any(before is task for before, _ in flow.arrows)

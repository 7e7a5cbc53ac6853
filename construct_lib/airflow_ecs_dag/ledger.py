"""Which tasks and arrows were made and where, so that those which no DAG was given can be named.

``a >> b`` changes nothing, it returns a flow; an author who forgets to pass that flow on has a DAG without b, or
without the arrow, and no error. What counts as forgotten must never be a guess, so this is the rule:

* A **task** is forgotten if no DAG has it and it was made by a function (or the body of a file) that was running
  when an ``AirflowEcsDag`` was made. Constants of a shared module and the values of another test are not.
* An **arrow** is forgotten if no DAG has it, a DAG has one of its two tasks, and it was written in such a function
  or file, or in the function that made that task. So is the task at its other end.
* A **group** is forgotten by the same rule: no DAG has it, but a DAG has one of its tasks.

The price: a task that is in no arrow at all and was made in a helper function that has returned goes unnoticed by
this; it is an unused local variable there, which linters name. And a task that only serves as the pattern for
``dataclasses.replace`` has to be made in a function of its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ecs_dag.origin import Origin, here

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

    from airflow_ecs_dag.flow import Flow
    from airflow_ecs_dag.task_group import TaskGroup
    from airflow_ecs_dag.tasks import Task

_tasks: dict[CodeType, list[Task]] = defaultdict(list)
_arrows: dict[CodeType, list[Arrow]] = defaultdict(list)
_groups: dict[CodeType, list[Group]] = defaultdict(list)
_origins: dict[int, tuple[Task, Origin]] = {}
_used_tasks: set[int] = set()
_used_arrows: set[tuple[int, int]] = set()
_used_groups: set[int] = set()


@dataclass(frozen=True)
class Arrow:
    """An arrow as it was written.

    Attributes:
        before: The task it starts from.
        after: The task it points to.
        origin: Where it was written.
    """

    before: Task
    after: Task
    origin: Origin


@dataclass(frozen=True)
class Group:
    """A task group as it was made.

    Attributes:
        group: The group; kept, so that its number is never given again.
        origin: Where it was made.
    """

    group: TaskGroup
    origin: Origin


def note_task(task: Task) -> None:
    """Remember that ``task`` was made here. It stays in memory with its number, which so is never given again."""
    origin = here()
    _origins[id(task)] = (task, origin)
    _tasks[origin.code].append(task)


def note_arrows(pairs: Iterable[tuple[Task, Task]]) -> None:
    """Remember that these arrows, from the first to the second of each pair, were written here."""
    origin = here()
    _arrows[origin.code].extend(Arrow(before, after, origin) for before, after in pairs)


def note_group(group: TaskGroup) -> None:
    """Remember that ``group`` was made here."""
    origin = here()
    _groups[origin.code].append(Group(group, origin))


def note_use(flow: Flow) -> None:
    """Remember that a DAG was given ``flow``."""
    _used_tasks.update(map(id, flow.tasks))
    _used_groups.update(id(group) for _, path in flow.groups for group in path)
    _used_arrows.update((id(before), id(after)) for before, after in flow.arrows)


def discard(codes: Iterable[CodeType]) -> None:
    """Forget what this code made: the DAG it was for raised, and whoever caught that starts anew."""
    for code in codes:
        _tasks.pop(code, None)
        _arrows.pop(code, None)
        _groups.pop(code, None)


def made_at(task: Task) -> str:
    """Return where ``task`` was made, as the end of a sentence: ``, made at cdk/app.py:31``; of a copy, nothing."""
    known = _origins.get(id(task))
    return "" if known is None else f", made at {known[1]}"


class Claim:
    """What belongs to one app: a running account, of which :meth:`forgotten` gives the balance."""

    def __init__(self) -> None:
        self._codes: set[CodeType] = set()
        self._own: dict[int, Task] = {}
        self._made: dict[int, Task] = {}
        self._written: list[Arrow] = []
        self._grouped: list[Group] = []

    def add(self, flow: Flow, codes: Iterable[CodeType]) -> None:
        """Add a DAG's flow, and the code that was running when the DAG was made."""
        self._own.update((id(task), task) for task in flow.tasks)
        self._codes.update(codes)
        self._collect()

    def forgotten(self) -> list[str]:
        """Return a sentence for each task and each arrow that no DAG was given."""
        self._collect()
        loose = [
            arrow
            for arrow in self._written
            if (id(arrow.before), id(arrow.after)) not in _used_arrows
            and (id(arrow.before) in self._own or id(arrow.after) in self._own)
        ]
        tasks = {number: task for number, task in self._made.items() if number not in _used_tasks}
        tasks |= {id(end): end for arrow in loose for end in (arrow.before, arrow.after) if id(end) not in _used_tasks}
        between = [arrow for arrow in loose if id(arrow.before) in _used_tasks and id(arrow.after) in _used_tasks]
        groups = [
            each
            for each in self._grouped
            if id(each.group) not in _used_groups and any(id(task) in self._own for task in each.group.as_flow().tasks)
        ]
        return [
            *map(_forgotten_task, tasks.values()),
            *map(_forgotten_arrow, between),
            *map(_forgotten_group, groups),
        ]

    def _collect(self) -> None:
        """Take over what was made by this app's code; what one app took no other one sees."""
        for code in self._codes:
            self._made.update((id(task), task) for task in _tasks.pop(code, ()))
        origins = [_origins[number][1] for number in self._own if number in _origins]
        for code in self._codes | {origin.code for origin in origins if origin.is_function}:
            self._written.extend(_arrows.pop(code, ()))
            self._grouped.extend(_groups.pop(code, ()))


def _forgotten_task(task: Task) -> str:
    return (
        f"the task {task.task_id!r}{made_at(task)}, is in no flow that an AirflowEcsDag was given: "
        "pass it in tasks=[...] or remove it; a >> b alone does nothing, it returns a flow to pass"
    )


def _forgotten_arrow(arrow: Arrow) -> str:
    return (
        f"the arrow {arrow.before.task_id} >> {arrow.after.task_id}, written at {arrow.origin}, is in no flow that an "
        "AirflowEcsDag was given: a >> b alone does nothing, it returns a flow to pass in tasks=[...]"
    )


def _forgotten_group(each: Group) -> str:
    return (
        f"the task group {each.group.group_id!r}, made at {each.origin}, is in no flow that an AirflowEcsDag was "
        "given, but tasks of it are: pass the group instead of its tasks, or remove it"
    )

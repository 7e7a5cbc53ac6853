"""Flows: tasks and the arrows between them, as an author writes them with ``>>``. Immutable values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_ecs_dag import ledger
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_ecs_dag.task_group import TaskGroup
    from airflow_ecs_dag.tasks import Task

Direction = Literal[">>", "<<"]


class FlowPart(ABC):
    """What stands on either side of ``>>`` and ``<<``: a task, a group or a flow. A list of them runs side by side."""

    @abstractmethod
    def as_flow(self) -> Flow:
        """Return this as a flow."""

    def __rshift__(self, after: Parts | EdgeLabel) -> Flow:
        """Return a new flow in which ``after`` runs after this; neither side changes."""
        return _join(self, after, ">>")

    def __rrshift__(self, before: Sequence[FlowPart]) -> Flow:
        """Return a new flow in which this runs after each of ``before``."""
        return _join(before, self, ">>")

    def __lshift__(self, before: Parts | EdgeLabel) -> Flow:
        """Return a new flow in which this runs after ``before``; neither side changes."""
        return _join(self, before, "<<")

    def __rlshift__(self, after: Sequence[FlowPart]) -> Flow:
        """Return a new flow in which each of ``after`` runs after this."""
        return _join(after, self, "<<")


@dataclass(frozen=True)
class EdgeLabel:
    """Words on the arrows that it stands between: ``check >> EdgeLabel("if new") >> load``.

    Attributes:
        text: One line of at most 100 characters, for Airflow's graph; it changes nothing.
    """

    text: str

    def __post_init__(self) -> None:
        """Check the text.

        Raises:
            DagDefinitionError: It is none.
        """
        if not isinstance(self.text, str) or not self.text:
            problem = Problem("text", "expected a text such as 'if new'", repr(self.text))
            raise DagDefinitionError([problem], subject="EdgeLabel")

    def __rshift__(self, after: Parts) -> Flow:
        """Return ``after``, with the label on the arrows that will come to it."""
        return _with_label(after, self, "leads", ">>")

    def __rrshift__(self, before: Sequence[FlowPart]) -> Flow:
        """Return ``before``, with the label on the arrows that will go out from it."""
        return _with_label(before, self, "trails", ">>")

    def __lshift__(self, before: Parts) -> Flow:
        """Return ``before``, with the label on the arrows that will go out from it."""
        return _with_label(before, self, "trails", "<<")

    def __rlshift__(self, after: Sequence[FlowPart]) -> Flow:
        """Return ``after``, with the label on the arrows that will come to it."""
        return _with_label(after, self, "leads", "<<")


@dataclass(frozen=True)
class Flow(FlowPart):
    """Tasks and arrows, made by ``>>`` and ``<<`` from tasks, groups, other flows and lists of them.

    ``a >> [b, c] >> d`` has the arrows a-b, a-c, b-d and c-d. What follows a flow follows what was named last in
    it; ``x << y`` is ``y >> x``. One flow takes either ``>>`` or ``<<``: Airflow reads ``a >> b << c`` as two arrows
    into b, other readers as one into a, so it is refused.

    Attributes:
        tasks: Each once, in the order in which they were named.
        arrows: Pairs (before, after), each once.
        heads: The tasks that what comes before is joined to.
        tails: The tasks that what comes after is joined to.
        labels: Arrows with words on them.
        groups: For tasks in groups, the groups from the outermost to the innermost.
        leads: Heads, each with the label that waits for the arrows to it.
        trails: Tails, each with the label that waits for the arrows from it.
    """

    tasks: tuple[Task, ...]
    arrows: tuple[tuple[Task, Task], ...] = ()
    heads: tuple[Task, ...] = field(default=(), repr=False)
    tails: tuple[Task, ...] = field(default=(), repr=False)
    direction: Direction | None = field(default=None, repr=False, compare=False)
    labels: tuple[tuple[Task, Task, str], ...] = field(default=(), repr=False)
    groups: tuple[tuple[Task, tuple[TaskGroup, ...]], ...] = field(default=(), repr=False)
    leads: tuple[tuple[Task, EdgeLabel], ...] = field(default=(), repr=False)
    trails: tuple[tuple[Task, EdgeLabel], ...] = field(default=(), repr=False)

    @staticmethod
    def of(*parts: FlowPart) -> Flow:
        """Return one flow of ``parts`` that run side by side: ``Flow.of(a, b) >> [c, d]``.

        Raises:
            DagDefinitionError: There are none, or one is neither a task nor a flow.
        """
        return side_by_side(parts)

    def as_flow(self) -> Flow:
        """Return this."""
        return self


Parts: TypeAlias = "FlowPart | Sequence[FlowPart]"


def side_by_side(parts: object) -> Flow:
    """Return the flow of one part, or of a list of parts that run side by side.

    Raises:
        DagDefinitionError: It is something else, or empty.
    """
    if isinstance(parts, FlowPart):
        return parts.as_flow()
    if not isinstance(parts, list | tuple) or not parts:
        raise _not_a_part(parts)
    for part in parts:
        if not isinstance(part, FlowPart):
            raise _not_a_part(part)
    flows = [part.as_flow() for part in parts]
    return Flow(
        tasks=_each_once(task for flow in flows for task in flow.tasks),
        arrows=_pairs_once(pair for flow in flows for pair in flow.arrows),
        heads=_each_once(task for flow in flows for task in flow.heads),
        tails=_each_once(task for flow in flows for task in flow.tails),
        labels=tuple(label for flow in flows for label in flow.labels),
        groups=tuple(place for flow in flows for place in flow.groups),
        leads=tuple(waiting for flow in flows for waiting in flow.leads),
        trails=tuple(waiting for flow in flows for waiting in flow.trails),
    )


def merged(parts: object) -> Flow:
    """Return what an author gave as ``tasks``, one task, one flow or a list of them, as one flow.

    Raises:
        DagDefinitionError: It is something else, or empty.
    """
    flow = side_by_side(parts)
    if waiting := (*flow.leads, *flow.trails):
        raise _loose_label(waiting[0][1])
    return replace(flow, direction=None)


def _join(left: object, right: object, direction: Direction) -> Flow:
    if isinstance(right, EdgeLabel):
        return _with_label(left, right, "trails" if direction == ">>" else "leads", direction)
    first, second = side_by_side(left), side_by_side(right)
    if first.direction not in {None, direction}:
        raise _mixed(first, second)
    before, after = (first, second) if direction == ">>" else (second, first)
    new = [(head, tail) for head in before.tails for tail in after.heads]
    ledger.note_arrows(new)
    return Flow(
        tasks=_each_once((*first.tasks, *second.tasks)),
        arrows=_pairs_once((*before.arrows, *new, *after.arrows)),
        heads=before.heads,
        tails=after.tails,
        direction=direction,
        labels=(*before.labels, *after.labels, *_labels(new, before.trails, after.leads)),
        groups=(*before.groups, *after.groups),
        leads=before.leads,
        trails=after.trails,
    )


def _labels(
    arrows: Iterable[tuple[Task, Task]],
    trails: tuple[tuple[Task, EdgeLabel], ...],
    leads: tuple[tuple[Task, EdgeLabel], ...],
) -> Iterator[tuple[Task, Task, str]]:
    """Yield the new arrows that have a label, each with its text."""
    from_tail = {id(task): label for task, label in trails}
    to_head = {id(task): label for task, label in leads}
    if not from_tail and not to_head:
        return
    for before, after in arrows:
        first, second = from_tail.get(id(before)), to_head.get(id(after))
        if first and second:
            raise _two_labels(first, second)
        if label := first or second:
            yield before, after, label.text


def _with_label(parts: object, label: EdgeLabel, side: Literal["leads", "trails"], direction: Direction) -> Flow:
    flow = side_by_side(parts)
    if flow.direction not in {None, direction}:
        raise _mixed(flow, flow)
    there: tuple[tuple[Task, EdgeLabel], ...] = getattr(flow, side)
    if there:
        raise _two_labels(there[0][1], label)
    own = flow.direction or direction
    if side == "leads":
        return replace(flow, leads=tuple((task, label) for task in flow.heads), direction=own)
    return replace(flow, trails=tuple((task, label) for task in flow.tails), direction=own)


def _each_once(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Keep the first of each task. Two tasks of equal content are two tasks, for the DAG to complain about."""
    return tuple({id(task): task for task in tasks}.values())


def _pairs_once(pairs: Iterable[tuple[Task, Task]]) -> tuple[tuple[Task, Task], ...]:
    return tuple({(id(before), id(after)): (before, after) for before, after in pairs}.values())


def _ids(flow: Flow) -> str:
    return flow.tasks[0].task_id if len(flow.tasks) == 1 else f"({', '.join(task.task_id for task in flow.tasks)})"


def _not_a_part(got: object) -> DagDefinitionError:
    return _error(
        "expected a task such as EcsTask('convert'), a flow such as a >> b, or a list of at least one of these",
        repr(got),
    )


def _mixed(first: Flow, second: Flow) -> DagDefinitionError:
    return _error(
        "one flow mixes >> and <<, which can be read in two ways: write each arrow with >>, as in "
        f"{_ids(second)} >> {_ids(first)}"
    )


def _loose_label(label: EdgeLabel) -> DagDefinitionError:
    return _error("a label is on no arrow: write it between two tasks, as in a >> EdgeLabel(...) >> b", repr(label))


def _two_labels(first: EdgeLabel, second: EdgeLabel) -> DagDefinitionError:
    return _error("two labels follow each other, and an arrow has one: keep one of them", f"{first!r} >> {second!r}")


def _error(message: str, got: str | None = None) -> DagDefinitionError:
    return DagDefinitionError([Problem("tasks", message, got)])

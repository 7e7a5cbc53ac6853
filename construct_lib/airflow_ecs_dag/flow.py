"""Flows: tasks and the arrows between them, as an author writes them with ``>>``. Immutable values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_ecs_dag import ledger
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_ecs_dag.tasks import Task

Direction = Literal[">>", "<<"]


class FlowPart(ABC):
    """What stands on either side of ``>>`` and ``<<``: a task or a flow. A list of them runs side by side."""

    @abstractmethod
    def as_flow(self) -> Flow:
        """Return this as a flow."""

    def __rshift__(self, after: Parts) -> Flow:
        """Return a new flow in which ``after`` runs after this; neither side changes."""
        return _join(self, after, ">>")

    def __rrshift__(self, before: Sequence[FlowPart]) -> Flow:
        """Return a new flow in which this runs after each of ``before``."""
        return _join(before, self, ">>")

    def __lshift__(self, before: Parts) -> Flow:
        """Return a new flow in which this runs after ``before``; neither side changes."""
        return _join(self, before, "<<")

    def __rlshift__(self, after: Sequence[FlowPart]) -> Flow:
        """Return a new flow in which each of ``after`` runs after this."""
        return _join(after, self, "<<")


@dataclass(frozen=True)
class Flow(FlowPart):
    """Tasks and arrows, made by ``>>`` and ``<<`` from tasks, other flows and lists of them.

    ``a >> [b, c] >> d`` has the arrows a-b, a-c, b-d and c-d. What follows a flow follows what was named last in
    it; ``x << y`` is ``y >> x``. One flow takes either ``>>`` or ``<<``: Airflow reads ``a >> b << c`` as two arrows
    into b, other readers as one into a, so it is refused.

    Attributes:
        tasks: Each once, in the order in which they were named.
        arrows: Pairs (before, after), each once.
        heads: The tasks that what comes before is joined to.
        tails: The tasks that what comes after is joined to.
    """

    tasks: tuple[Task, ...]
    arrows: tuple[tuple[Task, Task], ...] = ()
    heads: tuple[Task, ...] = field(default=(), repr=False)
    tails: tuple[Task, ...] = field(default=(), repr=False)
    direction: Direction | None = field(default=None, repr=False, compare=False)

    @staticmethod
    def of(*parts: FlowPart) -> Flow:
        """Return one flow of ``parts`` that run side by side: ``Flow.of(a, b) >> [c, d]``.

        Raises:
            DagDefinitionError: There are none, or one is neither a task nor a flow.
        """
        return _side_by_side(parts)

    def as_flow(self) -> Flow:
        """Return this."""
        return self


Parts: TypeAlias = "FlowPart | Sequence[FlowPart]"


def _side_by_side(parts: object) -> Flow:
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
    )


def _join(left: Parts, right: Parts, direction: Direction) -> Flow:
    first, second = _side_by_side(left), _side_by_side(right)
    if first.direction not in {None, direction}:
        raise DagDefinitionError(
            [
                Problem(
                    "tasks",
                    f"one flow mixes >> and <<, which can be read in two ways: write each arrow with >>, as in "
                    f"{_ids(second)} >> {_ids(first)}",
                )
            ]
        )
    before, after = (first, second) if direction == ">>" else (second, first)
    new = [(head, tail) for head in before.tails for tail in after.heads]
    ledger.note_arrows(new)
    return Flow(
        tasks=_each_once((*first.tasks, *second.tasks)),
        arrows=_pairs_once((*before.arrows, *new, *after.arrows)),
        heads=before.heads,
        tails=after.tails,
        direction=direction,
    )


def merged(parts: object) -> Flow:
    """Return what an author gave as ``tasks``, one task, one flow or a list of them, as one flow.

    Raises:
        DagDefinitionError: It is something else, or empty.
    """
    return replace(_side_by_side(parts), direction=None)


def _each_once(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Keep the first of each task. Two tasks of equal content are two tasks, for the DAG to complain about."""
    return tuple({id(task): task for task in tasks}.values())


def _pairs_once(pairs: Iterable[tuple[Task, Task]]) -> tuple[tuple[Task, Task], ...]:
    return tuple({(id(before), id(after)): (before, after) for before, after in pairs}.values())


def _ids(flow: Flow) -> str:
    return flow.tasks[0].task_id if len(flow.tasks) == 1 else f"({', '.join(task.task_id for task in flow.tasks)})"


def _not_a_part(got: object) -> DagDefinitionError:
    return DagDefinitionError(
        [
            Problem(
                "tasks",
                "expected a task such as EcsTask('convert'), a flow such as a >> b, or a list of at least one of these",
                repr(got),
            )
        ]
    )

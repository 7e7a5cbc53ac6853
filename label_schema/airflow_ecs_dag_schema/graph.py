"""What can be wrong with the arrows between tasks: a task that isn't there, a circle."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.problems import Problem, label_path

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED = 20
"""Tasks that a message names."""


def graph_problems(upstream: Mapping[str, tuple[str, ...]]) -> list[Problem]:
    """Return what is wrong with the arrows of a DAG, with paths such as ``tasks.convert.upstream``.

    Args:
        upstream: For each task's id, the ids of the tasks directly before it.
    """
    known = sorted(upstream)
    named = ", ".join(map(label_path, known[:_NAMED])) + (f", ... ({len(known)})" if len(known) > _NAMED else "")
    problems = [
        Problem(
            f"tasks.{task_id}.upstream",
            f"the DAG has no such task; the tasks are {named}: name one of these",
            other,
        )
        for task_id, before in sorted(upstream.items())
        for other in before
        if other not in upstream
    ]
    if cycle := find_cycle(upstream):
        shown = cycle if len(cycle) <= _NAMED else (*cycle[: _NAMED - 2], f"... ({len(cycle) - 1} tasks)", cycle[-1])
        problems.append(
            Problem(
                "tasks", f"the tasks run in a circle, {' >> '.join(map(label_path, shown))}: remove one of these arrows"
            )
        )
    return problems


def find_cycle(upstream: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the ids of one circle in the order of its arrows, the first repeated last; empty if there is none."""
    try:
        TopologicalSorter({task_id: upstream[task_id] for task_id in sorted(upstream)}).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def longest_path(upstream: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the ids of the tasks on a longest path, in the order of its arrows; there is no circle."""
    length: dict[str, int] = {}
    previous: dict[str, str] = {}
    for task_id in TopologicalSorter(upstream).static_order():
        before = max(upstream[task_id], key=lambda each: (length[each], each), default=None)
        length[task_id] = 1 if before is None else length[before] + 1
        if before is not None:
            previous[task_id] = before
    last: str | None = max(length, key=lambda each: (length[each], each))
    path = []
    while last is not None:
        path.append(last)
        last = previous.get(last)
    return tuple(reversed(path))

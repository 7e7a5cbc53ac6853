"""Where the tasks of a dag-factory DAG run: what they all say is the DAG's, what they say differently has no place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OF_THE_DAG = ("cluster", "network")
_OF_ALL_TASKS = ("launch_type", "capacity_provider_strategy", "platform_version", "tags")
"""What is the DAG's where all of its ECS tasks say the same."""


def common_place(tasks: Sequence[dict[str, Any]], lose: Callable[..., None]) -> dict[str, Any]:
    """Take cluster and network out of the tasks; return the DAG's fields for them.

    Args:
        tasks: The fields of the tasks, each with the part it was read from as ``part``.
        lose: Told what is not carried over.
    """
    found: dict[str, Any] = {}
    for name in _OF_THE_DAG:
        for task in tasks:
            given = task.pop(name, None)
            if given is None:
                continue
            if found.setdefault(name, given) != given:
                reason = f"{given!r} differs from {found[name]!r} of another task, and a DAG has one: divide the DAG"
                lose(f"task {task['task_id']}: {name}", reason, task["part"], task["task_id"])
    for name in _OF_ALL_TASKS:
        of_ecs = [task for task in tasks if task["kind"] == "ecs"]
        if of_ecs and all(task.get(name) and task[name] == of_ecs[0].get(name) for task in of_ecs):
            for task in of_ecs:
                found[name] = task.pop(name)
    for task in tasks:
        task.pop("part")
    settings = {**found.pop("network", {}), **found}
    return {"ecs": settings} if settings else {}

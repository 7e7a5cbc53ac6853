"""What stands for a task in the keys of its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def task_keys(task_ids: Iterable[str]) -> dict[str, str]:
    """Return for each task id the part of a label's key that stands for it: itself, unless it has dots."""
    ids = list(task_ids)
    keys = {task_id: task_id for task_id in ids if "." not in task_id}
    used = set(keys)
    longest: dict[str, str] = {}
    for task_id in sorted(set(ids) - used):
        plain = task_id.replace(".", "_")
        key = longest.get(plain, plain)
        while key in used:
            key += "_"
        longest[plain] = key
        keys[task_id] = key
        used.add(key)
    return keys

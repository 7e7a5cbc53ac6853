"""What the triggerer tells a worker of an ECS task that it has waited for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

_LONGEST_REASON = 1_000


@dataclass(frozen=True)
class EcsTaskEnd:
    """How a wait ended.

    Attributes:
        task: The ECS task, as DescribeTasks gives it, or what :meth:`from_json` has of that.
        is_lost: ECS does not know it any more.
        is_timed_out: The time of the try was up; the ECS task was stopped.
    """

    task: Mapping[str, Any] | None
    is_lost: bool = False
    is_timed_out: bool = False

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain JSON values: of the ECS task, only what its verdict needs.

        Airflow logs it whole.
        """
        said: dict[str, JsonValue] = {}
        if self.task is not None:
            said["task"] = ended(self.task)
        if self.is_lost:
            said["is_lost"] = True
        if self.is_timed_out:
            said["is_timed_out"] = True
        return said

    @classmethod
    def from_json(cls, value: object) -> Self | None:
        """Read what :meth:`to_json` wrote; ``None`` for anything else."""
        if not isinstance(value, dict):
            return None
        task = value.get("task")
        return cls(
            task if isinstance(task, dict) else None,
            is_lost=bool(value.get("is_lost")),
            is_timed_out=bool(value.get("is_timed_out")),
        )


def ended(task: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return what a verdict needs of an ECS task, as plain JSON values."""
    containers: list[JsonValue] = [
        _given(container, "name", "exitCode", "reason", "lastStatus") for container in task.get("containers") or ()
    ]
    return {
        **_given(task, "lastStatus", "desiredStatus", "stopCode", "stoppedReason", "taskDefinitionArn"),
        "containers": containers,
    }


def _given(value: Mapping[str, Any], *names: str) -> dict[str, JsonValue]:
    given = {name: value[name] for name in names if value.get(name) is not None}
    return {name: each[:_LONGEST_REASON] if isinstance(each, str) else each for name, each in given.items()}

"""One ECS task that was started for a try: what a worker, the triggerer and the next worker must know of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pydantic import JsonValue


@dataclass(frozen=True, kw_only=True)
class EcsTaskRun:
    """An ECS task, and where its container's lines are.

    Attributes:
        arn: Of the ECS task.
        cluster: Name or ARN of its cluster.
        task_definition: ARN of the revision that runs.
        container_name: The container with the verdict.
        log_group: Of the container's lines; empty if they are not in CloudWatch Logs.
        log_stream: Of the container's lines.
        log_region: Where these are; ``None`` for the region of the ECS task.
        essential_sidecars: The other containers whose end makes ECS stop the ECS task.
        deferred_at: When the worker gave it to the triggerer, in seconds since 1970; ``None`` if it waits itself.
    """

    arn: str
    cluster: str
    task_definition: str
    container_name: str
    log_group: str = ""
    log_stream: str = ""
    log_region: str | None = None
    essential_sidecars: tuple[str, ...] = ()
    deferred_at: float | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain JSON values."""
        return {**asdict(self), "essential_sidecars": list(self.essential_sidecars)}

    @classmethod
    def from_json(cls, value: object) -> Self | None:
        """Read what :meth:`to_json` wrote; ``None`` for anything else."""
        if not isinstance(value, dict):
            return None
        try:
            return cls(**{**value, "essential_sidecars": tuple(value.get("essential_sidecars") or ())})
        except TypeError:
            return None

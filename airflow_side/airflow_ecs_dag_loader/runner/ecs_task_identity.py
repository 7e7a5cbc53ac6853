"""By what ECS and Airflow tell one start of an ECS task from all others, worked out anew by whoever asks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context


@dataclass(frozen=True)
class EcsTaskIdentity:
    """What a start is called.

    Attributes:
        started_by: ``startedBy`` of RunTask: that of the task instance, the same in each of its tries, so that one
            ListTasks finds what any of them left running.
        client_token: ``clientToken`` of RunTask: that of one try, under which ECS starts one ECS task, however often it
            is asked.
    """

    started_by: str
    client_token: str

    @classmethod
    def of(cls, context: Context, *, task_id: str | None = None) -> Self:
        """Return that of the try that runs; or, with ``task_id``, of a first try of that task, which is not mapped.

        When the run began is part of it: two Airflow installations may share a cluster and name their runs alike, and
        a run that was deleted may be made again under its name.
        """
        instance = context["ti"]
        which = [instance.task_id, instance.map_index] if task_id is None else [task_id, -1]
        try_number = instance.try_number if task_id is None else 1
        names = [instance.dag_id, instance.run_id, *which]
        began = str(context["dag_run"].start_date)
        return cls(f"airflow/{_digest(*names, began)[:32]}", _digest(*names, try_number, began))

    @classmethod
    def from_json(cls, value: object) -> Self | None:
        """Read what :meth:`to_json` wrote; ``None`` for anything else."""
        match value:
            case {"started_by": str(started_by), "client_token": str(client_token)}:
                return cls(started_by, client_token)
        return None

    def to_json(self) -> dict[str, str]:
        """Return it as plain JSON values."""
        return {"started_by": self.started_by, "client_token": self.client_token}

    def named(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``request`` for RunTask under this identity."""
        return {**request, "startedBy": self.started_by, "clientToken": self.client_token}


def _digest(*parts: object) -> str:
    """Return 64 characters that ECS takes for both."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

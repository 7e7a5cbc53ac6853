"""Airflow's own note, as an XCom, of how far a container's lines were shown: who goes on shows none of them twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from airflow.sdk.execution_time.xcom import XCom

if TYPE_CHECKING:
    from airflow.sdk.types import Logger
    from pydantic import JsonValue

_KEY = "airflow_ecs_dag_lines_shown"


@dataclass(frozen=True, kw_only=True)
class TaskInstanceName:
    """What Airflow calls a task instance.

    Attributes:
        map_index: Of a mapped task instance; -1 for any other.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    @property
    def key(self) -> str:
        """Its name among the states of the task instances of a run."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}_{self.map_index}"

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Self | None:
        """Read what :meth:`to_json` wrote; ``None`` for anything else."""
        if not isinstance(value, dict):
            return None
        try:
            return cls(**value)
        except TypeError:
            return None


class ShownPosition:
    """The note of one task instance. Airflow itself takes it away when a try begins anew.

    Args:
        instance: The task instance.
        log: The Airflow task's logger.
    """

    def __init__(self, instance: TaskInstanceName, *, log: Logger) -> None:
        self._names = {
            "dag_id": instance.dag_id,
            "run_id": instance.run_id,
            "task_id": instance.task_id,
            "map_index": instance.map_index,
        }
        self._log = log
        self._has_failed = False

    def read(self) -> JsonValue:
        """Return the position from which to go on; ``None`` for the first line."""
        try:
            position: JsonValue = XCom.get_one(key=_KEY, **self._names)
        except Exception as error:  # noqa: BLE001 - the API server's, the network's, a platform's own XCom backend's
            self._fail(error)
            return None
        return position

    def write(self, position: JsonValue) -> None:
        """Note the position after the lines that were shown."""
        try:
            XCom.set(key=_KEY, value=position, **self._names)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def clear(self) -> None:
        """Take the note away: all lines were shown."""
        try:
            XCom.delete(key=_KEY, **self._names)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._log.warning("How far the lines were shown can't be noted, they may be shown twice: %s", error)

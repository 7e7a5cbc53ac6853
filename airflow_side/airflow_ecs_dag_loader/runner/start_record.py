"""Airflow's own note, across the tries of a task instance, of an ECS task whose end nobody has judged yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.runner.ecs_task_identity import EcsTaskIdentity
from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk.execution_time.context import TaskStateStoreAccessor
    from airflow.sdk.types import Logger
    from pydantic import JsonValue

_KEY = "airflow_ecs_dag.unjudged_start"


class StartRecord:
    """The note in Airflow's task state store, made before RunTask and taken away with a worker's verdict.

    The triggerer can't take it away.

    A worker that is killed in between leaves it behind for the next try. Without it, what the next try may take for its
    own can't be told from an ECS task whose end was judged already, so nothing is taken.

    Args:
        store: That of the task instance.
        log: The Airflow task's logger.
    """

    def __init__(self, store: TaskStateStoreAccessor, *, log: Logger) -> None:
        self._store = store
        self._log = log
        self._has_failed = False

    def read(self) -> EcsTaskIdentity | None:
        """Return what the last try that was cut off asked ECS for; ``None`` if none was."""
        found: list[object] = []
        self._attempt(lambda: found.append(self._store.get(_KEY)))
        return EcsTaskIdentity.from_json(found[0]) if found else None

    def started(self) -> EcsTaskRun | None:
        """Return the ECS task that was started; ``None`` if that is not known."""
        found: list[object] = []
        self._attempt(lambda: found.append(self._store.get(_KEY)))
        match found:
            case [{"run": run}]:
                return EcsTaskRun.from_json(run)
        return None

    def write(self, identity: EcsTaskIdentity) -> None:
        """Note what ECS is asked for now."""
        self._attempt(lambda: self._store.set(_KEY, dict(identity.to_json())))

    def deferred(self) -> EcsTaskRun | None:
        """Return the ECS task for which a try waited in the triggerer.

        No worker has taken it up since and none was killed: a try that finds this was asked for by a person who
        cleared the task, while it waited or after the triggerer had ended it.
        """
        found: list[object] = []
        self._attempt(lambda: found.append(self._store.get(_KEY)))
        match found:
            case [{"run": run, "is_deferred": True}]:
                return EcsTaskRun.from_json(run)
        return None

    def add(self, run: EcsTaskRun, *, is_deferred: bool = False) -> None:
        """Note the ECS task that was started for it, and whether the triggerer is to wait for that."""
        identity = self.read()
        note: dict[str, JsonValue] = {} if identity is None else dict(identity.to_json())
        self._attempt(lambda: self._store.set(_KEY, {**note, "run": run.to_json(), "is_deferred": is_deferred}))

    def clear(self) -> None:
        """Take the note away: the end of the ECS task was judged."""
        self._attempt(lambda: self._store.delete(_KEY))

    def _attempt(self, action: Callable[[], object]) -> None:
        """The work is not to fail for want of a note; that there is none is said once."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the API server's, the network's, and those of a platform's own store
            if not self._has_failed:
                self._has_failed = True
                self._log.warning(
                    "Airflow's task state store can't be used: if this worker is killed, a retry finds its ECS task "
                    "only while that runs (%s)",
                    str(error) or repr(error),
                )

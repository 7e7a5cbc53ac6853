"""Airflow's task instances in its database, where a run has one task: who waits, who has ended, and who is deferred."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from sqlalchemy import Connection

_STATES = text("SELECT state FROM task_instance WHERE dag_id = :dag_id")
_WAITING = text("""
    SELECT made.run_id FROM task_instance AS made JOIN trigger ON trigger.id = made.trigger_id
     WHERE made.dag_id = :dag_id AND made.state = 'deferred' AND trigger.triggerer_id IS NOT NULL
""")
_ENDED = text("""
    SELECT run_id, state, extract(epoch FROM end_date) AS at, extract(epoch FROM queued_dttm) AS queued_at
      FROM task_instance
     WHERE dag_id = :dag_id AND state IN ('success', 'failed', 'upstream_failed', 'skipped', 'removed')
""")
_TRIGGER = text("""
    INSERT INTO trigger (classpath, kwargs, created_date, queue, team_name)
    SELECT classpath, replace(replace(kwargs, :first_id, :id), :first_run, :run), now(), queue, team_name
      FROM trigger WHERE id = (SELECT trigger_id FROM task_instance WHERE dag_id = :dag_id AND run_id = :first_run)
    RETURNING id
""")
_DEFERRED = text("""
    UPDATE task_instance AS made
       SET state = 'deferred', trigger_id = :trigger, trigger_timeout = first.trigger_timeout,
           next_method = first.next_method,
           next_kwargs = replace(replace(first.next_kwargs::text, :first_id, :id), :first_run, :run)::jsonb,
           start_date = now(), queued_dttm = now(), updated_at = now(),
           hostname = first.hostname, unixname = first.unixname, pid = first.pid
      FROM task_instance AS first
     WHERE made.dag_id = :dag_id AND made.run_id = :run AND made.state = 'scheduled'
       AND first.dag_id = :dag_id AND first.run_id = :first_run
""")
_NOTES = text("""
    INSERT INTO task_state_store (dag_run_id, task_id, map_index, key, dag_id, run_id, value, updated_at, expires_at)
    SELECT run.id, note.task_id, note.map_index, note.key, note.dag_id, run.run_id,
           replace(replace(note.value, :first_id, :id), :first_run, :run), now(), note.expires_at
      FROM task_state_store AS note JOIN dag_run AS run ON run.dag_id = note.dag_id AND run.run_id = :run
     WHERE note.dag_id = :dag_id AND note.run_id = :first_run
""")
_XCOMS = text("""
    INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_result, dag_id, run_id, value, timestamp)
    SELECT run.id, told.task_id, told.map_index, told.key, told.dag_result, told.dag_id, run.run_id,
           replace(replace(told.value::text, :first_id, :id), :first_run, :run)::jsonb, now()
      FROM xcom AS told JOIN dag_run AS run ON run.dag_id = told.dag_id AND run.run_id = :run
     WHERE told.dag_id = :dag_id AND told.run_id = :first_run
""")


@dataclass(frozen=True)
class Waiting:
    """A task instance, by its run, and the ECS task whose end it waits for."""

    run_id: str
    arn: str

    @property
    def id(self) -> str:
        """The last part of the ARN, which no other ECS task has."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True)
class Ended:
    """How a task instance ended.

    Attributes:
        at: When, in seconds since 1970.
        queued_at: When it was queued for a worker last.
    """

    state: str
    at: float
    queued_at: float


class DeferredInstances:
    """The task instances of an Airflow on PostgreSQL, a run each; a context manager.

    Args:
        database_url: As SQLAlchemy and Airflow name it.
    """

    def __init__(self, database_url: str) -> None:
        self._engine = create_engine(database_url)

    def __enter__(self) -> Self:
        """Connect when something is asked."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._engine.dispose()

    def states(self, dag_id: str) -> Counter[str | None]:
        """Count the task instances of a DAG by their state."""
        with self._engine.connect() as connection:
            return Counter(row.state for row in connection.execute(_STATES, {"dag_id": dag_id}))

    def waiting(self, dag_id: str) -> set[str]:
        """Return the runs of a DAG whose task a triggerer has."""
        with self._engine.connect() as connection:
            return {row.run_id for row in connection.execute(_WAITING, {"dag_id": dag_id})}

    def ended(self, dag_id: str) -> dict[str, Ended]:
        """Return how the task ended, by the run, of each run of a DAG whose task has."""
        with self._engine.connect() as connection:
            found = connection.execute(_ENDED, {"dag_id": dag_id})
            return {row.run_id: Ended(row.state, float(row.at), float(row.queued_at)) for row in found}

    def defer_like(self, first: Waiting, others: Iterable[Waiting], *, dag_id: str) -> None:
        """Write that task instances which are scheduled are deferred, as ``first`` is that a worker has deferred.

        Each gets all that the worker left of ``first``, word for word but for the names of its own run and ECS task:
        the trigger, how to go on after it, the notes in the task state store and the XComs.

        Raises:
            RuntimeError: One of them is not scheduled, or its trigger's arguments are encrypted.
        """
        with self._engine.begin() as connection:
            for other in others:
                _defer(connection, first, other, dag_id)


def _defer(connection: Connection, first: Waiting, other: Waiting, dag_id: str) -> None:
    names = {"dag_id": dag_id, "first_run": first.run_id, "run": other.run_id, "first_id": first.id, "id": other.id}
    trigger = connection.execute(_TRIGGER, names).scalar_one()
    kwargs = connection.execute(text("SELECT kwargs FROM trigger WHERE id = :id"), {"id": trigger}).scalar_one()
    if other.id not in kwargs:
        raise RuntimeError(f"the trigger of {first.run_id} does not name its ECS task {first.id} in plain words")
    if connection.execute(_DEFERRED, {**names, "trigger": trigger}).rowcount != 1:
        raise RuntimeError(f"the task of {other.run_id} is not scheduled, so it can't be deferred")
    connection.execute(_NOTES, names)
    connection.execute(_XCOMS, names)

"""What Airflow's database says of each DAG, looked at again and again, and judged by what the deployments did."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, Self

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from types import TracebackType

    from sqlalchemy import Engine

    from production.deployments import Life

SECONDS = 0.5
"""Between two looks."""

_DAGS = text(r"""
    SELECT dag.dag_id, dag.is_stale, dag.has_import_errors, written.dag_hash, version.version_number,
           substring(written.data::text from 'ECS task definition .[^ ]+, revision ([0-9]+),') AS revision
      FROM dag
      LEFT JOIN LATERAL (SELECT * FROM serialized_dag WHERE serialized_dag.dag_id = dag.dag_id
                          ORDER BY created_at DESC LIMIT 1) AS written ON true
      LEFT JOIN dag_version AS version ON version.id = written.dag_version_id
""")
_ERRORS = text("SELECT filename FROM import_error")


@dataclass(frozen=True)
class Sighting:
    """A DAG as Airflow has it at one moment.

    Attributes:
        is_live: Whether Airflow schedules and shows it: it is neither stale nor has it an import error.
        revision: The task definition's revision, as its page names it; 0 if it isn't written yet.
        dag_hash: Airflow's own hash over it.
        version: Number of its version in Airflow.
    """

    is_live: bool
    revision: int
    dag_hash: str
    version: int


@dataclass(frozen=True)
class Look:
    """All DAGs at one moment.

    Attributes:
        began: When the look began, by :func:`time.monotonic`.
        dags: By their ids.
        errors: The files that have an import error.
    """

    began: float
    dags: Mapping[str, Sighting]
    errors: frozenset[str] = frozenset()

    def live(self) -> set[str]:
        """Return the ids of the DAGs that are live."""
        return {dag_id for dag_id, each in self.dags.items() if each.is_live}


class DagWatch:
    """Looks at Airflow's database in a thread of its own; a context manager.

    Args:
        database_url: Airflow's database.

    Attributes:
        looks: What was seen, in order.
    """

    def __init__(self, database_url: str) -> None:
        self.looks: list[Look] = []
        self._engine = create_engine(database_url)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="dag-watch")
        self._failed: Exception | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; nothing is looked at any more."""
        self._ending.set()
        self._thread.join()
        self._engine.dispose()

    def now(self) -> Look:
        """Look."""
        return look(self._engine)

    def check(self) -> None:
        """Raise what ended the watch, if anything did."""
        if self._failed is not None:
            raise self._failed

    def _go_on(self) -> None:
        try:
            while not self._ending.wait(SECONDS):
                self.looks.append(look(self._engine))
        except Exception as error:  # noqa: BLE001 - raised by check(), in the test's own thread
            self._failed = error


def look(engine: Engine) -> Look:
    """Look at Airflow's database once; all of it is of one moment."""
    began = time.monotonic()
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        dags = {
            row.dag_id: Sighting(
                is_live=not row.is_stale and not row.has_import_errors and row.dag_hash is not None,
                revision=int(row.revision or 0),
                dag_hash=row.dag_hash or "",
                version=row.version_number or 0,
            )
            for row in connection.execute(_DAGS)
        }
        return Look(began, dags, frozenset(connection.scalars(_ERRORS)))


def flaws(
    looks: Sequence[Look], lives: Collection[Life], *, leaves_within: float, comes_within: float = 0.0
) -> list[str]:
    """Return what Airflow showed that no deployment explains.

    Args:
        looks: What was seen.
        lives: What was deployed.
        leaves_within: Seconds after which the DAG of a deleted stack must not be live any more.
        comes_within: Seconds after a stack's creation in which its DAG may come and go: of two processors, the one that
            had listed before may hand over its files after the other one.
    """
    start = looks[0].began if looks else 0.0
    owners = [life for life in lives if not life.is_refused]
    found = [flaw for life in owners for flaw in _of_one(looks, life, start, leaves_within, comes_within)]
    expected = {life.family: life.began for life in lives if life.is_refused}
    known = {life.dag_id for life in owners}
    errors: set[str] = set()
    for each in looks:
        at = f"at {each.began - start:.1f} s"
        now = {PurePath(path).stem for path in each.errors}
        found += [f"{family} has an import error {at}" for family in sorted(now - expected.keys())]
        lost = {family for family in errors - now if each.began > expected.get(family, 0.0) + comes_within}
        found += [f"{family} lost its import error {at}" for family in sorted(lost)]
        found += [f"{dag_id} was never deployed, and there {at}" for dag_id in sorted(each.live() - known)]
        errors = now
    return found


def _of_one(
    looks: Sequence[Look], life: Life, start: float, leaves_within: float, comes_within: float
) -> Iterator[str]:
    # A look that began just before the deletion may have been answered after it.
    ending = float("inf") if life.ended is None else life.ended - SECONDS
    gone = float("inf") if life.ended is None else life.ended + leaves_within
    seen = [(each.began, each.dags.get(life.dag_id)) for each in looks]
    was_live = False
    for at, sighting in seen:
        is_live = sighting is not None and sighting.is_live
        if was_live and not is_live and life.began + comes_within < at < ending:
            yield f"{life.dag_id} left at {at - start:.1f} s, while its stack was there"
        if is_live and at > gone:
            yield f"{life.dag_id} was there {at - gone + leaves_within:.1f} s after its stack was deleted"
        was_live = is_live
    live = [sighting for _, sighting in seen if sighting is not None and sighting.is_live]
    revisions = [revision for revision, _ in groupby(sighting.revision for sighting in live)]
    if not _is_part(revisions, life.newest):
        yield f"{life.dag_id} had the revisions {revisions}, deployed were {life.newest}"
    for revision in sorted(set(revisions)):
        if len({sighting.dag_hash for sighting in live if sighting.revision == revision}) > 1:
            yield f"{life.dag_id}, revision {revision}, was written as different DAGs"
    if (versions := max((sighting.version for sighting in live), default=0)) > len(life.newest):
        yield f"{life.dag_id} has {versions} versions of {len(life.newest)} deployments"


def _is_part(some: Sequence[int], whole: Sequence[int]) -> bool:
    """Tell whether ``some`` is what remains of ``whole`` when parts of it are left out."""
    rest = iter(whole)
    return all(each in rest for each in some)

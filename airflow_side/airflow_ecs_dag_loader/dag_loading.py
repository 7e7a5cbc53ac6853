"""The fallback door into Airflow, for installations without DAG bundles of their own: a plain DAG file of one call.

::

    # An Airflow DAG file: the DAGs that airflow-ecs-dag sync found in the ECS registry.
    from airflow_ecs_dag_loader import load_dags

    load_dags(globals(), "s3://my-bucket/airflow-ecs-dags")

Airflow takes one error in a file for an error of all its DAGs, and stops them. So what is wrong with one DAG goes to
the log, and only a snapshot of which nothing at all is known is an error.
"""

from __future__ import annotations

import itertools
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_parsing_context
from airflow.sdk.configuration import conf
from airflow.sdk.definitions._internal.contextmanager import DagContext

from airflow_ecs_dag_loader.budget import AT_LEAST, Budget
from airflow_ecs_dag_loader.dag_file import dag_from_record
from airflow_ecs_dag_loader.local_copy import PART, WHOLE, KeptIndex, LocalCopy
from airflow_ecs_dag_loader.proof import PROVEN_WITH, check_serializable
from airflow_ecs_dag_loader.shared_snapshot import LARGEST_INDEX, Index, read_object, read_record
from airflow_ecs_dag_loader.snapshot_stores import (
    INDEX,
    MOST_CALLS,
    PATIENCE,
    AbsentError,
    SnapshotError,
    open_store,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

    from airflow.sdk import DAG

    from airflow_ecs_dag_loader.shared_snapshot import SharedDag
    from airflow_ecs_dag_loader.snapshot_stores import Store

log = logging.getLogger(__name__)

_FETCHING = 1 / 3
"""The part of Airflow's time for a file after which no object is asked for any more."""
_ANSWERING = 1 / 10
"""The part of it for one answer of S3, of which a call takes three and the waits between: 0.4 at most."""


def load_dags(
    namespace: MutableMapping[str, Any],
    snapshot: str,
    *,
    aws_conn_id: str | None = None,
    expected_bucket_owner: str | None = None,
) -> None:
    """Put the DAGs of a shared snapshot into the namespace of a DAG file.

    A worker, which runs a task of one DAG, gets that one alone. A DAG that can't be had or built is left out, and the
    log has the reason. While the snapshot can't be read, the DAGs are those that this machine read last.

    Args:
        namespace: The ``globals()`` of the DAG file; what is in it stays.
        snapshot: ``s3://bucket/prefix`` or the absolute path of a folder, as it was given to ``airflow-ecs-dag sync``.
        aws_conn_id: Airflow connection for reading from S3; without it, the process's own credentials.
        expected_bucket_owner: The account, 12 digits, that the bucket belongs to. Without it, a bucket of the same name
            is read whosesoever it is, also if somebody else makes one after yours was deleted.

    Raises:
        SnapshotError: The snapshot can't be read, and this machine has none of before; or there can be none there.
    """
    limit = conf.getfloat("core", "dagbag_import_timeout")
    store = open_store(
        snapshot,
        aws_conn_id=aws_conn_id,
        expected_bucket_owner=expected_bucket_owner,
        patience=min(PATIENCE, limit * _ANSWERING) if limit > 0 else PATIENCE,
    )
    copy = LocalCopy(store.address, aws_conn_id, expected_bucket_owner)
    budget = Budget(limit * _FETCHING if limit > 0 else None)
    names = (name for number in itertools.count(1) if (name := f"ecs_dag_{number}") not in namespace)
    for dag in _Reader(store, copy, get_parsing_context().dag_id, budget).dags():
        namespace[next(names)] = dag


class _Reader:
    """Reads a snapshot with the help of the local copy.

    Args:
        store: Where the snapshot is.
        copy: What this machine has of it.
        wanted: The only dag id that is wanted; ``None`` for all.
        budget: The time for fetching: what is not here after it is left for the next parse.
    """

    def __init__(self, store: Store, copy: LocalCopy, wanted: str | None, budget: Budget) -> None:
        self._store = store
        self._copy = copy
        self._wanted = wanted
        self._budget = budget
        self._indexes: dict[str, KeptIndex | None] = {}

    def dags(self) -> Iterator[DAG]:
        """Yield the DAGs.

        Raises:
            SnapshotError: The snapshot can't be read, and there is no copy of an earlier one.
        """
        now, is_news = self._index()
        dags = {dag_id: each for dag_id, each in sorted(now.index.dags.items()) if self._wanted in (None, dag_id)}
        objects = self._objects(dags)
        loaded = {dag_id: (each, objects[dag_id]) for dag_id, each in dags.items() if dag_id in objects}
        loaded |= {
            dag_id: former for dag_id in dags if dag_id not in loaded and (former := self._former(dag_id)) is not None
        }
        if is_news:
            self._keep(now, {dag_id: each for dag_id, (each, _) in loaded.items()}, is_whole=len(objects) == len(dags))
        for dag_id in dags:
            if dag_id in loaded:
                dag = _built(dag_id, *loaded[dag_id], is_proven=now.index.proven_with == PROVEN_WITH)
                if dag is not None:
                    yield dag

    def _keep(self, now: KeptIndex, loaded: Mapping[str, SharedDag], *, is_whole: bool) -> None:
        """Keep what was loaded, for when the snapshot can't be read; where a part is missing, it is asked for again."""
        if not is_whole:
            if self._wanted is not None:
                return
            now = KeptIndex(replace(now.index, dags=dict(loaded)), stored_at=now.stored_at)
        self._copy.keep_index(WHOLE if self._wanted is None else PART, now)
        other = self._kept(PART if self._wanted is None else WHOLE) or KeptIndex()
        self._copy.keep_only(now.index.digests | other.index.digests)

    def _index(self) -> tuple[KeptIndex, bool]:
        """Return the index to go by, and whether this machine doesn't have it yet."""
        names = (WHOLE,) if self._wanted is None else (PART, WHOLE)
        kept = [each for name in names if (each := self._kept(name))]
        before = max(kept, key=lambda each: (each.stored_at, each.index.written_at), default=None)
        try:
            now = self._read_index(before)
        except SnapshotError as error:
            if before is None:
                raise SnapshotError(
                    f"the DAGs of {self._store.address} can't be loaded: {error}. This machine has no copy of an "
                    "earlier snapshot: check the address, Airflow's right to read it (s3:GetObject), and that "
                    "airflow-ecs-dag sync has written it"
                ) from error
            self._warn("can't be read", before, str(error))
            return before, False
        if before is not None and now.stored_at < before.stored_at:
            self._warn("was answered as it had been earlier", before, f"it was written at {_moment(now.stored_at)}")
            return before, False
        return now, before is None or now.index != before.index

    def _read_index(self, before: KeptIndex | None) -> KeptIndex:
        """Read the index; what this machine has of before if it is still that one.

        An answer that is no index is asked for once more if there is nothing of before to go on with.
        """
        try:
            return self._index_now(before)
        except AbsentError:
            raise
        except SnapshotError:
            if before is None and self._budget.allows(AT_LEAST):
                return self._index_now(before)
            raise

    def _index_now(self, before: KeptIndex | None) -> KeptIndex:
        body = self._store.read(INDEX, limit=LARGEST_INDEX, known=before.tag if before else "")
        if body is not None:
            return KeptIndex(Index.from_bytes(body.data), body.tag, body.stored_at)
        if before is None:
            raise SnapshotError("S3 says that the index is as it was, and it was never read")
        return before

    def _warn(self, what: str, before: KeptIndex, why: str) -> None:
        log.warning(
            "the snapshot %s %s, the DAGs are those that it had at %s: %s",
            self._store.address,
            what,
            _moment(before.index.written_at),
            why,
        )

    def _objects(self, dags: Mapping[str, SharedDag]) -> dict[str, bytes]:
        """Return the objects that can be had, by dag id; those that are not on this machine are fetched."""
        found = {dag_id: data for dag_id, each in dags.items() if (data := self._copy.object(each.digest))}
        missing = {dag_id: each.digest for dag_id, each in dags.items() if dag_id not in found}
        with ThreadPoolExecutor(max_workers=MOST_CALLS) as threads:
            try:
                fetched = list(threads.map(self._fetched, itertools.count(), missing, missing.values()))
            except BaseException:  # Airflow's time for the file is over: what waits for its turn is not begun
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        return found | {dag_id: data for dag_id, data in zip(missing, fetched, strict=True) if data is not None}

    def _fetched(self, before: int, dag_id: str, digest: str) -> bytes | None:
        if not self._budget.allows(before):
            log.warning("the DAG %s is left for the next parse: S3 took too long for this one", dag_id)
            return None
        try:
            data = read_object(self._store, digest)
        except SnapshotError as error:
            log.warning("the DAG %s can't be read: %s", dag_id, error)
            return None
        self._copy.keep_object(digest, data)
        return data

    def _kept(self, name: str) -> KeptIndex | None:
        """Return an index that this machine has of before; it is read once."""
        if name not in self._indexes:
            self._indexes[name] = self._copy.index(name)
        return self._indexes[name]

    def _former(self, dag_id: str) -> tuple[SharedDag, bytes] | None:
        """Return a DAG as this machine had it before, with its object."""
        for name in (PART, WHOLE):
            former = (self._kept(name) or KeptIndex()).index.dags.get(dag_id)
            if former is not None and (data := self._copy.object(former.digest)):
                log.warning("the DAG %s stays as it was before", dag_id)
                return former, data
        log.error("the DAG %s is left out: it can't be read now, and this machine has no copy of it", dag_id)
        return None


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _built(dag_id: str, shared: SharedDag, data: bytes, *, is_proven: bool) -> DAG | None:
    """Return the DAG of an object; ``None`` if Airflow can't have it, for then all others would be lost too."""
    try:
        definition, source = read_record(data)
        with _unregistered():
            dag = dag_from_record(definition, source)
        if dag.dag_id != dag_id:
            raise SnapshotError(f"the object is that of another DAG, {dag.dag_id}")  # noqa: TRY301 - told as all others
        dag.validate()  # type: ignore[no-untyped-call] # Airflow's
        if not is_proven:
            check_serializable(dag)
    except Exception:
        log.exception("the DAG %s of the ECS task definition %s is left out", dag_id, shared.family)
        return None
    return dag


@contextmanager
def _unregistered() -> Iterator[None]:
    """Keep Airflow from taking what is built meanwhile by itself, also where only half of it could be."""
    module = DagContext.current_autoregister_module_name
    DagContext.current_autoregister_module_name = None
    try:
        yield
    finally:
        DagContext.current_autoregister_module_name = module

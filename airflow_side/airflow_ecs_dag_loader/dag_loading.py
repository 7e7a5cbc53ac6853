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
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_parsing_context
from airflow.sdk.definitions._internal.contextmanager import DagContext

from airflow_ecs_dag_loader.dag_file import dag_from_record
from airflow_ecs_dag_loader.local_copy import PART, WHOLE, LocalCopy
from airflow_ecs_dag_loader.proof import PROVEN_WITH, check_serializable
from airflow_ecs_dag_loader.shared_snapshot import LARGEST_INDEX, Index, read_object, read_record
from airflow_ecs_dag_loader.snapshot_stores import INDEX, MOST_CALLS, SnapshotError, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

    from airflow.sdk import DAG

    from airflow_ecs_dag_loader.shared_snapshot import SharedDag
    from airflow_ecs_dag_loader.snapshot_stores import Store

log = logging.getLogger(__name__)


def load_dags(namespace: MutableMapping[str, Any], snapshot: str, *, aws_conn_id: str | None = None) -> None:
    """Put the DAGs of a shared snapshot into the namespace of a DAG file.

    A worker, which runs a task of one DAG, gets that one alone. A DAG that can't be had or built is left out, and the
    log has the reason. While the snapshot can't be read, the DAGs are those that this machine read last.

    Args:
        namespace: The ``globals()`` of the DAG file; what is in it stays.
        snapshot: ``s3://bucket/prefix`` or the absolute path of a folder, as it was given to ``airflow-ecs-dag sync``.
        aws_conn_id: Airflow connection for reading from S3; without it, the process's own credentials.

    Raises:
        SnapshotError: The snapshot can't be read, and this machine has none of before.
    """
    store = open_store(snapshot, aws_conn_id=aws_conn_id)
    names = (name for number in itertools.count(1) if (name := f"ecs_dag_{number}") not in namespace)
    for dag in _Reader(store, LocalCopy(store.address, aws_conn_id), get_parsing_context().dag_id).dags():
        namespace[next(names)] = dag


class _Reader:
    """Reads a snapshot with the help of the local copy.

    Args:
        store: Where the snapshot is.
        copy: What this machine has of it.
        wanted: The only dag id that is wanted; ``None`` for all.
    """

    def __init__(self, store: Store, copy: LocalCopy, wanted: str | None) -> None:
        self._store = store
        self._copy = copy
        self._wanted = wanted
        self._indexes: dict[str, tuple[Index, str] | None] = {}

    def dags(self) -> Iterator[DAG]:
        """Yield the DAGs.

        Raises:
            SnapshotError: The snapshot can't be read, and there is no copy of an earlier one.
        """
        index, tag = self._index()
        dags = {dag_id: each for dag_id, each in sorted(index.dags.items()) if self._wanted in (None, dag_id)}
        objects = self._objects(dags)
        if tag is not None and len(objects) == len(dags):
            self._copy.keep_index(WHOLE if self._wanted is None else PART, index, tag)
            if self._wanted is None:
                self._copy.keep_only(index.digests)
        for dag_id, each in dags.items():
            data = objects.get(dag_id) or self._former(dag_id)
            dag = None if data is None else _built(dag_id, each, data, is_proven=index.proven_with == PROVEN_WITH)
            if dag is not None:
                yield dag

    def _index(self) -> tuple[Index, str | None]:
        """Return the index to go by, and its tag if this machine doesn't have it yet."""
        names = (WHOLE,) if self._wanted is None else (PART, WHOLE)
        kept = [each for name in names if (each := self._kept(name))]
        before, tag = max(kept, key=lambda each: each[0].written_at, default=(Index(), ""))
        try:
            body = self._store.read(INDEX, limit=LARGEST_INDEX, known=tag)
            now = before if body is None else Index.from_bytes(body.data)
        except SnapshotError as error:
            if not kept:
                raise SnapshotError(
                    f"the DAGs of {self._store.address} can't be loaded: {error}. This machine has no copy of an "
                    "earlier snapshot: check the address, Airflow's right to read it (s3:GetObject), and that "
                    "airflow-ecs-dag sync has written it"
                ) from error
            log.warning(
                "the snapshot %s can't be read, the DAGs are those that it had at %s: %s",
                self._store.address,
                datetime.fromtimestamp(before.written_at, UTC).isoformat(timespec="seconds"),
                error,
            )
            return before, None
        return now, None if body is None or now == before else body.tag

    def _objects(self, dags: Mapping[str, SharedDag]) -> dict[str, bytes]:
        """Return the objects that can be had, by dag id; those that are not on this machine are fetched."""
        found = {dag_id: data for dag_id, each in dags.items() if (data := self._copy.object(each.digest))}
        missing = {dag_id: each.digest for dag_id, each in dags.items() if dag_id not in found}
        with ThreadPoolExecutor(max_workers=MOST_CALLS) as threads:
            try:
                fetched = list(threads.map(self._fetched, missing, missing.values()))
            except BaseException:  # Airflow's time for the file is over: what waits for its turn is not begun
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        return found | {dag_id: data for dag_id, data in zip(missing, fetched, strict=True) if data is not None}

    def _fetched(self, dag_id: str, digest: str) -> bytes | None:
        try:
            data = read_object(self._store, digest)
        except SnapshotError as error:
            log.warning("the DAG %s can't be read: %s", dag_id, error)
            return None
        self._copy.keep_object(digest, data)
        return data

    def _kept(self, name: str) -> tuple[Index, str] | None:
        """Return an index that this machine has of before, with its tag; it is read once."""
        if name not in self._indexes:
            self._indexes[name] = self._copy.index(name)
        return self._indexes[name]

    def _former(self, dag_id: str) -> bytes | None:
        """Return the object of a DAG as this machine had it before."""
        for name in (PART, WHOLE):
            index, _ = self._kept(name) or (Index(), "")
            if dag_id in index.dags and (data := self._copy.object(index.dags[dag_id].digest)):
                log.warning("the DAG %s stays as it was before", dag_id)
                return data
        log.error("the DAG %s is left out: it can't be read now, and this machine has no copy of it", dag_id)
        return None


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

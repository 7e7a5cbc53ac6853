"""The shared snapshot: what ``airflow-ecs-dag sync`` writes and ``load_dags`` reads. It is JSON, and never Python.

::

    index.json              what there is; written last
    dags/<sha256>.json      one a DAG: its definition and its source, named after the hash over its own bytes

An object is never changed, and stays for an hour after the index spoke of it last: so a reader gets what the index that
it read speaks of.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from airflow_ecs_dag_loader.snapshot_stores import INDEX, MOST_CALLS, OBJECTS, AbsentError, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_loader.admission import Admitted
    from airflow_ecs_dag_loader.snapshot_stores import Store

log = logging.getLogger(__name__)

FORMAT = 1
LARGEST_INDEX = 32 * 1024 * 1024
LARGEST_OBJECT = 1024 * 1024
"""A task definition has 64 KiB at most; the source's part is the platform's own."""
_STAYS = 3600.0
"""Seconds for which an object stays that no index speaks of any more."""
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class SharedDag:
    """A DAG in the index.

    Attributes:
        family: Its family key.
        digest: The hash that its object is named after.
    """

    family: str
    digest: str


@dataclass(frozen=True)
class SharedRefusal:
    """A family in the index that has no DAG.

    Attributes:
        reason: Why, in the words for its author.
        keeps: The dag ids that nobody else gets while its author mends it.
    """

    reason: str
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Index:
    """What a shared snapshot holds.

    Attributes:
        dags: By dag id.
        refused: By family key.
        proven_with: The versions that built each DAG; empty if one wasn't built.
        written_at: When it was written, in seconds since 1970.
        retired: Objects that the index before spoke of and this one doesn't, by their hash: since when.
    """

    dags: Mapping[str, SharedDag] = field(default_factory=dict)
    refused: Mapping[str, SharedRefusal] = field(default_factory=dict)
    proven_with: str = ""
    written_at: float = 0.0
    retired: Mapping[str, float] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Hash over all but the times."""
        return hashlib.sha256(_json(self._content)).hexdigest()[:40]

    @property
    def owners(self) -> dict[str, str]:
        """Dag id to the family key that has it, or keeps it."""
        kept = {dag_id: family for family, each in self.refused.items() for dag_id in each.keeps}
        return kept | {dag_id: each.family for dag_id, each in self.dags.items()}

    @property
    def digests(self) -> set[str]:
        """The objects it speaks of."""
        return {each.digest for each in self.dags.values()}

    @property
    def _content(self) -> dict[str, Any]:
        return {
            "dags": {dag_id: {"family": each.family, "object": each.digest} for dag_id, each in self.dags.items()},
            "refused": {
                family: {"reason": each.reason, "keeps": list(each.keeps)} for family, each in self.refused.items()
            },
            "proven_with": self.proven_with,
        }

    def to_bytes(self) -> bytes:
        """Return it as it is stored."""
        times = {"written_at": self.written_at, "retired": dict(self.retired)}
        return _json({"format": FORMAT, "version": self.version, **self._content, **times})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            SnapshotError: It is something else, or not whole.
        """
        try:
            value = json.loads(data)
            if value["format"] != FORMAT:
                raise SnapshotError(
                    f"the index has the format {value['format']!r}, this version reads {FORMAT}: install the same "
                    "version of airflow-ecs-dag where sync runs and in Airflow"
                )
            index = cls(
                dags={
                    dag_id: SharedDag(_text(each["family"]), _digest(each["object"]))
                    for dag_id, each in value["dags"].items()
                },
                refused={
                    family: SharedRefusal(_text(each["reason"]), tuple(map(_text, each["keeps"])))
                    for family, each in value["refused"].items()
                },
                proven_with=_text(value["proven_with"]),
                written_at=float(value["written_at"]),
                retired={_digest(digest): float(since) for digest, since in value["retired"].items()},
            )
            is_whole = value["version"] == index.version
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SnapshotError(f"the index is no JSON that sync wrote: {error!r:.200}") from error
        if not is_whole:
            raise SnapshotError("the index does not match its own hash: something else than sync wrote it")
        return index


def dag_record(verdict: Admitted) -> bytes:
    """Return the object of an admitted DAG."""
    return _json({"definition": verdict.definition.to_json(), "source": asdict(verdict.source)})


def digest_of(data: bytes) -> str:
    """Return the hash that an object is named after."""
    return hashlib.sha256(data).hexdigest()


def read_record(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the definition and the source of an object, as ``dag_from_record`` takes them.

    Raises:
        SnapshotError: It holds something else.
    """
    try:
        value = json.loads(data)
        definition, source = value["definition"], value["source"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SnapshotError(f"the object is no JSON that sync wrote: {error!r:.200}") from error
    if not isinstance(definition, dict) or not isinstance(source, dict):
        raise SnapshotError("the object has no definition and source")
    return definition, source


def read_index(store: Store) -> Index | None:
    """Return the index of a snapshot; ``None`` if there is none.

    Raises:
        SnapshotError: It can't be read.
    """
    try:
        body = store.read(INDEX, limit=LARGEST_INDEX)
    except AbsentError:
        return None
    try:
        return None if body is None else Index.from_bytes(body.data)
    except SnapshotError as error:
        raise SnapshotError(f"the snapshot {store.address} can't be read: {error}") from error


def read_object(store: Store, digest: str) -> bytes:
    """Return the object of a hash, checked against it.

    Raises:
        SnapshotError: It can't be read, or is another one.
    """
    body = store.read(_name(digest), limit=LARGEST_OBJECT)
    if body is None or digest_of(body.data) != digest:
        raise SnapshotError(f"{_name(digest)} of {store.address} does not match its hash: something else wrote it")
    return body.data


def write_snapshot(store: Store, content: Index, records: Mapping[str, bytes], *, now: float) -> bool:
    """Write a snapshot where it changed; tell whether it did.

    Whoever is stopped in between leaves the snapshot as it was, or as it shall be.

    Args:
        store: Where it is.
        content: What it shall hold; its times don't count.
        records: The objects, by their hash; those of DAGs that stay as they are may be missing.
        now: Seconds since 1970.

    Raises:
        SnapshotError: It can't be read or written.
    """
    before = read_index(store)
    written = store.written()
    missing = [digest for digest in records if _name(digest) not in written]
    with ThreadPoolExecutor(max_workers=MOST_CALLS) as threads:
        list(threads.map(lambda digest: store.write(_name(digest), records[digest]), missing))
    if before is not None and before.version == content.version:
        _clean(store, before, written, now)
        return False
    spoken_of = {} if before is None else {**dict.fromkeys(before.digests, now), **before.retired}
    retired = {
        digest: since for digest, since in spoken_of.items() if digest not in content.digests and now - since < _STAYS
    }
    after = replace(content, written_at=now, retired=retired)
    data = after.to_bytes()
    if len(data) > LARGEST_INDEX:
        raise SnapshotError(
            f"the index would have {len(data)} bytes, {LARGEST_INDEX} at most are read: give the sources more than "
            "one snapshot"
        )
    store.write(INDEX, data)
    _clean(store, after, written, now)
    return True


def _clean(store: Store, index: Index, written: Mapping[str, float], now: float) -> None:
    """Remove objects that no reader may still look for; what has another name is not ours."""
    needed = {_name(digest) for digest in index.digests}
    needed |= {_name(digest) for digest, since in index.retired.items() if now - since < _STAYS}
    names = {
        name for name, since in written.items() if name not in needed and now - since >= _STAYS and _is_object(name)
    }
    if not names:
        return
    try:
        store.remove(names)
    except SnapshotError as error:
        log.warning("%s objects that nothing needs any more stay: %s", len(names), error)


def _is_object(name: str) -> bool:
    digest = name.removeprefix(f"{OBJECTS}/").removesuffix(".json")
    return _DIGEST.match(digest) is not None and name == _name(digest)


def _name(digest: str) -> str:
    return f"{OBJECTS}/{digest}.json"


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode("ascii")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {value!r:.100}")
    return value


def _digest(value: object) -> str:
    if not _DIGEST.match(_text(value)):
        raise ValueError(f"expected 64 hexadecimal digits, got {value!r:.100}")
    return _text(value)

"""What this machine keeps of a shared snapshot: objects are fetched once, and a lost snapshot takes no DAG away.

It is private to its user. Where it can't be kept, every parse reads all from the snapshot, and the log says so.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.private_files import (
    ABANDONED,
    make_private_folder,
    read_private_file,
    remove_left_over,
    replace_private_file,
)
from airflow_ecs_dag_loader.shared_snapshot import Index, digest_of
from airflow_ecs_dag_loader.snapshot_stores import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Collection

log = logging.getLogger(__name__)

WHOLE, PART = "whole.json", "part.json"
"""The index of which each object is here, and one of which perhaps only some are."""


@dataclass(frozen=True)
class KeptIndex:
    """An index that this machine keeps.

    Attributes:
        index: What it says.
        tag: By which the store tells whether it has another one by now; empty if this one is not all that it had.
        stored_at: When it was written, by the store's own clock.
    """

    index: Index = field(default_factory=Index)
    tag: str = ""
    stored_at: float = 0.0


class LocalCopy:
    """The copy of one snapshot, in the folder for temporary files.

    Args:
        address: Where the snapshot is.
        read_with: The connection and whatever else it is read with; what is read in another way has another copy.
    """

    def __init__(self, address: str, *read_with: str | None) -> None:
        within = Path(tempfile.gettempdir()) / f"airflow-ecs-dag-{os.geteuid()}"
        name = hashlib.sha256("\0".join([address, *(each or "" for each in read_with)]).encode()).hexdigest()[:40]
        self._folder: Path | None = within / name
        try:
            make_private_folder(self._folder / "dags", within=within)
        except OSError as error:
            self._give_up(error)

    def index(self, name: str) -> KeptIndex | None:
        """Return the index that is kept under a name; ``None`` if none is."""
        data = self._read(name)
        try:
            value = json.loads(data)
            index = Index.from_bytes(json.dumps(value["index"]).encode("ascii"))
            return KeptIndex(index, str(value["tag"]), float(value.get("stored_at", 0.0)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SnapshotError):
            return None

    def keep_index(self, name: str, kept: KeptIndex) -> None:
        """Keep an index with its tag, in one file: the two are always of one another."""
        value = {"tag": kept.tag, "stored_at": kept.stored_at, "index": json.loads(kept.index.to_bytes())}
        self._write(name, json.dumps(value).encode("ascii"))

    def object(self, digest: str) -> bytes | None:
        """Return an object; ``None`` if it isn't here, or isn't what it was."""
        data = self._read(_path(digest))
        return data if data and digest_of(data) == digest else None

    def keep_object(self, digest: str, data: bytes) -> None:
        """Keep an object."""
        self._write(_path(digest), data)

    def keep_only(self, digests: Collection[str]) -> None:
        """Remove all other objects, and what killed processes left."""
        if self._folder is None:
            return
        kept = {self._folder / _path(digest) for digest in digests}
        try:
            for found in (self._folder / "dags").glob("*.json"):
                if found not in kept:
                    found.unlink(missing_ok=True)
            for folder in (self._folder, self._folder / "dags"):
                remove_left_over(folder, older_than=ABANDONED)
        except OSError as error:
            self._give_up(error)

    def _read(self, name: str) -> bytes:
        if self._folder is None:
            return b""
        try:
            return read_private_file(self._folder / name)
        except OSError:
            return b""

    def _write(self, name: str, data: bytes) -> None:
        if self._folder is None:
            return
        try:
            replace_private_file(self._folder / name, data)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        log.warning("no copy of the DAGs is kept on this machine, each parse fetches all of them: %s", error)
        self._folder = None


def _path(digest: str) -> str:
    return f"dags/{digest}.json"

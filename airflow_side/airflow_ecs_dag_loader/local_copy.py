"""What this machine keeps of a shared snapshot: objects are fetched once, and a lost snapshot takes no DAG away.

It is private to its user. Where it can't be kept, every parse reads all from the snapshot, and the log says so.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.private_files import make_private_folder, read_private_file, replace_private_file
from airflow_ecs_dag_loader.shared_snapshot import Index, digest_of
from airflow_ecs_dag_loader.snapshot_stores import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Collection

log = logging.getLogger(__name__)

WHOLE, PART = "whole.json", "part.json"
"""The index of which each object is here, and one of which perhaps only some are."""


class LocalCopy:
    """The copy of one snapshot, in the folder for temporary files.

    Args:
        address: Where the snapshot is.
        aws_conn_id: With which connection it is read.
    """

    def __init__(self, address: str, aws_conn_id: str | None) -> None:
        within = Path(tempfile.gettempdir()) / f"airflow-ecs-dag-{os.geteuid()}"
        self._folder: Path | None = within / hashlib.sha256(f"{address}\0{aws_conn_id or ''}".encode()).hexdigest()[:40]
        try:
            make_private_folder(self._folder / "dags", within=within)
        except OSError as error:
            self._give_up(error)

    def index(self, name: str) -> tuple[Index, str] | None:
        """Return the index that is kept under a name, with its tag; ``None`` if none is."""
        data = self._read(name)
        try:
            value = json.loads(data)
            return Index.from_bytes(json.dumps(value["index"]).encode("ascii")), str(value["tag"])
        except (ValueError, KeyError, TypeError, RecursionError, SnapshotError):
            return None

    def keep_index(self, name: str, index: Index, tag: str) -> None:
        """Keep an index with the tag of it, in one file: the two are always of one another."""
        value = {"tag": tag, "index": json.loads(index.to_bytes())}
        self._write(name, json.dumps(value).encode("ascii"))

    def object(self, digest: str) -> bytes | None:
        """Return an object; ``None`` if it isn't here, or isn't what it was."""
        data = self._read(_path(digest))
        return data if data and digest_of(data) == digest else None

    def keep_object(self, digest: str, data: bytes) -> None:
        """Keep an object."""
        self._write(_path(digest), data)

    def keep_only(self, digests: Collection[str]) -> None:
        """Remove all other objects."""
        if self._folder is None:
            return
        kept = {self._folder / _path(digest) for digest in digests}
        try:
            for found in (self._folder / "dags").glob("*.json"):
                if found not in kept:
                    found.unlink(missing_ok=True)
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

"""The files of all families: one a family, its DAG or its error.

::

    <folder>/dags/<account>/<region>/<family>.py

Where the DAGs are packed into archives for the DAG processor (:mod:`dag_archives`), workers have them unpacked, each at
the path that it has in its archive. What ends on ``.zip`` is a folder here::

    <folder>/families/<account>/<region>/<number>.zip/ecs-<family>.py    a DAG
    <folder>/families/<account>/<region>/<family>.py                     an error

Each file is replaced as a whole and only where it changed, for its time of change makes Airflow parse it again.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.admission import Admitted
from airflow_ecs_dag_loader.dag_file import dag_file, refusal_file
from airflow_ecs_dag_loader.file_names import PARSED, UNPACKED, dag_path, family_name_of, refusal_path
from airflow_ecs_dag_loader.private_files import keep_only, make_private_folder, read_private_file, replace_private_file

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable
    from pathlib import Path

    from airflow_ecs_dag_loader.admission import Verdict


class FamilyFiles:
    """The folder of a bundle with a file a family.

    It remembers which verdict it wrote where, so that nothing is put into words again while nothing changes.

    Args:
        folder: The bundle's folder.
        archives: How many archives the DAGs of an account's region are packed into; 0 for none.
    """

    def __init__(self, folder: Path, archives: int = 0) -> None:
        self._within = folder
        self._archives = archives
        self.path = folder / (UNPACKED if archives else PARSED)
        self._written: dict[Path, tuple[Verdict, str]] = {}

    def holds(self, verdict: Verdict) -> bool:
        """Tell whether the family's file says this already."""
        try:
            return read_private_file(self.path / self._path_of(verdict)) == _content(verdict).encode("ascii")
        except OSError:
            return False

    def has(self, family_key: str) -> bool:
        """Tell whether there is a file of this family."""
        return any(path.is_file() for path in self._paths(family_key))

    def age(self, family_key: str, now: float) -> float | None:
        """Return how many seconds ago a family's file was written or confirmed; ``None`` if there is none.

        Args:
            family_key: The family.
            now: Seconds since 1970.
        """
        for path in self._paths(family_key):
            try:
                return max(0.0, now - path.stat().st_mtime)
            except OSError:
                continue
        return None

    def confirm(self, family_key: str) -> None:
        """Say that a family's file is true now. Where a DAG processor reads it, that makes it parse the file again.

        Raises:
            OSError: There is none.
        """
        dag, refusal = self._paths(family_key)
        os.utime(dag if dag.is_file() else refusal)

    def write(
        self, verdicts: Iterable[Verdict], *, held: Collection[str] = (), out_of_sight: Container[str] = ()
    ) -> dict[Path, str]:
        """Write a file for each verdict; return the hash over each file that is there then, by its path in here.

        Args:
            verdicts: One a family.
            held: Keys of other families whose files stay as they are.
            out_of_sight: Keys of families whose files stay too, told from the names of their files.

        Raises:
            OSError: The folder can't be written.
        """
        make_private_folder(self.path, within=self._within)
        kept = {path for key in held for path in (dag_path(key, self._archives), refusal_path(key))}
        written: dict[Path, tuple[Verdict, str]] = {}
        folders: set[Path] = set()
        for verdict in verdicts:
            path = self._path_of(verdict)
            if path.parent not in folders:
                make_private_folder(self.path / path.parent, within=self.path)
                folders.add(path.parent)
            written[path] = (verdict, self._write(path, verdict))
        self._written = written
        hashes = {path: digest for path, (_, digest) in written.items()}
        for path in self._others(written.keys()):
            stays = path in kept or family_name_of(path) in out_of_sight
            if stays and (digest := _digest_of(self.path / path)):
                hashes[path] = digest
        keep_only({self.path / path for path in hashes}, self.path)
        return hashes

    def write_one(self, verdict: Verdict) -> None:
        """Write the file of one family and touch no other.

        Raises:
            OSError: The folder can't be written.
        """
        make_private_folder(self.path, within=self._within)
        path = self._path_of(verdict)
        make_private_folder((self.path / path).parent, within=self.path)
        self._write(path, verdict)
        for other in self._paths(verdict.definition.parsed_arn.family_key):
            if other != self.path / path:  # its error where it has a DAG now, or its DAG
                other.unlink(missing_ok=True)

    def _write(self, path: Path, verdict: Verdict) -> str:
        before, digest = self._written.get(path, (None, ""))
        if before is verdict and _digest_of(self.path / path) == digest:
            return digest
        content = _content(verdict).encode("ascii")
        replace_private_file(self.path / path, content)
        return hashlib.sha256(content).hexdigest()

    def _path_of(self, verdict: Verdict) -> Path:
        family = verdict.definition.parsed_arn.family_key
        return dag_path(family, self._archives) if isinstance(verdict, Admitted) else refusal_path(family)

    def _paths(self, family_key: str) -> tuple[Path, Path]:
        return self.path / dag_path(family_key, self._archives), self.path / refusal_path(family_key)

    def _others(self, written: Collection[Path]) -> list[Path]:
        found = (path.relative_to(self.path) for path in self.path.glob("*/*/**/*.py"))
        return [path for path in found if path not in written]


def _digest_of(path: Path) -> str:
    """Return the hash over a file that is this user's alone; empty for any other."""
    try:
        return hashlib.sha256(read_private_file(path)).hexdigest()
    except OSError:
        return ""


def _content(verdict: Verdict) -> str:
    if isinstance(verdict, Admitted):
        return dag_file(verdict.definition, verdict.source)
    return refusal_file(verdict.definition, verdict.reason)

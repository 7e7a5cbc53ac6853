"""The folder that Airflow parses: one file a family, its DAG or its error.

Each file is replaced as a whole and only where it changed, for its time of change makes Airflow parse it again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.admission import Admitted
from airflow_ecs_dag_loader.dag_file import dag_file, refusal_file
from airflow_ecs_dag_loader.file_names import file_name
from airflow_ecs_dag_loader.private_files import make_private_folder, read_private_file, replace_private_file

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable

    from airflow_ecs_dag_loader.admission import Verdict


class DagFolder:
    """The folder ``dags`` of a bundle.

    It remembers which verdict it wrote where, so that nothing is put into words again while nothing changes.

    Args:
        folder: The bundle's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._within = folder
        self.path = folder / "dags"
        self._written: dict[Path, tuple[Verdict, str]] = {}

    def holds(self, verdict: Verdict) -> bool:
        """Tell whether the family's file says this already."""
        path = self.path / _file_of(verdict.definition.parsed_arn.family_key)
        try:
            return read_private_file(path) == _content(verdict).encode("ascii")
        except OSError:
            return False

    def has(self, family_key: str) -> bool:
        """Tell whether there is a file of this family."""
        return (self.path / _file_of(family_key)).is_file()

    def age(self, family_key: str, now: float) -> float | None:
        """Return how many seconds ago a family's file was written or confirmed; ``None`` if there is none.

        Args:
            family_key: The family.
            now: Seconds since 1970.
        """
        try:
            return max(0.0, now - (self.path / _file_of(family_key)).stat().st_mtime)
        except OSError:
            return None

    def confirm(self, family_key: str) -> None:
        """Say that a family's file is true now. Where a DAG processor reads it, that makes it parse the file again.

        Raises:
            OSError: There is none.
        """
        os.utime(self.path / _file_of(family_key))

    def write(
        self, verdicts: Iterable[Verdict], *, held: Collection[str] = (), out_of_sight: Container[str] = ()
    ) -> str:
        """Write a file for each verdict; return the hash over all that is there then.

        Args:
            verdicts: One a family.
            held: Keys of other families whose files stay as they are.
            out_of_sight: Keys of families whose files stay too, told from the names of their files.

        Raises:
            OSError: The folder can't be written.
        """
        make_private_folder(self.path, within=self._within)
        kept = {_file_of(key) for key in held}
        written: dict[Path, tuple[Verdict, str]] = {}
        folders: set[Path] = set()
        for verdict in verdicts:
            path = _file_of(verdict.definition.parsed_arn.family_key)
            if path.parent not in folders:
                make_private_folder(self.path / path.parent, within=self.path)
                folders.add(path.parent)
            written[path] = (verdict, self._write(path, verdict))
        self._written = written
        hashes = {path: digest for path, (_, digest) in written.items()}
        for path in self._others(written.keys()):
            stays = path in kept or path.with_suffix("").as_posix() in out_of_sight
            if stays and (digest := _digest_of(self.path / path)):
                hashes[path] = digest
        files = {self.path / path for path in hashes}
        self._keep_only(files, {folder for path in files for folder in path.parents}, self.path)
        return hashlib.sha256("".join(f"{path}\0{hashes[path]}\0" for path in sorted(hashes)).encode()).hexdigest()[:40]

    def write_one(self, verdict: Verdict) -> None:
        """Write the file of one family and touch no other.

        Raises:
            OSError: The folder can't be written.
        """
        make_private_folder(self.path, within=self._within)
        path = _file_of(verdict.definition.parsed_arn.family_key)
        make_private_folder((self.path / path).parent, within=self.path)
        self._write(path, verdict)

    def _write(self, path: Path, verdict: Verdict) -> str:
        before, digest = self._written.get(path, (None, ""))
        if before is verdict and _digest_of(self.path / path) == digest:
            return digest
        content = _content(verdict).encode("ascii")
        replace_private_file(self.path / path, content)
        return hashlib.sha256(content).hexdigest()

    def _others(self, written: Collection[Path]) -> list[Path]:
        found = (path.relative_to(self.path) for path in self.path.glob("*/*/*.py"))
        return [path for path in found if path not in written]

    def _keep_only(self, files: Collection[Path], folders: Collection[Path], root: Path) -> None:
        """Remove from ``root`` all that is none of ``files`` nor of ``folders``: Airflow runs what it finds there."""
        for found in root.iterdir():
            if found in folders and not found.is_symlink():
                self._keep_only(files, folders, found)
            elif found not in files:
                if found.is_dir() and not found.is_symlink():
                    shutil.rmtree(found)
                else:
                    found.unlink()


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


def _file_of(family_key: str) -> Path:
    """Return the path of a family's file below the folder that Airflow parses."""
    account, region, family = family_key.split("/")
    return Path(account, region, f"{file_name(family)}.py")

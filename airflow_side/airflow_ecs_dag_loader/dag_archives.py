"""The folder that Airflow's DAG processor parses where DAGs are packed: many in one archive, and errors beside them.

::

    <folder>/dags/<account>/<region>/<number>.zip    DAGs, a module each
    <folder>/dags/<account>/<region>/<family>.py     an error

Airflow starts a process for each file that it parses. It takes a ZIP archive as one, and each module in it as a file of
its own: a DAG's Code tab shows that DAG's definition alone, and a module that fails costs no other.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import zipfile
import zlib
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.file_names import ARCHIVE, PARSED
from airflow_ecs_dag_loader.private_files import keep_only, make_private_folder, read_private_file, replace_private_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COMMENT = b"The Airflow DAGs of ECS task definitions. Written by airflow-ecs-dag."
_MOST_DEAD = 16 * 1024 * 1024
"""Bytes of modules that are not there any more in an archive, above which it is written anew."""


class DagArchives:
    """The folder ``dags`` of a bundle.

    Args:
        folder: The bundle's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._within = folder
        self.path = folder / PARSED
        self._written: dict[Path, tuple[dict[str, str], str]] = {}

    def write(self, families: Path, hashes: Mapping[Path, str]) -> None:
        """Pack the files of the families, and touch no archive in which nothing changed.

        Args:
            families: The folder with the files.
            hashes: The hash over each of them, by its path in there.

        Raises:
            OSError: A file can't be read, or the folder can't be written.
        """
        make_private_folder(self.path, within=self._within)
        archives: dict[Path, dict[str, str]] = defaultdict(dict)
        errors = []
        for path, digest in hashes.items():
            if path.parent.suffix == ARCHIVE:
                archives[path.parent][path.name] = digest
            else:
                errors.append(path)
        for folder in {path.parent for path in (*archives, *errors)}:
            make_private_folder(self.path / folder, within=self.path)
        for path in errors:
            replace_private_file(self.path / path, read_private_file(families / path))
        self._written = {
            path: (members, self._pack(path, families / path, members)) for path, members in archives.items()
        }
        keep_only({self.path / path for path in (*archives, *errors)}, self.path)

    def _pack(self, path: Path, folder: Path, members: dict[str, str]) -> str:
        """Have the archive hold these modules; return the hash over it."""
        before, digest = self._written.get(path, (None, ""))
        data = b""
        with suppress(OSError):
            data = read_private_file(self.path / path)
        if before is not None and hashlib.sha256(data).hexdigest() != digest:
            before = None  # another process wrote it, or something broke it
        if before == members:
            return digest
        wanted = {name: read_private_file(folder / name) for name in sorted(members)}
        data = archive_of(wanted, data)
        replace_private_file(self.path / path, data)
        importlib.invalidate_caches()  # a process that has parsed the archive before has its table in memory
        return hashlib.sha256(data).hexdigest()


def archive_of(modules: Mapping[str, bytes], before: bytes = b"") -> bytes:
    """Return an archive of modules, by their files' names.

    A process that reads the archive meanwhile finds each module where the archive was that it began with. So all that
    is there stays where it is, what is new comes after it, and only the table at the end says what counts.

    Args:
        modules: What is to be in it.
        before: The archive that it replaces; one that is broken counts as none.
    """
    there = _modules(before)
    if there == modules:
        return before
    stays = {name for name, data in there.items() if modules.get(name) == data}
    if not there or len(before) - sum(len(there[name]) for name in stays) > _MOST_DEAD:
        before, stays = b"", set()
    buffer = io.BytesIO(before)
    with zipfile.ZipFile(buffer, "a") as archive:
        for info in [each for each in archive.filelist if each.filename not in stays]:
            archive.filelist.remove(info)
            del archive.NameToInfo[info.filename]
        archive.comment = _COMMENT  # has the table written anew, even if nothing is added
        for name, data in modules.items():
            if name not in stays:
                archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _modules(archive: bytes) -> dict[str, bytes]:
    """Return what is in an archive of ours; nothing if it is broken."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return {name: opened.read(name) for name in opened.namelist()}
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError):
        return {}

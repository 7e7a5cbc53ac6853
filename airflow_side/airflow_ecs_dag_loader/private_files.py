"""Folders and files that are this user's alone: nobody else reads them, and none that someone else prepared is used.

Airflow runs what is in the folder of a bundle. Whoever may write there, or may have what is there point elsewhere, runs
code as Airflow; so a folder of another owner and a symbolic link are refused, and open permissions are closed.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_OTHERS = 0o077
TEMPORARY = ".*.tmp"
"""The pattern of the names of temporary files."""
ABANDONED = 3600.0
"""Seconds after which no process that is alive still writes a temporary file."""
_NO_LINK = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_private_folder(folder: Path, *, within: Path) -> None:
    """Have ``folder`` and each folder between it and ``within``, both included, closed to all other users.

    Raises:
        OSError: One of them is a symbolic link, no folder, another user's, or can't be made.
    """
    within.parent.mkdir(parents=True, exist_ok=True)
    for part in (within, *(within / path for path in reversed(folder.relative_to(within).parents[:-1])), folder):
        with suppress(FileExistsError):
            part.mkdir(mode=_FOLDER_MODE)
        _close(part)


def _close(folder: Path) -> None:
    try:
        descriptor = os.open(folder, _NO_LINK | os.O_DIRECTORY)
    except NotADirectoryError:
        raise NotADirectoryError(
            f"{folder} is a symbolic link or no folder, and Airflow runs what is in it: remove it, the next refresh "
            "makes the folder"
        ) from None
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid():
            raise PermissionError(
                f"{folder} belongs to the user id {found.st_uid}, not to {os.geteuid()} as which Airflow runs, and "
                "Airflow runs what is in it: remove it, or choose another dag_bundle_storage_path"
            )
        if found.st_mode & _OTHERS:
            os.fchmod(descriptor, _FOLDER_MODE)
    finally:
        os.close(descriptor)


def read_private_file(path: Path) -> bytes:
    """Return what is in ``path``.

    Raises:
        OSError: It is a symbolic link, another user's, open to other users, or can't be read.
    """
    with os.fdopen(os.open(path, _NO_LINK | os.O_NONBLOCK), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
            raise PermissionError(f"{path} is not a file that only this user may read and write")
        return file.read()


def replace_private_file(path: Path, data: bytes) -> None:
    """Make ``path`` hold ``data`` and be this user's alone, in one step and only if it isn't yet; its folder is there.

    Raises:
        OSError: It can't be written.
    """
    with suppress(OSError):
        if read_private_file(path) == data:
            return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _FILE_MODE)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_left_over(folder: Path, *, older_than: float = 0.0) -> None:
    """Remove the temporary files that processes left in ``folder`` which were killed while they replaced a file.

    Args:
        folder: It need not be there.
        older_than: Seconds; a younger one may be of a process that is about to use it.

    Raises:
        OSError: They can't be removed.
    """
    for path in folder.glob(TEMPORARY):
        with suppress(FileNotFoundError):  # another process does the same
            if time.time() - path.lstat().st_mtime >= older_than:
                path.unlink()


def keep_only(files: Collection[Path], root: Path) -> None:
    """Remove from ``root`` all that is none of ``files`` and no folder of one, such as what killed processes left.

    Raises:
        OSError: It can't be removed.
    """
    _keep_only(files, {folder for path in files for folder in path.parents}, root)


def _keep_only(files: Collection[Path], folders: Collection[Path], root: Path) -> None:
    for found in root.iterdir():
        if found in folders and not found.is_symlink():
            _keep_only(files, folders, found)
        elif found not in files:
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found)
            else:
                found.unlink()

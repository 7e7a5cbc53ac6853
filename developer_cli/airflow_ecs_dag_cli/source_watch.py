"""Notices when a source of a project is saved: the operating system says which file, its content whether it changed.

What tools write by themselves (virtual environments, caches, ``cdk.out``, version control) counts for nothing, nor does
a file that was written again as it was: an app whose build step writes files would otherwise start itself for ever.
"""

from __future__ import annotations

import hashlib
import queue
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

import watchfiles

from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_cli.project_sources import TOOL_FOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

_IGNORED_FILES = re.compile(r"(\.py[co]|\.sw[a-z]|~|\.tmp)\Z|\A(\.#|\.DS_Store\Z|#.*#\Z|4913\Z)")
"""Compiled code, and what editors keep beside the file that is edited."""
_QUIET_MILLISECONDS, _LONGEST_MILLISECONDS = 150, 1600
"""Saves that follow each other as quickly as this are one; but no longer than this altogether."""
_LARGEST_READ = 64 * 1024 * 1024


class SourceWatch:
    """Watches folders from the begin of its ``with`` block to its end.

    Args:
        folders: What to watch, with all that is below; a link in them is not followed.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = tuple(folder.resolve() for folder in folders)
        self._noticed: queue.SimpleQueue[Path | OSError] = queue.SimpleQueue()
        self._contents: dict[Path, str] = {}
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="source-watch", daemon=True)

    def __enter__(self) -> Self:
        """Begin; each save from now on is noticed."""
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def changed(self, *, within: float) -> tuple[Path, ...]:
        """Return the files whose content changed since the last call, in order; none if ``within`` seconds bring none.

        Raises:
            LocalRunError: The operating system watches no more.
        """
        noticed: set[Path] = set()
        wait = within
        while True:
            try:
                found = self._noticed.get(timeout=wait) if wait else self._noticed.get_nowait()
            except queue.Empty:
                break
            if isinstance(found, OSError):
                raise LocalRunError(
                    f"the project's files can't be watched: {found}; start with --no-watch, or let the system watch "
                    "more files (on Linux sysctl fs.inotify.max_user_watches)"
                ) from found
            noticed.add(found)
            wait = 0
        return tuple(path for path in sorted(noticed) if self._is_new(path))

    def shown(self, path: Path) -> str:
        """Return how a person calls a file: from the watched folder on."""
        for folder in self._folders:
            if path.is_relative_to(folder):
                return str(path.relative_to(folder))
        return str(path)

    def _watch(self) -> None:
        try:
            found = watchfiles.watch(
                *self._folders,
                watch_filter=self._counts,
                debounce=_LONGEST_MILLISECONDS,
                step=_QUIET_MILLISECONDS,
                rust_timeout=100,
                yield_on_timeout=True,
                stop_event=self._stop,
                raise_interrupt=False,
                ignore_permission_denied=True,
            )
            for changes in found:
                for path in _paths(changes):
                    self._noticed.put(path)
                self._ready.set()  # the first answer comes when the watch is in place, at the latest after its timeout
        except OSError as error:
            self._noticed.put(error)
        finally:
            self._ready.set()

    def _counts(self, _change: watchfiles.Change, name: str) -> bool:
        path = Path(name)
        folder = next((each for each in self._folders if path.is_relative_to(each)), None)
        if folder is None:
            return False
        parts = path.relative_to(folder).parts
        return not (TOOL_FOLDERS.intersection(parts) or (parts and _IGNORED_FILES.search(parts[-1])))

    def _is_new(self, path: Path) -> bool:
        content = _content(path)
        if self._contents.get(path) == content:
            return False
        self._contents[path] = content
        return True


def _paths(changes: Iterable[tuple[watchfiles.Change, str]]) -> Iterable[Path]:
    return (Path(name) for _change, name in changes)


def _content(path: Path) -> str:
    """Return what stands for a file's content: the same text as long as nothing in it changed."""
    try:
        if path.is_dir():
            return "folder"  # what is in it is noticed by itself
        status = path.stat()
        mode = "x" if status.st_mode & 0o100 else "-"
        if status.st_size > _LARGEST_READ:
            return f"{mode} {status.st_size} {status.st_mtime_ns}"
        return f"{mode} {hashlib.blake2b(path.read_bytes()).hexdigest()}"
    except OSError:
        return "gone"

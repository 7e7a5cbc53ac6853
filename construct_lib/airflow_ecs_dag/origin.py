"""Where in the author's code a value was made: the file and line for messages, the code for deciding whose it is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from inspect import CO_OPTIMIZED
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

_PACKAGE = "airflow_ecs_dag"
_PASSED_OVER = frozenset({"copy", "dataclasses"})
"""Modules that make values on the author's behalf."""


@dataclass(frozen=True)
class Origin:
    """A place in the author's code.

    Attributes:
        code: The code that was running: of a function, of a class, or of a whole file.
        file: Its file, relative to the working folder where it lies below that.
        line: Counted from 1.
    """

    code: CodeType
    file: str
    line: int

    def __str__(self) -> str:
        """Return the place as editors and terminals know it: ``cdk/app.py:31``."""
        return f"{self.file}:{self.line}"

    @property
    def is_function(self) -> bool:
        """Whether the code runs anew at each call, unlike the body of a file or of a class."""
        return bool(self.code.co_flags & CO_OPTIMIZED)


def here() -> Origin:
    """Return the place in the author's code from which this package was called."""
    # inspect.stack() would read the source files, which takes milliseconds for each task
    frame = next(_author_frames(sys._getframe(1)))  # noqa: SLF001 - the documented, if CPython's own, way to a frame
    path = Path(frame.f_code.co_filename)
    folder = Path.cwd()
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    return Origin(frame.f_code, str(shown), frame.f_lineno)


def codes_in_progress() -> frozenset[CodeType]:
    """Return the code of each function, class and file of the author's that is running now."""
    return frozenset(frame.f_code for frame in _author_frames(sys._getframe(1)))  # noqa: SLF001 - as above


def _author_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames from the innermost outwards, without this package's own and without comprehensions."""
    while frame is not None:
        code = frame.f_code
        module = str(frame.f_globals.get("__name__"))
        is_own = module.partition(".")[0] == _PACKAGE or module in _PASSED_OVER
        is_generated = code.co_filename == "<string>" and code.co_name == "__init__"
        is_comprehension = code.co_name.startswith("<") and code.co_name != "<module>"
        if not (is_own or is_generated or is_comprehension) or frame.f_back is None:
            yield frame
        frame = frame.f_back

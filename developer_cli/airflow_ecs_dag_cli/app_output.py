"""What a CDK app printed, for people: of a refused DAG's traceback only the lines of their own files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TRACEBACK = re.compile(
    r"^Traceback \(most recent call last\):\n"
    r"(?P<frames>(?: .*\n)+)"
    r"(?P<error>airflow_ecs_dag_schema\.problems\.DagDefinitionError: )",
    re.MULTILINE,
)
_FRAME = re.compile(r'^  File "(?P<file>[^"\n]+)", line \d+.*\n(?:    .*\n)*', re.MULTILINE)


def readable(printed: str, project: Path) -> str:
    """Return what an app printed; where its DAG is wrong, without the lines of the libraries that found it.

    Args:
        printed: Its stdout and stderr.
        project: The folder with ``cdk.json``.
    """

    def shortened(match: re.Match[str]) -> str:
        own = "".join(_own_frames(match["frames"], project))
        return f"{own}{match['error'].rpartition('.')[2]}" if own else match[0]

    return _TRACEBACK.sub(shortened, printed)


def _own_frames(frames: str, project: Path) -> Iterator[str]:
    for frame in _FRAME.finditer(frames):
        file = project / frame["file"]
        if file.is_relative_to(project) and not {"site-packages", "dist-packages"} & set(file.parts):
            yield frame[0]

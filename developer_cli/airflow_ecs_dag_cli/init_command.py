"""``airflow-ecs-dag init``: a project that works, to be changed from there.

The template is a project itself, whose names are replaced: what is wrong in it, its own tests and checks find.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

_TEMPLATE = Path(__file__).parent / "new_project"
_NAME = "new-project"
_PART_NAMES = {"gitignore": ".gitignore", "github": ".github"}
"""Names in the template of what begins with a dot: git and packagers act on such files."""
_IGNORED = ("__pycache__", ".pyc")
_LONGEST = 50


class ProjectError(Exception):
    """A project can't be made; the message is for the person who asked for it."""


def make_project(name: str, folder: Path) -> list[Path]:
    """Make a project, put in its place once all of it is written; return its files, relative to the folder.

    Args:
        name: Of the DAG, the stack and the task definition's family.
        folder: Where it is put: an empty folder, or one that is not there yet.

    Raises:
        ProjectError: The name is none, the folder has something in it, or it can't be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name, re.ASCII) or len(name) > _LONGEST:
        raise ProjectError(
            f"{name!r} can't be the name of DAG, stack and family: take up to {_LONGEST} lower-case letters, digits "
            "and single hyphens, a letter first, such as daily-sales"
        )
    try:
        if folder.exists() and (found := sorted(path.name for path in folder.iterdir())):
            raise ProjectError(
                f"{folder} has {found[0]} in it, and nothing was written: name an empty folder, or a new one, with "
                "--folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:
            files = _write(name, Path(unfinished))
            for path in Path(unfinished).iterdir():
                path.replace(folder / path.name)
    except OSError as error:
        raise ProjectError(f"{folder} can't be made a project: {error}; name another folder with --folder") from error
    return files


def _write(name: str, folder: Path) -> list[Path]:
    stack = "".join(part.capitalize() for part in name.split("-"))
    files = []
    for source in sorted(path for path in _TEMPLATE.rglob("*") if path.is_file()):
        if any(part.endswith(_IGNORED) for part in source.parts):
            continue
        parts = source.relative_to(_TEMPLATE).parts
        file = Path(*(_PART_NAMES.get(part, part.replace("new_project", name.replace("-", "_"))) for part in parts))
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8").replace(_NAME, name).replace("NewProject", stack)
        (folder / file).write_text(text, encoding="utf-8")
        files.append(file)
    return files

"""What stands beside the synthesized app of a CDK project: its sources, newer perhaps, and the platform's policy."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOL_FOLDERS = frozenset(
    {
        ".airflow-ecs-dag", ".direnv", ".eggs", ".git", ".hg", ".hypothesis", ".idea", ".ipynb_checkpoints", ".jj",
        ".mypy_cache", ".nox", ".npm", ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode",
        "__pycache__", "cdk.out", "node_modules", "venv",
    }
)  # fmt: skip
"""What tools write by themselves."""
POLICY_FILE = "airflow-policy.yaml"
"""The platform's policy, beside ``cdk.json``."""
_SOURCES = (".py", ".ts", ".js")
_MOST_FILES = 5_000
"""That are looked at; a project has a few dozen."""


def newer_source(assembly: Path) -> Path | None:
    """Return a source that was saved after a project's app was synthesized.

    Args:
        assembly: The folder that the app wrote, ``cdk.out``.

    Returns:
        The newest such source, relative to the project; ``None`` where there is none, and where ``assembly`` is no
        such folder beside a ``cdk.json``.
    """
    project = assembly.absolute().parent
    try:
        if not (project / "cdk.json").is_file():
            return None
        synthesized = (assembly / "manifest.json").stat().st_mtime
        saved, newest = max((path.stat().st_mtime, path) for path in islice(_sources(project), _MOST_FILES))
    except (OSError, ValueError):
        return None  # nothing to compare
    return newest.relative_to(project) if saved > synthesized else None


def policy_beside(assembly: Path) -> Path | None:
    """Return the policy of the project whose app was synthesized into a folder; ``None`` if it has none."""
    project = assembly.absolute().parent
    policy = project / POLICY_FILE
    is_of_project = (project / "cdk.json").is_file() and (assembly / "manifest.json").is_file()
    return policy if is_of_project and policy.is_file() else None


def _sources(project: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(project):
        folders[:] = [each for each in folders if each not in TOOL_FOLDERS]
        yield from (Path(folder) / each for each in files if each.endswith(_SOURCES))

"""Where a bundle has the files of its families."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.file_names import UNPACKED, family_name_of
from airflow_ecs_dag_loader.snapshot import dags_folder

if TYPE_CHECKING:
    from pathlib import Path


def family_files(folder: Path) -> dict[str, Path]:
    """Return the file of each family's DAG or error in a bundle's folder, by the family's name."""
    unpacked = folder / UNPACKED
    root = unpacked if unpacked.is_dir() else dags_folder(folder)
    return {family_name_of(path.relative_to(root)).rpartition("/")[2]: path for path in sorted(root.rglob("*.py"))}

"""How Airflow is told of a bundle, and where that has the files of its families."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.file_names import UNPACKED, family_name_of
from airflow_ecs_dag_loader.snapshot import dags_folder

if TYPE_CHECKING:
    from pathlib import Path


def bundle_config(name: str, **arguments: Any) -> str:
    """Return Airflow's setting for one bundle."""
    bundle = {"name": name, "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": arguments}
    return json.dumps([bundle])


def family_files(folder: Path) -> dict[str, Path]:
    """Return the file of each family's DAG or error in a bundle's folder, by the family's name."""
    unpacked = folder / UNPACKED
    root = unpacked if unpacked.is_dir() else dags_folder(folder)
    return {family_name_of(path.relative_to(root)).rpartition("/")[2]: path for path in sorted(root.rglob("*.py"))}

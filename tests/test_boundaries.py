"""Each room imports only what it may: shown on a fresh interpreter, and by import-linter on the sources."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
_FORBIDDEN = {
    "airflow_ecs_dag_schema": {
        "airflow", "airflow_ecs_dag", "airflow_ecs_dag_cli", "airflow_ecs_dag_loader",
        "aws_cdk", "boto3", "botocore", "constructs", "jsii",
    },
    "airflow_ecs_dag": {"airflow", "airflow_ecs_dag_cli", "airflow_ecs_dag_loader", "boto3", "botocore"},
    "airflow_ecs_dag_loader": {"airflow_ecs_dag", "airflow_ecs_dag_cli", "aws_cdk", "constructs", "jsii"},
}  # fmt: skip
_LOADED = "import sys; from {room} import *; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"


def loaded_by(room: str, folder: Path) -> set[str]:
    """Return the top-level packages that a fresh interpreter holds once it has imported all of ``room``."""
    process = subprocess.run(
        [sys.executable, "-c", _LOADED.format(room=room)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "AIRFLOW_HOME": str(folder)},
    )
    assert process.returncode == 0, process.stderr
    return set(process.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("room", sorted(_FORBIDDEN))
def test_a_room_loads_only_what_it_may(room: str, tmp_path: Path) -> None:
    loaded = loaded_by(room, tmp_path)
    assert room in loaded
    assert loaded & _FORBIDDEN[room] == set()


def test_the_question_is_answered_truly(tmp_path: Path) -> None:
    assert {"airflow_ecs_dag_loader", "airflow"} <= loaded_by("airflow_ecs_dag_loader", tmp_path)


def test_the_sources_keep_the_contracts_of_import_linter() -> None:
    process = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=PROJECT,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "0 broken" in process.stdout


@pytest.mark.parametrize("room", ["construct_lib", "label_schema", "airflow_side", "developer_cli"])
def test_a_source_root_is_no_package(room: str) -> None:
    assert not (PROJECT / room / "__init__.py").exists()
    assert list((PROJECT / room).glob("*/__init__.py"))


def test_the_schema_is_read_on_both_sides_under_the_same_names() -> None:
    schema = importlib.import_module("airflow_ecs_dag_schema")
    assert schema.__all__ == [
        "CapacityProvider",
        "DagDefinitionError",
        "DagSpec",
        "EcsSettings",
        "EcsTaskSpec",
        "EmailAlert",
        "Facts",
        "LabelError",
        "LatestOnlySpec",
        "Policy",
        "PolicyError",
        "Problem",
        "Schedule",
        "TaskDefaults",
        "Violation",
        "check",
        "decode",
        "describes_dag",
        "encode",
    ]


@pytest.mark.parametrize("room", sorted(_FORBIDDEN))
def test_each_public_name_is_there_once_and_in_order(room: str, tmp_path: Path) -> None:
    listing = f"import {room} as room; print(*room.__all__); [getattr(room, name) for name in room.__all__]"
    process = subprocess.run(
        [sys.executable, "-c", listing],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
    )
    assert process.returncode == 0, process.stderr
    names = process.stdout.splitlines()[-1].split()
    assert names == sorted(set(names))
    assert names

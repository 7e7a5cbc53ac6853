"""``validate`` and the loader say the same of the same task definition, in the same words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_loader.admission import Admitted, admit
from airflow_ecs_dag_loader.definition import Definition
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema import Policy
from airflow_ecs_dag_schema.operators import BUILT_IN
from commands.files import LABELS, task_definition, write_json
from vectors.vector_files import read_vectors

if TYPE_CHECKING:
    from pathlib import Path

ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:7"
VECTORS = {name: vector.labels for version in ("v1", "2019") for name, vector in read_vectors(version)}
CASES = VECTORS | {
    "labels of others": {"com.example.team": "x"},
    "no label of a DAG": {"airflow.ecs.cluster": "jobs"},
    "a container that is there": {**LABELS, "airflow.ecs.container_name": "proxy"},
    "a container that is not": {**LABELS, "airflow.ecs.container_name": "gone"},
}
_PROFILES = ("data-science", "ops", "ops_1")
_TEXTS = {"kind": "texts"}
GENEROUS = Policy.of(
    {
        "pools": ["*"],
        "max_priority_weight": 1_000_000,
        "max_pool_slots": 1_000,
        "alert_profiles": {name: {"kind": "email", "to": ["ops@example.com"]} for name in _PROFILES},
        "operators": {
            **{name: {} for name in BUILT_IN},
            "redshift_query": {"operator_class": "example.Query", "arguments": {"sql": {}, "parameters": _TEXTS}},
            "x_y": {"operator_class": "example.Other", "arguments": {"kind": {}, "task_id": {}, "operator": {}}},
        },
    }
)
"""What reaches beyond a project's own is allowed: what a platform allows, ``validate`` does not know."""


def loaded(definition: dict[str, Any]) -> tuple[bool, str] | None:
    """Return whether the loader takes the DAG, and why not; ``None`` if there is none."""
    found = Definition.from_task_definition(definition)
    if found is None:
        return None
    (verdict,) = admit([found], source=RegistrySource(cluster="default"), owners={}, policy=GENEROUS)
    return (True, "") if isinstance(verdict, Admitted) else (False, verdict.reason)


def validated(definition: dict[str, Any], folder: Path) -> tuple[bool, list[str]] | None:
    path = write_json(folder / "definition.json", {"taskDefinition": definition})
    (file,) = json.loads(CliRunner().invoke(app, ["validate", "--json", str(path)]).stdout)["files"]
    assert file["error"] is None
    if not file["dags"]:
        return None
    (dag,) = file["dags"]
    return dag["ok"], [f"  - {problem['path']}: {problem['message']}" for problem in dag["problems"]]


def agree(definition: dict[str, Any], folder: Path) -> bool:
    by_loader, by_command = loaded(definition), validated(definition, folder)
    if by_loader is None or by_command is None:
        assert by_loader is None
        assert by_command is None
        return False
    assert by_loader[0] is by_command[0]
    for line in by_command[1][:30]:  # the loader's page shows 30
        assert line in by_loader[1]
    assert by_loader[1].count("\n  - ") == min(len(by_command[1]), 31)
    return by_loader[0]


@pytest.mark.parametrize("name", CASES)
def test_one_labelled_container(name: str, tmp_path: Path) -> None:
    agree(task_definition(CASES[name], taskDefinitionArn=ARN), tmp_path)


def test_two_labelled_containers(tmp_path: Path) -> None:
    definition = task_definition(LABELS, taskDefinitionArn=ARN)
    assert agree(definition, tmp_path)
    definition["containerDefinitions"][1]["dockerLabels"] = LABELS
    assert not agree(definition, tmp_path)

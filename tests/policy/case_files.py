"""Policy cases: reading the data files, whose format `cases/README.md` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from airflow_ecs_dag_schema import Policy

FOLDER = Path(__file__).parent / "cases"
BASE = {
    "airflow.schema_version": "1",
    "airflow.dag.dag_id": "team-a.reports",
    "airflow.dag.owner": "Team A",
    "airflow.ecs.cluster": "work",
    "airflow.tasks.build.kind": "ecs",
}


class Case(BaseModel):
    """A policy, a DAG, and what of the policy the DAG breaks."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(min_length=4)
    policy: dict[str, Any]
    labels: dict[str, Any] = {}
    breaks: list[str] = []
    synth: bool = False

    @property
    def the_policy(self) -> Policy:
        return Policy.of(self.policy)

    @property
    def the_labels(self) -> dict[str, Any]:
        """All labels; ``None`` takes one of the base's away, and a task without a kind is an ECS task."""
        return {key: text for key, text in (BASE | self.labels).items() if text is not None}


_CASES = TypeAdapter(list[Case])


def read_cases() -> list[Case]:
    return [
        case
        for file in sorted(FOLDER.glob("*.yaml"))
        for case in _CASES.validate_python(yaml.safe_load(file.read_text()))
    ]

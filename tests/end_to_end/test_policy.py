"""The platform's policy in a real Airflow: what it refuses is an import error with the rule's id, and nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.local_airflow import LocalAirflow
from airflow_ecs_dag_cli.local_aws import LocalAws
from end_to_end.stacks import SECONDS, labels

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.airflow, pytest.mark.emulator]


def test_a_dag_that_breaks_a_rule_is_its_familys_import_error(tmp_path: Path) -> None:
    policy = {"dag_id_prefix": "team-a.", "max_tasks": 2}
    dags = {
        "kept": labels("team-a.kept", "one", "two"),
        "foreign": labels("team-b.foreign", "one"),
        "large": labels("team-a.large", "one", "two", "three"),
    }
    with LocalAws(tmp_path / "aws") as aws:
        for family, docker_labels in dags.items():
            aws.client("ecs").register_task_definition(
                family=family,
                containerDefinitions=[
                    {"name": "main", "image": "jobs:1", "memory": 128, "dockerLabels": docker_labels}
                ],
            )
        bundle = {"region_name": aws.region, "cluster": "jobs", "policy": policy}
        with LocalAirflow(tmp_path / "airflow", environment=aws.environment, bundle=bundle) as airflow:
            airflow.wait_until_ready()
            deadline = time.monotonic() + SECONDS
            while airflow.api.dag("team-a.kept") is None or len(airflow.api.import_errors()) < 2:
                airflow.check()
                assert time.monotonic() < deadline, airflow.api.import_errors()
                time.sleep(0.3)
            errors = {file.rpartition("/")[2]: text for file, text in airflow.api.import_errors().items()}
            assert airflow.api.dag("team-b.foreign") is None
            assert airflow.api.dag("team-a.large") is None
    assert set(errors) == {"foreign.py", "large.py"}
    assert "dag-id.prefix" in errors["foreign.py"]
    assert "team-a." in errors["foreign.py"]
    assert "size.tasks" in errors["large.py"]

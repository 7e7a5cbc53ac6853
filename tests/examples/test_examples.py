"""Each example has its golden labels, is admitted by the loader, and runs on this machine as a user runs it."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.local_project import LocalProject
from airflow_ecs_dag_cli.terminal import Terminal
from airflow_ecs_dag_schema import Policy, check
from airflow_ecs_dag_schema.undeployed import read_undeployed
from airflow_ecs_dag_schema.violations import Facts
from end_to_end.stacks import log_text, run_to_end, task_ids, wait_for
from examples.example_apps import FOLDER, NAMES, golden, synthesize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = datetime(2026, 1, 31, tzinfo=UTC)
"""A Saturday, the last day of a month."""


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_its_golden_labels(name: str, tmp_path: Path) -> None:
    assert synthesize(name, tmp_path) == json.loads(golden(name).read_text())


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_what_its_platform_admits(name: str) -> None:
    file = FOLDER / name / "airflow-policy.yaml"
    policy = Policy.read(file) if file.exists() else Policy()
    for labels in json.loads(golden(name).read_text()).values():
        reading = read_undeployed(labels)
        assert reading.problems == ()
        assert reading.spec is not None
        assert check(reading.spec, policy, Facts(deployed_at=DAY, label_bytes=1)) == ()


def test_the_page_names_each_example_and_its_dags() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(.*?\) \| ([^|]*) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    declared = {
        name: {labels["airflow.dag.dag_id"] for labels in json.loads(golden(name).read_text()).values()}
        for name in NAMES
    }
    assert {name: set(re.findall(r"`([^`]+)`", dags)) for name, dags in rows} == declared


@pytest.fixture
def local(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalProject]:
    """An example, deployed on this machine, with Airflow running; its containers are host processes."""
    project = tmp_path / "project"
    shutil.copytree(FOLDER / request.param, project, ignore=shutil.ignore_patterns(".airflow-ecs-dag", "__pycache__"))
    by_schedule = request.param == "two_projects"  # which starts runs by assets, too
    with LocalProject(project, terminal=Terminal(), engine="process", follow_schedules=by_schedule) as started:
        started.start()
        yield started


def states(local: LocalProject, dag_id: str, run_id: str) -> dict[str, str | None]:
    return {task.name: task.state for task in local.airflow.api.tasks(dag_id, run_id)}


@pytest.mark.airflow
@pytest.mark.emulator
@pytest.mark.parametrize("local", ["daily_report"], indirect=True)
def test_outputs_decide_what_the_daily_report_runs(local: LocalProject) -> None:
    wait_for(lambda: task_ids(local, "daily-report"), "the DAG", local=local)
    run_id, state = run_to_end(local, "daily-report", logical_date=DAY, params={"title": "January"})
    assert (state, states(local, "daily-report", run_id)) == (
        "success",
        {
            "find": "success",
            "table": "success",
            "which": "success",
            "full": "success",
            "short": "skipped",
            "load.load[0]": "success",
            "load.load[1]": "success",
            "load.check": "skipped",
            "drop": "success",
        },
    )
    assert "report full January" in log_text(local, "daily-report", run_id, "full")


@pytest.mark.airflow
@pytest.mark.emulator
@pytest.mark.parametrize("local", ["two_projects"], indirect=True)
def test_the_data_of_one_project_starts_the_other_ones_dag(local: LocalProject) -> None:
    wait_for(lambda: task_ids(local, "ingest") and task_ids(local, "train"), "both DAGs", local=local)
    assert run_to_end(local, "ingest", logical_date=DAY)[1] == "success"
    run = wait_for(lambda: local.airflow.api.runs("train"), "a run of the DAG train", local=local)[0]
    assert run["run_type"] == "asset_triggered"
    wait_for(lambda: local.airflow.api.run_state("train", run["dag_run_id"]) == "success", "the end of it", local=local)
    assert f"Trained in run {run['dag_run_id']}" in log_text(local, "train", run["dag_run_id"], "train")


@pytest.mark.airflow
@pytest.mark.emulator
@pytest.mark.parametrize("local", ["many_images"], indirect=True)
def test_a_task_runs_another_task_definition(local: LocalProject) -> None:
    wait_for(lambda: task_ids(local, "many-images"), "the DAG", local=local)
    run_id, state = run_to_end(local, "many-images", logical_date=DAY)
    assert state == "success"
    assert "Trained on prepared-2026-01-31.csv for a bucket" in log_text(local, "many-images", run_id, "train")


@pytest.mark.airflow
@pytest.mark.emulator
@pytest.mark.parametrize("local", ["sensors"], indirect=True)
def test_a_short_circuit_spares_the_sensors_after_it(local: LocalProject) -> None:
    wait_for(lambda: task_ids(local, "sensors"), "the DAG", local=local)
    run_id, state = run_to_end(local, "sensors", logical_date=DAY)
    assert (state, states(local, "sensors", run_id)) == (
        "success",
        {"wait": "success", "look": "success", "any_file": "success", "file": "skipped", "done": "skipped"},
    )

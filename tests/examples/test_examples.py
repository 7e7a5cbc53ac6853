"""Each example has its golden labels, is admitted by the loader, and runs on this machine as a user runs it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from airflow_ecs_dag_cli.local_project import LocalProject
from airflow_ecs_dag_cli.terminal import Terminal
from airflow_ecs_dag_schema import Policy, check
from airflow_ecs_dag_schema.exchange import LARGEST_OBJECT, bucket_and_key
from airflow_ecs_dag_schema.undeployed import read_undeployed
from airflow_ecs_dag_schema.violations import Facts
from end_to_end.stacks import RUN_SECONDS, end_of_run, log_text, run_to_end, task_ids, wait_for
from examples.example_apps import FOLDER, NAMES, golden, synthesize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = datetime(2026, 1, 31, tzinfo=UTC)
"""A Saturday, the last day of a month."""
USES_BOTO3 = {"large_data": ("container",), "two_projects": ("ingest", "train")}
"""The folders of images that install boto3."""
TO_READ_A_QUESTION = 5.0
"""Seconds."""
LONGEST_OVERRIDES = 8_192
"""Characters of what RunTask takes for a container."""


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
    shutil.copytree(
        FOLDER / request.param, project, ignore=shutil.ignore_patterns(".airflow-ecs-dag", ".venv", "__pycache__")
    )
    for folder in USES_BOTO3.get(request.param, ()):
        provide_boto3(project / folder)
    by_schedule = request.param == "two_projects"  # which starts runs by assets, too
    with LocalProject(project, terminal=Terminal(), engine="process", follow_schedules=by_schedule) as started:
        started.start()
        yield started


def provide_boto3(container: Path) -> None:
    """Give the process engine a Python for a container that has what its image installs: this one."""
    program = container / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    program.chmod(0o755)


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
    scheduled = wait_for(lambda: local.airflow.api.runs("ingest"), "a run by the schedule", local=local)
    ingest = scheduled[0]["dag_run_id"]
    assert scheduled[0]["run_type"] == "scheduled"
    state = end_of_run(local, "ingest", ingest)
    assert (state, [states(local, "ingest", ingest)[f"tidy[{index}]"] for index in range(7)]) == (
        "success",
        ["success"] * 7,
    )
    assert "Published 732 months, 1950-01 to 2010-12" in log_text(local, "ingest", ingest, "publish")

    run = wait_for(lambda: local.airflow.api.runs("train"), "a run of the DAG train", local=local, within=RUN_SECONDS)[
        0
    ]
    train = run["dag_run_id"]
    assert run["run_type"] == "asset_triggered"
    question = wait_for(
        lambda: question_of(local, "train", train, "agree"), "the question", local=local, within=RUN_SECONDS
    )
    better = re.search(r"candidates/(\d)\.json is (\d+)% better", log_text(local, "train", train, "choose"))
    assert better
    assert question["subject"] == f"Release the forecast that is {better[2]}% better than the usual temperature?"
    assert (better[1], better[2]) == ("1", "45")
    assert states(local, "train", train)["release"] is None
    answer(local, "train", train, "agree", "Approve")
    assert end_of_run(local, "train", train) == "success"
    assert set(states(local, "train", train).values()) == {"success"}
    assert "Released candidates/1.json" in log_text(local, "train", train, "release")
    assert released(local)["ahead"] == 1


def question_of(local: LocalProject, dag_id: str, run_id: str, task_id: str) -> dict[str, Any] | None:
    """Return what a person is asked, or ``None`` if nobody is yet."""
    response = httpx.get(question_url(local, dag_id, run_id, task_id), trust_env=False)
    return None if response.status_code == httpx.codes.NOT_FOUND else response.raise_for_status().json()


def answer(local: LocalProject, dag_id: str, run_id: str, task_id: str, option: str) -> None:
    """Answer as soon as a person can.

    Within the second after the question, Airflow 3.3 fails a task that is answered: its scheduler takes the end of the
    worker that asked for the end of the one that goes on.
    """
    time.sleep(TO_READ_A_QUESTION)
    content = {"chosen_options": [option], "params_input": {}}
    httpx.patch(question_url(local, dag_id, run_id, task_id), json=content, trust_env=False).raise_for_status()


def question_url(local: LocalProject, dag_id: str, run_id: str, task_id: str) -> str:
    run = f"{local.airflow.url}/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
    return f"{run}/taskInstances/{task_id}/-1/hitlDetails"


def released(local: LocalProject) -> dict[str, Any]:
    """Return the model that the project `train` has released."""
    s3 = local.aws.client("s3")
    (bucket,) = [each["Name"] for each in s3.list_buckets()["Buckets"] if "models" in each["Name"]]
    model: dict[str, Any] = json.load(s3.get_object(Bucket=bucket, Key="released.json")["Body"])
    return model


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


@pytest.mark.airflow
@pytest.mark.emulator
@pytest.mark.parametrize("local", ["large_data"], indirect=True)
def test_large_data_goes_through_the_bucket(local: LocalProject) -> None:
    wait_for(lambda: task_ids(local, "large-data"), "the DAG", local=local)
    run_id, state = run_to_end(local, "large-data", logical_date=DAY)
    assert (state, states(local, "large-data", run_id)) == (
        "success",
        {
            "readings": "success",
            "stations": "success",
            "mean[0]": "success",
            "mean[1]": "success",
            "mean[2]": "success",
        },
    )
    said = {name: log_text(local, "large-data", run_id, name) for name in ("readings", "stations")}
    assert "where hour between timestamp '2026-01-31' - interval '1 year'" in said["readings"]
    addresses = {name: re.findall(r'^airflow-output: "(s3://.*)"$', said[name], re.MULTILINE) for name in said}
    assert f'Command: ["stations", "{addresses["readings"][0]}"]' in said["stations"]
    for index, line in enumerate(["De Bilt: 10.65", "Eelde: 9.65", "Vlissingen: 11.65"]):
        assert f"{line} degrees, 8760 hours" in log_text(local, "large-data", run_id, "mean", map_index=index)

    sizes = exchanged_sizes(local, addresses["readings"][0])
    assert sizes[addresses["readings"][0]] > LARGEST_OBJECT
    assert LONGEST_OVERRIDES < sizes[addresses["stations"][0]] < LARGEST_OBJECT
    inputs = [size for address, size in sizes.items() if "/mean-" in address and address.endswith(".input.json")]
    assert len(inputs) == 3
    assert min(inputs) > LONGEST_OVERRIDES


def exchanged_sizes(local: LocalProject, one: str) -> dict[str, int]:
    """Return the bytes of each object of a run, by its address, given one of them."""
    bucket, key = bucket_and_key(one)
    found = local.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=key.rpartition("/")[0])["Contents"]
    return {f"s3://{bucket}/{each['Key']}": each["Size"] for each in found}

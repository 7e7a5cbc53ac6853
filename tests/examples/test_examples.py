"""Each example has its golden labels, is admitted by the loader, and runs on this machine as a user runs it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_schema import Policy, check
from airflow_ecs_dag_schema.exchange import LARGEST_OBJECT, bucket_and_key
from airflow_ecs_dag_schema.undeployed import read_undeployed
from airflow_ecs_dag_schema.violations import Facts
from end_to_end.stacks import log_text, run_to_end, task_ids, wait_for
from examples.example_apps import FOLDER, NAMES, golden, synthesize
from examples.local_examples import started, states

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_ecs_dag_cli.local_project import LocalProject

DAY = datetime(2026, 1, 31, tzinfo=UTC)
"""A Saturday, the last day of a month."""
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
    with started(request.param, tmp_path) as project:
        yield project


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

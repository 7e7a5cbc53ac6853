"""The example of two projects: the data of one starts the DAG of the other, which a person approves of."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from end_to_end.browser import LAPTOP, PHONE, page_of
from end_to_end.conftest import artifacts as _artifacts
from end_to_end.conftest import chromium as _chromium
from end_to_end.stacks import RUN_SECONDS, end_of_run, log_text, task_ids, wait_for
from examples.local_examples import started, states

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_ecs_dag_cli.local_project import LocalProject

pytestmark = [pytest.mark.airflow, pytest.mark.emulator]

artifacts, chromium = _artifacts, _chromium
TO_READ_A_QUESTION = 5.0
"""Seconds."""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProject]:
    """Both projects, deployed; Airflow runs them by their schedules."""
    with started("two_projects", tmp_path_factory.mktemp("two"), follow_schedules=True) as project:
        wait_for(lambda: task_ids(project, "ingest") and task_ids(project, "train"), "both DAGs", local=project)
        yield project


@pytest.mark.browser
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_the_graph_of_the_asset_shows_both_projects(
    local: LocalProject, chromium: Path, artifacts: Path, size: tuple[int, int]
) -> None:
    with page_of(chromium, size) as page:
        page.goto(f"{local.airflow.url}/assets")
        page.get_by_role("link", name="sea-temperatures").click()
        graph = page.locator(".react-flow")
        for name in ("ingest", "sea-temperatures", "train"):
            graph.get_by_text(name, exact=True).first.wait_for()
        assert graph.locator(".react-flow__edge").count() == 2
        page.screenshot(path=artifacts / f"asset-graph-{size[0]}.png")


def test_the_data_of_one_project_starts_the_other_ones_dag(local: LocalProject) -> None:
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

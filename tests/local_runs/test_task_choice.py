"""Which task of an app can be run by itself, and what is said of one that can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_cli.single_task import SingleTask
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, LatestOnlySpec, encode
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.tasks import BranchSpec, ExpandItems, ExpandOutput, TaskSpec
from end_to_end.stacks import stack, task_definition

TASKS: list[TaskSpec] = [
    LatestOnlySpec(task_id="latest"),
    EcsTaskSpec(task_id="days", upstream=["latest"]),
    EcsTaskSpec(task_id="load.rows", upstream=["days"], args=["{{ ti.xcom_pull(task_ids='days')['rows'] }}"]),
    EcsTaskSpec(task_id="each", upstream=["days"], expand=ExpandOutput(task_id="days")),
    EcsTaskSpec(task_id="fixed", upstream=["load.rows"], expand=ExpandItems(items=["a", "b"])),
    BranchSpec(task_id="which", upstream=["days"], output=OutputRef(task_id="days")),
    EcsTaskSpec(task_id="mend", upstream=["which"], trigger_rule="one_failed"),
]


def assembly(**labels: str) -> CloudAssembly:
    found: dict[str, Any] = {**encode(DagSpec(dag_id="jobs", tasks=TASKS)), **labels}
    return CloudAssembly(folder=Path(), stacks=(stack("Jobs", Jobs=task_definition("jobs", found, "jobs:1")),))


def chosen(task_id: str, **outputs: str) -> SingleTask:
    return SingleTask.of(assembly(), "jobs", task_id, outputs)


def test_what_is_before_it_and_what_is_not() -> None:
    task = chosen("fixed")
    assert set(task.upstream) == {"latest", "days", "load.rows"}
    assert set(task.others) == {"each", "which", "mend"}
    assert task.upstream_state == "success"
    assert chosen("latest").upstream == ()


def test_a_task_that_waits_for_a_failure() -> None:
    assert chosen("mend").upstream_state == "failed"


def test_an_output_stands_in_for_the_task_that_has_it() -> None:
    assert chosen("load.rows", days='{"rows": 3}').outputs == {"days": {"rows": 3}}
    assert chosen("which", days='"fixed"').outputs == {"days": "fixed"}


@pytest.mark.parametrize(
    ("task_id", "outputs", "said"),
    [
        ("nope", {}, ["no task 'nope'", "days, each, fixed, latest, load.rows", "--task"]),
        ("rows", {}, ["no task 'rows'", "load.rows"]),
        ("load.rows", {}, ["needs the output of days", "--output"]),
        ("which", {}, ["needs the output of days"]),
        ("each", {"days": "[1]"}, ["for each item of the output of days", "whole DAG"]),
        ("days", {"latest": "1"}, ["does not use the output of 'latest'", "it uses: none"]),
        ("load.rows", {"days": "three"}, ["output of days is no JSON", "'three'"]),
    ],
)
def test_what_can_not_be_run_alone(task_id: str, outputs: dict[str, str], said: list[str]) -> None:
    with pytest.raises(LocalRunError) as raised:
        chosen(task_id, **outputs)
    for text in said:
        assert text in str(raised.value)


def test_a_dag_with_mistakes() -> None:
    with pytest.raises(LocalRunError, match="its labels have mistakes"):
        SingleTask.of(assembly(**{"airflow.tasks.days.retires": "1"}), "jobs", "days", {})


def test_an_output_without_a_task() -> None:
    result = CliRunner().invoke(app, ["run", "jobs", "--output", "days=1"])
    assert result.exit_code == 2
    assert "add --task, or leave it out" in " ".join(result.stderr.replace("│", " ").split())

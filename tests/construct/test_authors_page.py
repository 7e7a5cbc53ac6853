"""The page for authors: each of its pieces of code is run, put onto a real stack, and read back from the labels."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

import airflow_ecs_dag
from airflow_ecs_dag import AirflowEcsDag, Schedule
from airflow_ecs_dag_schema import decode
from airflow_ecs_dag_schema.outputs import LARGEST_OUTPUT, OUTPUT_MARK
from airflow_ecs_dag_schema.tasks import EcsTaskSpec
from construct.cdk_stacks import deployed, fargate, template

if TYPE_CHECKING:
    from airflow_ecs_dag_schema import DagSpec

PAGE = (Path(__file__).parents[2] / "docs" / "authors.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TITLES = [
    re.findall(r"^## (.*)$", PAGE[: match.start()], re.MULTILINE)[-1]
    for match in re.finditer(r"^```python$", PAGE, re.MULTILINE)
]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False), "Main")


def run(code: str, stack: Stack) -> tuple[dict[str, Any], DagSpec]:
    """Run one piece of code where an author has it, and return its names and its DAG as Airflow reads it."""
    public = {name: getattr(airflow_ecs_dag, name) for name in airflow_ecs_dag.__all__}
    own = fargate(stack)
    names = public | {
        "Duration": Duration,
        "UTC": UTC,
        "datetime": datetime,
        "timedelta": timedelta,
        "ecs": ecs,
        "self": stack,
        "task_definition": own,
        "cluster": ecs.Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc", max_azs=2)),
        "bucket": s3.Bucket(stack, "Bucket"),
        "secret": secretsmanager.Secret(stack, "Secret"),
    }
    exec(code, names)  # noqa: S102 - the page's own code
    if "flow" in names:
        given = {name: names[name] for name in ("params", "schedule", "deadline", "alerts") if name in names}
        AirflowEcsDag(
            stack,
            "Dag",
            **{"schedule": Schedule.manual(), "dag_id": "page", "task_definition": own, "tasks": names["flow"]} | given,
            cluster=names["cluster"],
        )
    labelled = [
        container["DockerLabels"]
        for resource in template(stack)["Resources"].values()
        for container in resource.get("Properties", {}).get("ContainerDefinitions", ())
        if "airflow.dag.dag_id" in container.get("DockerLabels", {})
    ]
    assert len(labelled) == 1
    return names, decode(deployed(labelled[0]))


@pytest.mark.parametrize("code", CODE, ids=[f"{number}-{title[:30]}" for number, title in enumerate(TITLES)])
def test_the_code_is_a_dag(code: str, stack: Stack) -> None:
    _, spec = run(code, stack)
    assert spec.tasks


def test_each_kind_of_task_is_shown() -> None:
    code = "\n".join(CODE)
    for name in (
        "TaskGroup(",
        "EdgeLabel(",
        "ShortCircuit(",
        "Branch(",
        "ParamItems(",
        "Approval(",
        "AirflowOperator(",
    ):
        assert name in code


def test_the_ids_of_groups_are_those_of_the_page(stack: Stack) -> None:
    (code,) = [each for each in CODE if "TaskGroup(" in each]
    _, spec = run(code, stack)
    grouped = [task for task in spec.tasks if "." in task.task_id]
    assert [task.task_id for task in grouped] == ["load.check", "load.copy"]
    assert getattr(grouped[1], "container_command", None) == ("copy",)
    for task in grouped:
        assert f"`{task.task_id}`" in PAGE


def test_the_templates_of_outputs_and_params_are_those_of_the_page(stack: Stack) -> None:
    (code,) = [each for each in CODE if 'extract.output["path"]' in each]
    names, spec = run(code, stack)
    load = next(task for task in spec.tasks if task.task_id == "load")
    assert isinstance(load, EcsTaskSpec)
    assert f"`{load.args[1]}`" in PAGE
    assert f"`{names['param']('country')}`" in PAGE
    assert f"`{OUTPUT_MARK}`" in PAGE
    assert f"{LARGEST_OUTPUT // 1024} KiB" in PAGE


def test_the_page_names_every_public_name() -> None:
    left_out = {"DagDefinitionError", "Flow", "Item", "Output", "ParamRef", "Problem"}
    unnamed = {name for name in set(airflow_ecs_dag.__all__) - left_out if not re.search(rf"\b{name}\b", PAGE)}
    assert unnamed == set()

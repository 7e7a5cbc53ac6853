"""pytest's fixture ``ecs_dags``: an app's DAGs as Airflow has them, from whatever form the app is in, and a run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from airflow.sdk import DAG
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template
from typer.testing import CliRunner

from airflow_ecs_dag import AirflowEcsDag, EcsTask, Schedule
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_cli.testing import DagLoader
from airflow_ecs_dag_cli.undeployed_dags import undeployed_dags
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, Policy, encode
from end_to_end.stacks import stack, task_definition

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_cli.testing import EcsDags

FORBIDDEN = {"airflow", "airflow_ecs_dag_loader", "aws_cdk", "boto3", "docker", "jsii", "typer"}


def two_tasks(scope: App, name: str, *, dag_id: str | None = None) -> Stack:
    stack = Stack(scope, name)
    vpc = ec2.Vpc(stack, "Vpc", nat_gateways=0, max_azs=1)
    definition = ecs.FargateTaskDefinition(stack, "Definition")
    definition.add_container("main", image=ecs.ContainerImage.from_registry("jobs:1"))
    AirflowEcsDag(
        stack,
        "Dag",
        dag_id=dag_id or name.lower(),
        task_definition=definition,
        cluster=ecs.Cluster(stack, "Cluster", vpc=vpc),
        schedule=Schedule.manual(),
        tasks=EcsTask("extract") >> EcsTask("load", args=["{{ ds }}"]),
    )
    return stack


def check(dags: EcsDags, *dag_ids: str) -> None:
    assert sorted(dags) == sorted(dag_ids)
    for dag_id in dag_ids:
        assert isinstance(dags[dag_id], DAG)
        assert dags[dag_id].get_task("load").upstream_task_ids == {"extract"}


def test_pytest_starts_without_airflow_and_without_the_cdk() -> None:
    question = "import sys, airflow_ecs_dag_cli.pytest_plugin; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True).stdout
    assert "pytest" in loaded.split()
    assert FORBIDDEN & set(loaded.split()) == set()


def test_a_stack_has_its_own_dags_and_an_app_all(ecs_dags: DagLoader) -> None:
    scope = App()
    first, _second = two_tasks(scope, "First"), two_tasks(scope, "Second")
    check(ecs_dags(first), "first")
    check(ecs_dags(scope), "first", "second")
    assert ecs_dags(first).dag.get_task("load").cluster.startswith("Cluster")  # type: ignore[union-attr]


def test_a_template(ecs_dags: DagLoader) -> None:
    check(ecs_dags(Template.from_stack(two_tasks(App(), "Reports"))), "reports")


def test_a_synthesized_app(ecs_dags: DagLoader, tmp_path: Path) -> None:
    scope = App(outdir=str(tmp_path / "cdk.out"))
    two_tasks(scope, "Reports")
    scope.synth()
    check(ecs_dags(tmp_path / "cdk.out"), "reports")


def test_a_folder_and_a_file(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["init", "daily-sales", "--folder", str(tmp_path)]).exit_code == 0
    with DagLoader(tmp_path) as loader:
        check(loader(), "daily-sales")
        (tmp_path / "cdk.json").unlink()
        check(loader("app.py"), "daily-sales")


def test_what_airflow_would_refuse(ecs_dags: DagLoader, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("max_tasks: 1\n")
    with pytest.raises(LocalRunError, match=r"Airflow would refuse these DAGs:\n  - Reports: .*tasks"):
        ecs_dags(two_tasks(App(), "Reports"), policy=policy)
    policy.write_text("max_taskz: 1\n")
    with pytest.raises(LocalRunError, match="max_taskz"):
        ecs_dags(two_tasks(App(), "Reports"), policy=policy)


def test_two_dags_with_one_id() -> None:
    labels = encode(DagSpec(dag_id="same", tasks=[EcsTaskSpec(task_id="one")]))
    stacks = [stack(name, Jobs=task_definition(name.lower(), labels, "jobs:1")) for name in ("First", "Second")]
    with pytest.raises(LocalRunError, match="Second: a second DAG has the id 'same'"):
        undeployed_dags(stacks, Policy())


def test_what_is_no_app(ecs_dags: DagLoader, tmp_path: Path) -> None:
    with pytest.raises(LocalRunError, match=r"there is no .*nowhere.py; allowed are"):
        ecs_dags("nowhere.py")
    with pytest.raises(LocalRunError, match="got int; allowed are"):
        ecs_dags(5)
    with pytest.raises(LocalRunError, match=r"cdk\.json"):
        ecs_dags(tmp_path)


def test_a_dag_that_is_not_there(ecs_dags: DagLoader) -> None:
    scope = App()
    first, _second = two_tasks(scope, "First"), two_tasks(scope, "Second")
    with pytest.raises(KeyError, match="declares no DAG 'third'; it declares: first"):
        ecs_dags(first)["third"]
    with pytest.raises(LocalRunError, match="say which DAG"):
        _ = ecs_dags(scope).dag
    with pytest.raises(LocalRunError, match="no DAG 'third'"):
        ecs_dags(first).run("third")
    with pytest.raises(LocalRunError, match="a date is a day"):
        ecs_dags(first).run(date="yesterday")


@pytest.mark.airflow
@pytest.mark.emulator
def test_a_run_and_what_came_of_it(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["init", "daily-sales", "--folder", str(tmp_path)]).exit_code == 0
    with DagLoader(tmp_path, engine="process") as loader:
        dags = loader()
        run = dags.run(date="2026-01-31")
        assert (run.dag_id, run.state) == ("daily-sales", "success")
        assert run.output == {"extract": {"rows": 3}}
        assert run.tasks["extract"].lines[0] == "Read 3 rows of 2026-01-31"
        assert (run.tasks["load"].state, run.tasks["load"].tries) == ("success", 1)
        assert run.tasks["load"].lines == ("Wrote 3 rows",)
        assert any("ECS task" in line for line in run.tasks["load"].log)
    assert not (tmp_path / ".airflow-ecs-dag" / "aws").exists()
    shutil.rmtree(tmp_path / ".airflow-ecs-dag")

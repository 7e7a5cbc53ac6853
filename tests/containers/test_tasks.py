"""What becomes of tasks whose containers are real: verdicts, outputs and lines, waited for as in the triggerer.

Each DAG runs under Airflow's own ``dag.test()``, ECS and CloudWatch Logs are a local AWS with a container engine.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from loader.dag_runs import DagRunResult, run_dag

if TYPE_CHECKING:
    from airflow_ecs_dag_cli.local_aws import LocalAws

pytestmark = pytest.mark.container

CLUSTER = "outputs"
PATIENCE = 120.0
NEEDED = {"output_needed": True}


@pytest.fixture
def arguments(local_aws: LocalAws, verb_image: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an operator needs to run ``verb_image``; the process's own AWS is the local one."""
    return arguments_for(local_aws, verb_image, monkeypatch)


def arguments_for(
    local_aws: LocalAws, verb_image: str, monkeypatch: pytest.MonkeyPatch, *others: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """Return them for a task definition whose main container has ``more``, beside other containers."""
    for name, value in (isolated_environment({}) | local_aws.environment).items():
        monkeypatch.setenv(name, value)
    name = f"outputs-{uuid.uuid4().hex[:12]}"
    local_aws.client("logs").create_log_group(logGroupName=name)
    local_aws.client("ecs").create_cluster(clusterName=CLUSTER)
    options = {"awslogs-group": name, "awslogs-region": local_aws.region, "awslogs-stream-prefix": "airflow"}
    logs: Any = {"logDriver": "awslogs", "options": options}
    main: Any = {"name": "main", "image": verb_image, "logConfiguration": logs, **more}
    sidecars: list[Any] = [{"image": verb_image, "logConfiguration": logs, **other} for other in others]
    answer = local_aws.client("ecs").register_task_definition(family=name, containerDefinitions=[main, *sidecars])
    return {
        "task_definition": answer["taskDefinition"]["taskDefinitionArn"],
        "cluster": CLUSTER,
        "container_name": "main",
        "aws_conn_id": None,
        "region_name": local_aws.region,
        "awslogs_group": name,
        "awslogs_stream_prefix": "airflow",
    }


def run(arguments: dict[str, Any], *command: str) -> DagRunResult:
    with DAG("outputs", schedule=None) as dag:
        EcsTaskOperator(task_id="build", command=list(command), **arguments)
    return run_dag(dag)


def container_lines(result: DagRunResult) -> list[str]:
    """Return the container's lines in the task's log."""
    begin = next(number for number, line in enumerate(result.lines) if line.startswith("arguments"))
    return [line for line in result.lines[begin:] if not line.startswith(("ECS task", "Image", "Pausing", "Lines in"))]


def test_the_output_of_a_container(arguments: dict[str, Any]) -> None:
    value = {"rows": 3, "day": "2026-01-31", "names": ["é", None]}
    assert run(arguments | NEEDED, "output", json.dumps(value), "0").outputs == {"build": value}


@pytest.mark.parametrize("lines", [400, 800])
def test_an_output_after_a_burst_of_lines_that_the_engine_cuts(arguments: dict[str, Any], lines: int) -> None:
    value = ["x" * 100] * 30
    assert run(arguments | NEEDED, "output", json.dumps(value), str(lines)).outputs == {"build": value}


def test_an_exit_code_that_skips(arguments: dict[str, Any]) -> None:
    result = run(arguments | {"skip_on_exit_code": [99]}, "exit", "99")
    assert result.states == {"build": "skipped"}


@pytest.mark.parametrize(("code", "state"), [(0, "success"), (3, "failed")])
def test_an_exit_code_is_the_verdict(arguments: dict[str, Any], code: int, state: str) -> None:
    result = run(arguments, "sleep", "3", str(code))
    assert result.states == {"build": state}
    if code:
        result.assert_failed_with("exited with code 3")


def test_a_container_that_is_killed(arguments: dict[str, Any]) -> None:
    """The local AWS sets no limit on memory, so the container ends with the exit code that the kernel's kill has."""
    run(arguments, "exit", "137").assert_failed_with("mostly for want of memory")


@pytest.mark.parametrize(("essential", "state"), [(False, "success"), (True, "failed")])
def test_a_sidecar_that_fails(
    local_aws: LocalAws,
    verb_image: str,
    monkeypatch: pytest.MonkeyPatch,
    essential: bool,  # noqa: FBT001 - a case of the test
    state: str,
) -> None:
    sidecar = {"name": "side", "command": ["exit", "1"], "essential": essential}
    arguments = arguments_for(local_aws, verb_image, monkeypatch, sidecar)
    if essential:
        arguments["essential_sidecars"] = ["side"]
    assert run(arguments, "sleep", "8", "0").states == {"build": state}


def test_a_container_that_somebody_stops(local_aws: LocalAws, arguments: dict[str, Any]) -> None:
    def stop() -> None:
        ecs = local_aws.client("ecs")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for arn in ecs.list_tasks(cluster=CLUSTER, family=arguments["awslogs_group"])["taskArns"]:
                if ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING":
                    time.sleep(2)
                    ecs.stop_task(cluster=CLUSTER, task=arn, reason="the test asks")
                    return
            time.sleep(0.2)

    stopping = threading.Thread(target=stop)
    stopping.start()
    result = run(arguments, "wait")
    stopping.join()
    result.assert_failed_with("the test asks")


def test_lines_that_are_no_text(arguments: dict[str, Any]) -> None:
    text = "\n".join(container_lines(run(arguments, "binary")))
    assert "last line" in text
    assert "red" in text
    assert "\0" not in text
    assert "\x1b[2J" not in text


def test_a_hundred_thousand_lines(arguments: dict[str, Any]) -> None:
    lines = [line for line in container_lines(run(arguments, "lines", "100000")) if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(100_000)]

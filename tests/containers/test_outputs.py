"""What a real container puts out, and an exit code that skips, as the operator takes them from a local AWS."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_loader.ecs_task_operator import EcsTaskOperator
from loader.task_runs import run_task

if TYPE_CHECKING:
    from airflow_ecs_dag_cli.local_aws import LocalAws

pytestmark = pytest.mark.container

CLUSTER = "outputs"


@pytest.fixture
def arguments(local_aws: LocalAws, verb_image: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an operator needs to run ``verb_image``; the process's own AWS is the local one."""
    for name, value in (isolated_environment({}) | local_aws.environment).items():
        monkeypatch.setenv(name, value)
    name = f"outputs-{uuid.uuid4().hex[:12]}"
    local_aws.client("logs").create_log_group(logGroupName=name)
    local_aws.client("ecs").create_cluster(clusterName=CLUSTER)
    options = {"awslogs-group": name, "awslogs-region": local_aws.region, "awslogs-stream-prefix": "airflow"}
    logs: Any = {"logDriver": "awslogs", "options": options}
    answer = local_aws.client("ecs").register_task_definition(
        family=name, containerDefinitions=[{"name": "main", "image": verb_image, "logConfiguration": logs}]
    )
    return {
        "task_definition": answer["taskDefinition"]["taskDefinitionArn"],
        "cluster": CLUSTER,
        "container_name": "main",
        "aws_conn_id": None,
        "region_name": local_aws.region,
        "awslogs_group": name,
        "awslogs_stream_prefix": "airflow",
        "output_needed": True,
    }


def run(arguments: dict[str, Any], *command: str) -> Any:
    with DAG("outputs", schedule=None):
        task = EcsTaskOperator(task_id="build", command=list(command), **arguments)
    return run_task(task)


def test_the_output_of_a_container(arguments: dict[str, Any]) -> None:
    value = {"rows": 3, "day": "2026-01-31", "names": ["é", None]}
    assert run(arguments, "output", json.dumps(value), "0") == value


@pytest.mark.parametrize("lines", [400, 800])
def test_an_output_after_a_burst_of_lines_that_the_engine_cuts(arguments: dict[str, Any], lines: int) -> None:
    value = ["x" * 100] * 30
    assert run(arguments, "output", json.dumps(value), str(lines)) == value


def test_an_exit_code_that_skips(arguments: dict[str, Any]) -> None:
    with pytest.raises(AirflowSkipException, match="exited with code 99"):
        run(arguments | {"skip_on_exit_code": [99]}, "exit", "99")

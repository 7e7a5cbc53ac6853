"""The operator as a DAG has it, and the ECS tasks that it started."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG

from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from loader.ecs_account import REGION
from loader.task_log import TaskLog

if TYPE_CHECKING:
    from airflow.sdk.types import Logger
    from mypy_boto3_ecs.type_defs import TaskTypeDef

    from loader.ecs_account import EcsAccount

LOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/ecs/work", "awslogs-stream-prefix": "airflow", "awslogs-create-group": "true"},
}


class Operator(EcsTaskOperator):
    """The operator with its log where a test can read it."""

    @cached_property
    def task_log(self) -> TaskLog:
        return TaskLog()

    @property
    def log(self) -> Logger:
        return self.task_log.logger

    @property
    def said(self) -> list[str]:
        return self.task_log.lines


def arguments_for(definition: str, **arguments: Any) -> dict[str, Any]:
    """Return the arguments of an operator that runs ``definition``, with those given here."""
    return {
        "task_definition": definition,
        "cluster": "work",
        "container_name": "main",
        "deferrable": False,
        "aws_conn_id": None,
        "region_name": REGION,
        "awslogs_group": "/ecs/work",
        "awslogs_stream_prefix": "airflow",
        **arguments,
    }


def operator(definition: str, *command: str, **arguments: Any) -> Operator:
    with DAG("reports", schedule=None, default_args={"owner": "a team@example.com"}):
        return Operator(task_id="build", command=list(command), **arguments_for(definition, **arguments))


def ecs_tasks(account: EcsAccount) -> list[TaskTypeDef]:
    ecs = account.ecs()
    arns = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster="work", desiredStatus=status)["taskArns"]
    ]
    return ecs.describe_tasks(cluster="work", tasks=arns)["tasks"] if arns else []

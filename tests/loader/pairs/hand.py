"""What a person who writes the pairs' DAGs by hand would have in one place."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from airflow_ecs_dag_loader.dag_source import DagSource
from airflow_ecs_dag_loader.definition import AwsLogs, Container

START = datetime(2026, 1, 31, 3, tzinfo=UTC)
SOURCE = DagSource(
    task_definition="arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:7",
    account="123456789012",
    region="eu-west-1",
    family="reports",
    revision=7,
    container=Container("main", AwsLogs(group="/ecs/work", stream_prefix="airflow", region="eu-central-1")),
    cluster="work",
    aws_conn_id="aws_work",
)
CONSOLE = "https://eu-west-1.console.aws.amazon.com"
TASK_DEFINITION_LINK = f"[ECS task definition]({CONSOLE}/ecs/v2/task-definitions/reports/7/containers?region=eu-west-1)"
FOUND = (
    "Declared by ECS task definition `reports`, revision 7, in account 123456789012, region eu-west-1.\n\n"
    "Its tasks run as ECS tasks in cluster `work`, container `main`."
)
DAG_ARGUMENTS: dict[str, Any] = {
    "doc_md": f"{TASK_DEFINITION_LINK}\n\n{FOUND}",
    "catchup": False,
    "disable_bundle_versioning": True,
    "default_args": {"owner": "airflow", "retries": 0},
}
"""What the loader gives to each DAG that says nothing else."""
PLACE: dict[str, Any] = {
    "cluster": "work",
    "aws_conn_id": "aws_work",
    "region_name": "eu-west-1",
}
ECS: dict[str, Any] = {
    **PLACE,
    "task_definition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:7",
    "container_name": "main",
    "awslogs_group": "/ecs/work",
    "awslogs_region": "eu-central-1",
    "awslogs_stream_prefix": "airflow",
}
"""What each ECS task of such a DAG is run with."""
WAITING: dict[str, Any] = (
    {"deferrable": True} if find_spec("aiobotocore") else {"deferrable": False, "mode": "reschedule"}
)
"""How a sensor for AWS waits without holding up a worker."""

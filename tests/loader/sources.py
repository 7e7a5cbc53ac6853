"""Definitions as the registry gives them, for the parts of the loader that never see AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.definition import AwsLogs, Container, Definition
from airflow_ecs_dag_loader.source import RegistrySource
from loader.ecs_account import dag_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = RegistrySource(region_name="eu-west-1", cluster="shared")
LOGS = AwsLogs(group="/ecs/work", stream_prefix="airflow", region="eu-west-1")


def found(family: str = "reports", labels: Mapping[str, str] | None = None, *, revision: int = 1) -> Definition:
    """Return the definition of a family with one container, ``main``, whose lines go to CloudWatch Logs."""
    return Definition(
        arn=f"arn:aws:ecs:eu-west-1:123456789012:task-definition/{family}:{revision}",
        labels=dag_labels(family) if labels is None else labels,
        labelled_container="main",
        containers=(Container("main", LOGS),),
    )

"""From a DAG of the contract to Airflow's own: built as the loader builds it, and serialized as Airflow stores it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.serialization.serialized_objects import DagSerialization

from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_loader.definition import Container

if TYPE_CHECKING:
    from airflow_ecs_dag_schema import DagSpec

_ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:1"


def build(spec: DagSpec) -> None:
    """Build and serialize ``spec``; each DAG that was admitted must come through."""
    source = DagSource(
        task_definition=_ARN,
        account="123456789012",
        region="eu-west-1",
        family="reports",
        revision=1,
        container=Container(spec.ecs.container_name or "main"),
        cluster=spec.ecs.cluster or "default",
    )
    DagSerialization.to_dict(build_dag(spec, source))

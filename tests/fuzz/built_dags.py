"""From a DAG of the contract to Airflow's own: built as the loader builds it, and serialized as Airflow stores it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.serialization.serialized_objects import DagSerialization

from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_loader.definition import Container
from airflow_ecs_dag_schema.operators import BUILT_IN
from airflow_ecs_dag_schema.platform_parts import EmailProfile, OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec

if TYPE_CHECKING:
    from airflow_ecs_dag_schema import DagSpec

_ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:1"


def build(spec: DagSpec) -> None:
    """Build and serialize ``spec``; each DAG that a generous platform admits must come through."""
    operators = {task.operator for task in spec.tasks if isinstance(task, OperatorSpec)}
    if not operators <= BUILT_IN.keys():
        return
    profiles = {
        alert.profile: EmailProfile(to=("team@example.com",)) for alert in spec.alerts if alert.kind == "profile"
    }
    source = DagSource(
        task_definition=_ARN,
        account="123456789012",
        region="eu-west-1",
        family="reports",
        revision=1,
        container=Container(spec.ecs.container_name or "main"),
        cluster=spec.ecs.cluster or "default",
        alert_profiles=profiles,
        operators={name: OperatorRule() for name in operators},
    )
    DagSerialization.to_dict(build_dag(spec, source))

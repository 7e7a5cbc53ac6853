"""Another DAG's tasks are through."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs import hand
from loader.pairs.hand import DAG_ARGUMENTS

SOURCE = replace(hand.SOURCE, operators={"external_task_sensor": OperatorRule()})
SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it",
            operator="external_task_sensor",
            arguments={
                "external_dag_id": "sales",
                "external_task_ids": ("load", "check"),
                "execution_delta": "P1D",
                "allowed_states": ("success", "skipped"),
                "failed_states": ("failed",),
                "poke_interval": "PT2M",
                "timeout": "PT1H",
                "soft_fail": "true",
            },
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        ExternalTaskSensor(
            task_id="it",
            external_dag_id="sales",
            external_task_ids=["load", "check"],
            execution_delta=timedelta(days=1),
            allowed_states=["success", "skipped"],
            failed_states=["failed"],
            poke_interval=timedelta(minutes=2),
            timeout=timedelta(hours=1),
            soft_fail=True,
            deferrable=True,
        )
    return dag

"""Another DAG runs."""

from __future__ import annotations

from dataclasses import replace

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs import hand
from loader.pairs.hand import DAG_ARGUMENTS

SOURCE = replace(hand.SOURCE, operators={"trigger_dag_run": OperatorRule()})
SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it",
            operator="trigger_dag_run",
            arguments={
                "trigger_dag_id": "sales",
                "conf": '{"day": "{{ ds }}"}',
                "wait_for_completion": "true",
                "reset_dag_run": "true",
            },
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        TriggerDagRunOperator(
            task_id="it",
            trigger_dag_id="sales",
            conf={"day": "{{ ds }}"},
            wait_for_completion=True,
            reset_dag_run=True,
            deferrable=True,
        )
    return dag

"""A person says yes or no."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs.hand import DAG_ARGUMENTS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it",
            operator="approval",
            arguments={
                "subject": "Send {{ ds }}?",
                "body": "**All** of it",
                "response_timeout": "PT2H",
                "fail_on_reject": "true",
            },
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        ApprovalOperator(
            task_id="it",
            subject="Send {{ ds }}?",
            body="**All** of it",
            response_timeout=timedelta(hours=2),
            fail_on_reject=True,
        )
    return dag

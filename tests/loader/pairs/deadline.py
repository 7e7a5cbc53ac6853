"""A run should be through by then."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_loader.deadlines import tell_missed_deadline
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, EmailAlert
from airflow_ecs_dag_schema.dag import Deadline
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    deadline=Deadline(interval=timedelta(hours=2), reference="dagrun_logical_date"),
    alerts=[EmailAlert(to=["team@example.com"], on=["missed_deadline"])],
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    profile = {"kind": "email", "to": ["team@example.com"], "smtp_conn_id": "smtp_default"}
    alert = DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=timedelta(hours=2),
        callback=AsyncCallback(tell_missed_deadline, kwargs={"profile": profile}),
    )
    with DAG("reports", schedule=None, deadline=[alert], **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

"""Every six hours."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, DeltaTriggerTimetable

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.schedule import DeltaTrigger
from loader.pairs.hand import DAG_ARGUMENTS, ECS, START

SPEC = DagSpec(
    dag_id="reports",
    schedule=DeltaTrigger(every=timedelta(hours=6)),
    start_date=START,
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=DeltaTriggerTimetable(timedelta(hours=6)), start_date=START, **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

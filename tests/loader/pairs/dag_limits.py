"""How often, how long and how much at once."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, DeltaTriggerTimetable

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.schedule import DeltaTrigger
from loader.pairs.hand import DAG_ARGUMENTS, ECS, START

SPEC = DagSpec(
    dag_id="reports",
    schedule=DeltaTrigger(every=timedelta(days=1)),
    start_date=START,
    end_date=START + timedelta(days=365),
    catchup=True,
    is_paused_upon_creation=True,
    max_active_runs=2,
    max_active_tasks=12,
    max_consecutive_failed_dag_runs=3,
    dagrun_timeout=timedelta(hours=2),
    fail_fast=True,
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    with DAG(
        "reports",
        schedule=DeltaTriggerTimetable(timedelta(days=1)),
        start_date=START,
        end_date=START + timedelta(days=365),
        is_paused_upon_creation=True,
        max_active_runs=2,
        max_active_tasks=12,
        max_consecutive_failed_dag_runs=3,
        dagrun_timeout=timedelta(hours=2),
        fail_fast=True,
        **DAG_ARGUMENTS | {"catchup": True},
    ) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

"""A cron expression; a run is for its own moment."""

from __future__ import annotations

from airflow.sdk import DAG, CronTriggerTimetable

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.schedule import CronTrigger
from loader.pairs.hand import DAG_ARGUMENTS, ECS, START

SPEC = DagSpec(
    dag_id="reports",
    schedule=CronTrigger(cron="0 3 * * 1", timezone="Europe/Amsterdam"),
    start_date=START,
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    with DAG(
        "reports",
        schedule=CronTriggerTimetable("0 3 * * 1", timezone="Europe/Amsterdam"),
        start_date=START,
        **DAG_ARGUMENTS,
    ) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

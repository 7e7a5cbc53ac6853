"""A cron expression; a run is for the period that ended."""

from __future__ import annotations

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.schedule import CronDataInterval
from loader.pairs.hand import DAG_ARGUMENTS, ECS, START

SPEC = DagSpec(
    dag_id="reports",
    schedule=CronDataInterval(cron="@daily", timezone="Europe/Amsterdam"),
    start_date=START,
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    with DAG(
        "reports",
        schedule=CronDataIntervalTimetable("@daily", timezone="Europe/Amsterdam"),
        start_date=START,
        **DAG_ARGUMENTS,
    ) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

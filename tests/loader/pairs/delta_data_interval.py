"""Every six hours; a run is for the six hours that ended."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, DeltaDataIntervalTimetable

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.schedule import DeltaDataInterval
from loader.pairs.hand import DAG_ARGUMENTS, ECS, START

SPEC = DagSpec(
    dag_id="reports",
    schedule=DeltaDataInterval(every=timedelta(hours=6)),
    start_date=START,
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    with DAG(
        "reports", schedule=DeltaDataIntervalTimetable(timedelta(hours=6)), start_date=START, **DAG_ARGUMENTS
    ) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

"""At the moments of a list."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG
from airflow.timetables.events import EventsTimetable
from pendulum import instance

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.schedule import Events
from loader.pairs.hand import DAG_ARGUMENTS, ECS, START

SPEC = DagSpec(
    dag_id="reports",
    schedule=Events(moments=[START, START + timedelta(days=40)]),
    start_date=START,
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    with DAG(
        "reports",
        schedule=EventsTimetable([instance(START), instance(START + timedelta(days=40))]),
        start_date=START,
        **DAG_ARGUMENTS,
    ) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

"""New data, and each night."""

from __future__ import annotations

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable
from airflow.sdk import Asset as AirflowAsset

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.schedule import Schedule, any_of
from loader.pairs.hand import DAG_ARGUMENTS, ECS, START

URIS = ["s3://sales/daily", "s3://rates/euro"]
SPEC = DagSpec(
    dag_id="reports",
    schedule=Schedule.assets_or_cron(
        any_of(*(Asset(uri=uri) for uri in URIS)), "0 3 * * *", timezone="Europe/Amsterdam"
    ),
    start_date=START,
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    schedule = AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 3 * * *", timezone="Europe/Amsterdam"),
        assets=AirflowAsset(uri=URIS[0]) | AirflowAsset(uri=URIS[1]),
    )
    with DAG("reports", schedule=schedule, start_date=START, **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

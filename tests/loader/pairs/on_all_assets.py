"""New data of a list of assets."""

from __future__ import annotations

from airflow.sdk import DAG
from airflow.sdk import Asset as AirflowAsset

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.schedule import Schedule
from loader.pairs.hand import DAG_ARGUMENTS, ECS

URIS = ["s3://sales/daily", "s3://rates/euro"]
SPEC = DagSpec(
    dag_id="reports",
    schedule=Schedule.assets([Asset(uri=uri) for uri in URIS]),
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=[AirflowAsset(uri=uri) for uri in URIS], **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

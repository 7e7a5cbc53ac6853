"""Data that a task makes."""

from __future__ import annotations

from airflow.sdk import DAG
from airflow.sdk import Asset as AirflowAsset

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.assets import Asset
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        EcsTaskSpec(
            task_id="build",
            outlets=[Asset(uri="s3://sales/daily"), Asset(uri="s3://rates/euro", name="rates", group="money")],
        )
    ],
)


def by_hand() -> DAG:
    outlets = [AirflowAsset(uri="s3://sales/daily"), AirflowAsset("rates", "s3://rates/euro", group="money")]
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build"], outlets=outlets, **ECS)
    return dag

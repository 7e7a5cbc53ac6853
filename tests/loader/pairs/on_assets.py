"""New data of one asset, and of one of two others."""

from __future__ import annotations

from airflow.sdk import DAG
from airflow.sdk import Asset as AirflowAsset

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.schedule import Schedule, any_of
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SALES, RATES = Asset(uri="s3://sales/daily"), Asset(uri="s3://rates/euro", name="rates", group="money")
OTHER_RATES = Asset(uri="file://host/rates?a=1&b=2")
SPEC = DagSpec(
    dag_id="reports",
    schedule=Schedule.assets([SALES, any_of(RATES, OTHER_RATES)]),
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    rates = AirflowAsset("rates", "s3://rates/euro", group="money")
    schedule = AirflowAsset(uri="s3://sales/daily") & (rates | AirflowAsset(uri="file://host/rates?a=1&b=2"))
    with DAG("reports", schedule=schedule, **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

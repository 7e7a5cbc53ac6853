"""Inputs and outputs that go through S3."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_loader.branching import OutputShortCircuit
from airflow_ecs_dag_loader.runner.exchange_access import ExchangeAccess
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.tasks import ShortCircuitSpec
from loader.pairs.hand import DAG_ARGUMENTS, ECS

EXCHANGE = "s3://sales/airflow-exchange"
SPEC = DagSpec(
    dag_id="reports",
    exchange=EXCHANGE,
    tasks=[
        EcsTaskSpec(task_id="extract", inputs={"day": "{{ ds }}", "mode": "full"}),
        ShortCircuitSpec(task_id="any", upstream=["extract"], output=OutputRef(task_id="extract", key="rows")),
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        extract = EcsTaskOperator(
            task_id="extract",
            command=["extract"],
            inputs={"day": "{{ ds }}", "mode": "full"},
            exchange=EXCHANGE,
            output_needed=True,
            **ECS,
        )
        access = ExchangeAccess(EXCHANGE, "123456789012", region_name="eu-west-1", aws_conn_id="aws_work")
        extract >> OutputShortCircuit(task_id="any", output_task_id="extract", output_key="rows", exchange=access)
    return dag

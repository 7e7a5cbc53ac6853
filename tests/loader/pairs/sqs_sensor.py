"""A message comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from airflow.providers.amazon.aws.sensors.sqs import SqsSensor
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs import hand
from loader.pairs.hand import DAG_ARGUMENTS, WAITING

SOURCE = replace(hand.SOURCE, operators={"sqs_sensor": OperatorRule()})
SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it",
            operator="sqs_sensor",
            arguments={
                "sqs_queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/news",
                "max_messages": "3",
                "poke_interval": "PT2M",
                "timeout": "PT1H",
                "soft_fail": "true",
            },
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        SqsSensor(
            task_id="it",
            sqs_queue="https://sqs.eu-west-1.amazonaws.com/123456789012/news",
            max_messages=3,
            poke_interval=timedelta(minutes=2),
            timeout=timedelta(hours=1),
            soft_fail=True,
            aws_conn_id="aws_work",
            region_name="eu-west-1",
            **WAITING,
        )
    return dag

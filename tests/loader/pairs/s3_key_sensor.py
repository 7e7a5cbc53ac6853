"""Files are there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs import hand
from loader.pairs.hand import DAG_ARGUMENTS, WAITING

SOURCE = replace(
    hand.SOURCE,
    operators={"s3_key_sensor": OperatorRule(fixed={"aws_conn_id": "aws_sensors", "region_name": "eu-central-1"})},
)
SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it",
            operator="s3_key_sensor",
            arguments={
                "bucket_name": "sales",
                "bucket_key": ("{{ ds }}/a.csv", "{{ ds }}/b*.csv"),
                "wildcard_match": "true",
                "poke_interval": "PT2M",
                "timeout": "PT1H",
                "soft_fail": "true",
            },
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        S3KeySensor(
            task_id="it",
            bucket_name="sales",
            bucket_key=["{{ ds }}/a.csv", "{{ ds }}/b*.csv"],
            wildcard_match=True,
            poke_interval=timedelta(minutes=2),
            timeout=timedelta(hours=1),
            soft_fail=True,
            aws_conn_id="aws_sensors",
            region_name="eu-central-1",
            **WAITING,
        )
    return dag

"""A run of a Glue job is through."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from airflow.providers.amazon.aws.sensors.glue import GlueJobSensor
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs import hand
from loader.pairs.hand import DAG_ARGUMENTS, WAITING

SOURCE = replace(hand.SOURCE, operators={"glue_job_sensor": OperatorRule()})
SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it",
            operator="glue_job_sensor",
            arguments={
                "job_name": "sales",
                "run_id": "jr_{{ ds_nodash }}",
                "poke_interval": "PT2M",
                "timeout": "PT1H",
                "soft_fail": "true",
            },
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        GlueJobSensor(
            task_id="it",
            job_name="sales",
            run_id="jr_{{ ds_nodash }}",
            poke_interval=120,
            max_retries=30,
            timeout=timedelta(hours=1),
            soft_fail=True,
            aws_conn_id="aws_work",
            region_name="eu-west-1",
            **WAITING,
        )
    return dag

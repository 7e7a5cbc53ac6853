"""A model is trained."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from airflow.providers.amazon.aws.sensors.sagemaker import SageMakerTrainingSensor
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs import hand
from loader.pairs.hand import DAG_ARGUMENTS

SOURCE = replace(hand.SOURCE, operators={"sagemaker_training_sensor": OperatorRule()})
SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it",
            operator="sagemaker_training_sensor",
            arguments={"job_name": "model-{{ ds }}", "poke_interval": "PT2M", "timeout": "PT1H", "soft_fail": "true"},
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        SageMakerTrainingSensor(  # type: ignore[no-untyped-call] # Airflow's own
            task_id="it",
            job_name="model-{{ ds }}",
            poke_interval=timedelta(minutes=2),
            timeout=timedelta(hours=1),
            soft_fail=True,
            aws_conn_id="aws_work",
            region_name="eu-west-1",
            mode="reschedule",
            print_log=False,
        )
    return dag

"""A moment comes."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs.hand import DAG_ARGUMENTS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it",
            operator="date_time_sensor",
            arguments={"target_time": "{{ data_interval_end }}", "timeout": "PT1H", "soft_fail": "true"},
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        DateTimeSensorAsync(
            task_id="it", target_time="{{ data_interval_end }}", timeout=timedelta(hours=1), soft_fail=True
        )
    return dag

"""Some time goes by."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs.hand import DAG_ARGUMENTS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it",
            operator="time_delta_sensor",
            arguments={"delta": "PT30M", "timeout": "PT1H", "soft_fail": "false"},
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        TimeDeltaSensor(
            task_id="it", delta=timedelta(minutes=30), timeout=timedelta(hours=1), soft_fail=False, deferrable=True
        )
    return dag

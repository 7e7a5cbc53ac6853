"""Declare an Airflow DAG beside the stack whose ECS task definition it runs.

::

    AirflowEcsDag(
        self, "ConvertIt",
        dag_id="convert-it",
        task_definition=task_definition,
        cluster=cluster,
        schedule=Schedule.manual(),
        tasks=LatestOnly("latest_only") >> EcsTask("convert", args=["{{ ds }}"]),
    )
"""

from airflow_ecs_dag.dag_construct import AirflowEcsDag
from airflow_ecs_dag.flow import Flow
from airflow_ecs_dag.tasks import EcsTask, LatestOnly
from airflow_ecs_dag_schema import CapacityProvider, DagDefinitionError, EmailAlert, Problem, Schedule, TaskDefaults

__all__ = [
    "AirflowEcsDag",
    "CapacityProvider",
    "DagDefinitionError",
    "EcsTask",
    "EmailAlert",
    "Flow",
    "LatestOnly",
    "Problem",
    "Schedule",
    "TaskDefaults",
]

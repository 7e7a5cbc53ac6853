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

from airflow_ecs_dag.assets import bucket_asset
from airflow_ecs_dag.control_tasks import Branch, LatestOnly, ParamItems, ShortCircuit
from airflow_ecs_dag.dag_construct import AirflowEcsDag
from airflow_ecs_dag.ecs_task import EcsTask
from airflow_ecs_dag.flow import EdgeLabel, Flow
from airflow_ecs_dag.operator_tasks import AirflowOperator
from airflow_ecs_dag.sensors import (
    Approval,
    DateTimeSensor,
    Empty,
    ExternalTaskSensor,
    GlueJobSensor,
    S3KeySensor,
    SageMakerTrainingSensor,
    SqsSensor,
    TimeDeltaSensor,
    TriggerDagRun,
)
from airflow_ecs_dag.task_group import TaskGroup
from airflow_ecs_dag.template_values import Item, Output, ParamRef, item, param
from airflow_ecs_dag_schema import CapacityProvider, DagDefinitionError, EmailAlert, Problem, Schedule, TaskDefaults
from airflow_ecs_dag_schema.alerts import ProfileAlert
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.dag import Deadline
from airflow_ecs_dag_schema.params import (
    BooleanParam,
    DateParam,
    DatetimeParam,
    IntegerParam,
    NumberParam,
    StringListParam,
    StringParam,
)
from airflow_ecs_dag_schema.schedule import all_of, any_of

__all__ = [
    "AirflowEcsDag",
    "AirflowOperator",
    "Approval",
    "Asset",
    "BooleanParam",
    "Branch",
    "CapacityProvider",
    "DagDefinitionError",
    "DateParam",
    "DateTimeSensor",
    "DatetimeParam",
    "Deadline",
    "EcsTask",
    "EdgeLabel",
    "EmailAlert",
    "Empty",
    "ExternalTaskSensor",
    "Flow",
    "GlueJobSensor",
    "IntegerParam",
    "Item",
    "LatestOnly",
    "NumberParam",
    "Output",
    "ParamItems",
    "ParamRef",
    "Problem",
    "ProfileAlert",
    "S3KeySensor",
    "SageMakerTrainingSensor",
    "Schedule",
    "ShortCircuit",
    "SqsSensor",
    "StringListParam",
    "StringParam",
    "TaskDefaults",
    "TaskGroup",
    "TimeDeltaSensor",
    "TriggerDagRun",
    "all_of",
    "any_of",
    "bucket_asset",
    "item",
    "param",
]

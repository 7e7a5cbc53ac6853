"""The contract between a project's CDK stack and Airflow: a typed DAG, and its form as Docker labels."""

from airflow_ecs_dag_schema.alerts import EmailAlert
from airflow_ecs_dag_schema.codec import decode, describes_dag, encode
from airflow_ecs_dag_schema.dag import DagSpec
from airflow_ecs_dag_schema.ecs_settings import CapacityProvider, EcsSettings
from airflow_ecs_dag_schema.problems import DagDefinitionError, LabelError, Problem
from airflow_ecs_dag_schema.schedule import Schedule
from airflow_ecs_dag_schema.tasks import EcsTaskSpec, LatestOnlySpec, TaskDefaults

__all__ = [
    "CapacityProvider",
    "DagDefinitionError",
    "DagSpec",
    "EcsSettings",
    "EcsTaskSpec",
    "EmailAlert",
    "LabelError",
    "LatestOnlySpec",
    "Problem",
    "Schedule",
    "TaskDefaults",
    "decode",
    "describes_dag",
    "encode",
]

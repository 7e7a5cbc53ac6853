"""The contract between a project's CDK stack and Airflow: a typed DAG, and its form as Docker labels."""

from airflow_ecs_dag_schema.alerts import EmailAlert
from airflow_ecs_dag_schema.codec import decode, describes_dag, encode
from airflow_ecs_dag_schema.dag import DagSpec
from airflow_ecs_dag_schema.ecs_settings import CapacityProvider, EcsSettings
from airflow_ecs_dag_schema.policy import Policy, PolicyError
from airflow_ecs_dag_schema.policy_rules import check
from airflow_ecs_dag_schema.problems import DagDefinitionError, LabelError, Problem
from airflow_ecs_dag_schema.schedule import Schedule
from airflow_ecs_dag_schema.tasks import EcsTaskSpec, LatestOnlySpec, TaskDefaults
from airflow_ecs_dag_schema.violations import Facts, Violation

__all__ = [
    "CapacityProvider",
    "DagDefinitionError",
    "DagSpec",
    "EcsSettings",
    "EcsTaskSpec",
    "EmailAlert",
    "Facts",
    "LabelError",
    "LatestOnlySpec",
    "Policy",
    "PolicyError",
    "Problem",
    "Schedule",
    "TaskDefaults",
    "Violation",
    "check",
    "decode",
    "describes_dag",
    "encode",
]

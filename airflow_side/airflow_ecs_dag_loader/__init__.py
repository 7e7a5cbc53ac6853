"""The Airflow side: finds DAGs in the ECS registry, checks them, shows them, and runs each task as an ECS task."""

from airflow_ecs_dag_loader.bundle import EcsDagBundle
from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_loader.dag_loading import load_dags
from airflow_ecs_dag_loader.ecs_task_operator import EcsTaskOperator

__all__ = ["DagSource", "EcsDagBundle", "EcsTaskOperator", "build_dag", "load_dags"]

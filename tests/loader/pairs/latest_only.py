"""Nothing is made up for."""

from __future__ import annotations

from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, LatestOnlySpec
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[LatestOnlySpec(task_id="latest_only"), EcsTaskSpec(task_id="build", upstream=["latest_only"])],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        LatestOnlyOperator(task_id="latest_only") >> EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

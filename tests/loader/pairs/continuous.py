"""Again as soon as the last run ended."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.schedule import Continuous
from loader.pairs.hand import DAG_ARGUMENTS, ECS, START

SPEC = DagSpec(dag_id="reports", schedule=Continuous(), start_date=START, tasks=[EcsTaskSpec(task_id="build")])


def by_hand() -> DAG:
    with DAG("reports", schedule="@continuous", start_date=START, max_active_runs=1, **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

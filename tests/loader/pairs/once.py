"""One run."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.schedule import Once
from loader.pairs.hand import DAG_ARGUMENTS, ECS, START

SPEC = DagSpec(dag_id="reports", schedule=Once(), start_date=START, tasks=[EcsTaskSpec(task_id="build")])


def by_hand() -> DAG:
    with DAG("reports", schedule="@once", start_date=START, **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
    return dag

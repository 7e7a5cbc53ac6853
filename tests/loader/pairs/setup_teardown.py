"""A cluster that is made for the work, and removed after it."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        EcsTaskSpec(task_id="create", is_setup=True),
        EcsTaskSpec(task_id="build", upstream=["create"]),
        EcsTaskSpec(task_id="remove", upstream=["build", "create"], is_teardown=True, on_failure_fail_dagrun=True),
        EcsTaskSpec(task_id="tidy", upstream=["build"], is_teardown=True),
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        create = EcsTaskOperator(task_id="create", command=["create"], **ECS)
        build = EcsTaskOperator(task_id="build", command=["build"], **ECS)
        remove = EcsTaskOperator(task_id="remove", command=["remove"], **ECS)
        tidy = EcsTaskOperator(task_id="tidy", command=["tidy"], **ECS)
        create >> build >> remove.as_teardown(setups=create, on_failure_fail_dagrun=True)
        build >> tidy.as_teardown()
    return dag

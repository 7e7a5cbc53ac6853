"""A task for each entry that another one puts out."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.tasks import ExpandOutput
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        EcsTaskSpec(task_id="list_countries"),
        EcsTaskSpec(
            task_id="copy",
            upstream=["list_countries"],
            args=["{{ item['code'] }}"],
            expand=ExpandOutput(task_id="list_countries"),
        ),
        EcsTaskSpec(
            task_id="remove", upstream=["copy"], is_teardown=True, expand=ExpandOutput(task_id="list_countries")
        ),
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        countries = EcsTaskOperator(task_id="list_countries", command=["list_countries"], output_needed=True, **ECS)
        copy = EcsTaskOperator.partial(task_id="copy", command=["copy", "{{ item['code'] }}"], **ECS)
        remove = EcsTaskOperator.partial(task_id="remove", command=["remove"], **ECS)
        copy.expand(item=countries.output) >> remove.expand(item=countries.output).as_teardown()
    return dag

"""A task for each of a list, with its name."""

from __future__ import annotations

from airflow.sdk import DAG, TaskGroup

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_loader.runner.ecs_task_operator import MAP_INDEX_TEMPLATE
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.tasks import ExpandItems
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        EcsTaskSpec(
            task_id="load.copy",
            args=["{{ item }}"],
            expand=ExpandItems(items=["nl", "be"]),
            map_index_template="country {{ item }}",
            max_active_tis_per_dagrun=1,
            is_setup=True,
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag, TaskGroup("load"):
        copy = EcsTaskOperator.partial(
            task_id="copy",
            command=["copy", "{{ item }}"],
            map_name="country {{ item }}",
            map_index_template=MAP_INDEX_TEMPLATE,
            max_active_tis_per_dagrun=1,
            **ECS,
        ).expand(item=["nl", "be"])
        copy.as_setup()  # type: ignore[no-untyped-call] # Airflow's own
    return dag

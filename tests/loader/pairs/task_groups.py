"""Groups within groups."""

from __future__ import annotations

from airflow.sdk import DAG, TaskGroup

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.dag import GroupSpec
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    groups=[
        GroupSpec(group_id="load", display_name="Load all", tooltip="From the registers"),
        GroupSpec(group_id="load.tables", tooltip="One task each"),
    ],
    tasks=[
        EcsTaskSpec(task_id="load.begin"),
        EcsTaskSpec(task_id="load.tables.plants", upstream=["load.begin"]),
        EcsTaskSpec(task_id="load.tables.prices", upstream=["load.begin"]),
        EcsTaskSpec(task_id="send.mail", upstream=["load.tables.plants", "load.tables.prices"]),
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        with TaskGroup("load", group_display_name="Load all", tooltip="From the registers"):
            begin = EcsTaskOperator(task_id="begin", command=["begin"], **ECS)
            with TaskGroup("tables", tooltip="One task each"):
                plants = EcsTaskOperator(task_id="plants", command=["plants"], **ECS)
                prices = EcsTaskOperator(task_id="prices", command=["prices"], **ECS)
        with TaskGroup("send"):
            mail = EcsTaskOperator(task_id="mail", command=["mail"], **ECS)
        begin >> [plants, prices] >> mail
    return dag

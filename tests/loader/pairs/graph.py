"""Arrows, with words on some."""

from __future__ import annotations

from airflow.sdk import DAG, Label

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.tasks import EdgeLabel
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        EcsTaskSpec(task_id="a"),
        EcsTaskSpec(task_id="b", upstream=["a"], edge_labels=[EdgeLabel(upstream="a", label="if there is news")]),
        EcsTaskSpec(task_id="c", upstream=["a"]),
        EcsTaskSpec(task_id="d", upstream=["b", "c"]),
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        a, b, c, d = (EcsTaskOperator(task_id=name, command=[name], **ECS) for name in "abcd")
        a >> Label("if there is news") >> b >> d
        a >> c >> d
    return dag

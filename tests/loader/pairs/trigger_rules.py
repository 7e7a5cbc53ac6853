"""A task for each trigger rule."""

from __future__ import annotations

from typing import get_args

from airflow.sdk import DAG, TriggerRule

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, tasks
from loader.pairs.hand import DAG_ARGUMENTS, ECS

RULES = get_args(tasks.TriggerRule)
SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        EcsTaskSpec(task_id="build"),
        *(EcsTaskSpec(task_id=f"{rule}_", upstream=["build"], trigger_rule=rule) for rule in RULES),
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        build = EcsTaskOperator(task_id="build", command=["build"], **ECS)
        for rule in RULES:
            name = f"{rule}_"
            build >> EcsTaskOperator(task_id=name, command=[name], trigger_rule=TriggerRule(rule), **ECS)
    return dag

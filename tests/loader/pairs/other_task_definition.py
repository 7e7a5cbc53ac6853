"""A task with a task definition of its own."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from loader.pairs.hand import DAG_ARGUMENTS, PLACE, SOURCE

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        EcsTaskSpec(task_id="build", task_definition="builder"),
        EcsTaskSpec(task_id="send", task_definition="builder:3", container_name="mailer"),
    ],
)


def by_hand() -> DAG:
    own = {"task_definition": SOURCE.task_definition, **PLACE}
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build"], other_task_definition="builder", **own)
        EcsTaskOperator(
            task_id="send", command=["send"], other_task_definition="builder:3", container_name="mailer", **own
        )
    return dag

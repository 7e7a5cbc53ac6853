"""What a container puts out, in another one's command."""

from __future__ import annotations

from airflow.sdk import DAG, TaskGroup

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from loader.pairs.hand import DAG_ARGUMENTS, ECS

ROWS = "{{ ti.xcom_pull(task_ids='load.extract')['rows'] }}"
SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        EcsTaskSpec(task_id="load.extract"),
        EcsTaskSpec(task_id="build", upstream=["load.extract"], args=[ROWS]),
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        with TaskGroup("load"):
            extract = EcsTaskOperator(task_id="extract", command=["extract"], output_needed=True, **ECS)
        extract >> EcsTaskOperator(task_id="build", command=["build", ROWS], **ECS)
    return dag

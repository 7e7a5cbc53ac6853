"""What holds for each task that says nothing else."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, TaskDefaults
from loader.pairs.hand import DAG_ARGUMENTS, ECS

DEFAULTS = TaskDefaults(
    retries=2,
    retry_delay=timedelta(minutes=1),
    retry_exponential_backoff=2.0,
    max_retry_delay=timedelta(hours=1),
    execution_timeout=timedelta(hours=3),
    depends_on_past=True,
    wait_for_downstream=True,
    pool="reports",
    priority_weight=5,
    weight_rule="absolute",
)
SPEC = DagSpec(dag_id="reports", defaults=DEFAULTS, tasks=[EcsTaskSpec(task_id="build"), EcsTaskSpec(task_id="send")])


def by_hand() -> DAG:
    defaults = {
        "owner": "airflow",
        "retries": 2,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(hours=1),
        "execution_timeout": timedelta(hours=3),
        "depends_on_past": True,
        "wait_for_downstream": True,
        "pool": "reports",
        "priority_weight": 5,
        "weight_rule": "absolute",
    }
    with DAG("reports", schedule=None, **DAG_ARGUMENTS | {"default_args": defaults}) as dag:
        EcsTaskOperator(task_id="build", command=["build"], **ECS)
        EcsTaskOperator(task_id="send", command=["send"], **ECS)
    return dag

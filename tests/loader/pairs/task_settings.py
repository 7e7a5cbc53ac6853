"""What each kind of task may say, against the defaults of its DAG."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, TaskDefaults
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    defaults=TaskDefaults(retries=9),
    tasks=[
        EcsTaskSpec(
            task_id="build",
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
            pool_slots=2,
            max_active_tis_per_dag=3,
            max_active_tis_per_dagrun=1,
        ),
        EcsTaskSpec(task_id="none", retries=0),
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS | {"default_args": {"owner": "airflow", "retries": 9}}) as dag:
        EcsTaskOperator(
            task_id="build",
            command=["build"],
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
            pool_slots=2,
            max_active_tis_per_dag=3,
            max_active_tis_per_dagrun=1,
            **ECS,
        )
        EcsTaskOperator(task_id="none", command=["none"], retries=0, **ECS)
    return dag

"""Where all tasks of a DAG run: a cluster, a capacity provider, a container."""

from __future__ import annotations

from dataclasses import replace

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_loader.definition import Container
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.ecs_settings import CapacityProvider, EcsSettings
from loader.pairs import hand
from loader.pairs.hand import DAG_ARGUMENTS, PLACE

SOURCE = replace(hand.SOURCE, cluster="own", container=Container("worker"))
SPEC = DagSpec(
    dag_id="reports",
    ecs=EcsSettings(
        cluster="own",
        container_name="worker",
        capacity_provider_strategy=[CapacityProvider(name="FARGATE_SPOT")],
    ),
    tasks=[EcsTaskSpec(task_id="build")],
)


def by_hand() -> DAG:
    doc = str(DAG_ARGUMENTS["doc_md"]).replace("`work`, container `main`", "`own`, container `worker`")
    with DAG("reports", schedule=None, **DAG_ARGUMENTS | {"doc_md": doc}) as dag:
        EcsTaskOperator(
            task_id="build",
            command=["build"],
            task_definition=SOURCE.task_definition,
            container_name="worker",
            capacity_provider_strategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}],
            **PLACE | {"cluster": "own"},
        )
    return dag

"""An output decides what goes on."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_loader.branching import OutputBranch, OutputShortCircuit
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.tasks import BranchSpec, ShortCircuitSpec
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        EcsTaskSpec(task_id="look"),
        ShortCircuitSpec(
            task_id="any_news",
            upstream=["look"],
            output=OutputRef(task_id="look", key="rows"),
            ignore_downstream_trigger_rules=False,
        ),
        BranchSpec(task_id="which", upstream=["any_news"], output=OutputRef(task_id="look")),
        EcsTaskSpec(task_id="small", upstream=["which"]),
        EcsTaskSpec(task_id="large", upstream=["which"]),
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        look = EcsTaskOperator(task_id="look", command=["look"], output_needed=True, **ECS)
        any_news = OutputShortCircuit(
            task_id="any_news", output_task_id="look", output_key="rows", ignore_downstream_trigger_rules=False
        )
        which = OutputBranch(task_id="which", output_task_id="look")
        small, large = (EcsTaskOperator(task_id=name, command=[name], **ECS) for name in ("small", "large"))
        look >> any_news >> which >> [small, large]
    return dag

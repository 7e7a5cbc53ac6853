"""A task for each line that a person fills in."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_loader.branching import ParamItems
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.params import StringListParam
from airflow_ecs_dag_schema.tasks import ExpandOutput, ParamItemsSpec
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    params={"countries": StringListParam(default=["nl", "be"])},
    tasks=[
        ParamItemsSpec(task_id="countries", param="countries"),
        EcsTaskSpec(task_id="copy", upstream=["countries"], expand=ExpandOutput(task_id="countries")),
    ],
)


def by_hand() -> DAG:
    countries = Param(["nl", "be"], type="array", items={"type": "string"})
    with DAG("reports", schedule=None, params={"countries": countries}, **DAG_ARGUMENTS) as dag:
        items = ParamItems(task_id="countries", param="countries")
        EcsTaskOperator.partial(task_id="copy", command=["copy"], **ECS).expand(item=items.output)
    return dag

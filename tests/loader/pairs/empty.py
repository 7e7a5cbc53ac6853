"""Nothing is done."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs.hand import DAG_ARGUMENTS

SPEC = DagSpec(dag_id="reports", tasks=[OperatorSpec(task_id="it", operator="empty", arguments={})])


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        EmptyOperator(task_id="it")
    return dag

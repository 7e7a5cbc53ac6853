"""An operator that the platform registered."""

from __future__ import annotations

from dataclasses import replace

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow_ecs_dag_schema import DagSpec
from airflow_ecs_dag_schema.operators import Argument
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.pairs import hand
from loader.pairs.hand import DAG_ARGUMENTS

RULE = OperatorRule(
    operator_class="airflow.providers.standard.operators.bash.BashOperator",
    arguments={"bash_command": Argument(required=True, template=True), "append_env": Argument(kind="flag")},
    fixed={"cwd": "/opt/reports"},
)
SOURCE = replace(hand.SOURCE, operators={"report_tool": RULE})
SPEC = DagSpec(
    dag_id="reports",
    tasks=[
        OperatorSpec(
            task_id="it", operator="report_tool", arguments={"bash_command": "report {{ ds }}", "append_env": "true"}
        )
    ],
)


def by_hand() -> DAG:
    with DAG("reports", schedule=None, **DAG_ARGUMENTS) as dag:
        BashOperator(task_id="it", bash_command="report {{ ds }}", append_env=True, cwd="/opt/reports")
    return dag

"""A param of each type, with and without a default."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG, Param

from airflow_ecs_dag_loader import EcsTaskOperator
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from airflow_ecs_dag_schema.params import (
    BooleanParam,
    DateParam,
    DatetimeParam,
    IntegerParam,
    NumberParam,
    StringListParam,
    StringParam,
)
from loader.pairs.hand import DAG_ARGUMENTS, ECS

SPEC = DagSpec(
    dag_id="reports",
    params={
        "a_choice": StringParam(
            default="nl", choices=["nl", "be"], optional=True, title="Country", description="Which"
        ),
        "a_list": StringListParam(default=["x", "y"]),
        "a_moment": DatetimeParam(default=datetime(2026, 1, 31, 3, tzinfo=UTC)),
        "a_number": NumberParam(default=0.5, minimum=0.0, maximum=1.0),
        "a_text": StringParam(default="abc", min_length=2, max_length=9, multiline=True),
        "a_whole_number": IntegerParam(default=3, minimum=0, maximum=9),
        "day": DateParam(default="2026-01-31"),
        "needed": StringParam(),
        "not_needed": BooleanParam(optional=True),
        "yes": BooleanParam(default=True),
    },
    tasks=[EcsTaskSpec(task_id="build", args=["{{ params.needed }}"])],
)


def by_hand() -> DAG:
    params = {
        "a_choice": Param("nl", type=["null", "string"], enum=["nl", "be", None], title="Country", description="Which"),
        "a_list": Param(["x", "y"], type="array", items={"type": "string"}),
        "a_moment": Param("2026-01-31T03:00:00+00:00", type="string", format="date-time"),
        "a_number": Param(0.5, type="number", minimum=0.0, maximum=1.0),
        "a_text": Param("abc", type="string", minLength=2, maxLength=9, format="multiline"),
        "a_whole_number": Param(3, type="integer", minimum=0, maximum=9),
        "day": Param("2026-01-31", type="string", format="date"),
        "needed": Param(type="string"),
        "not_needed": Param(None, type=["null", "boolean"]),
        "yes": Param(default=True, type="boolean"),
    }
    with DAG("reports", schedule=None, params=params, **DAG_ARGUMENTS) as dag:
        EcsTaskOperator(task_id="build", command=["build", "{{ params.needed }}"], **ECS)
    return dag

"""Which outputs of other tasks a task uses: what the loader waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.references import used_outputs
from airflow_ecs_dag_schema.tasks import BranchSpec, EcsTaskSpec, ExpandOutput, LatestOnlySpec, ShortCircuitSpec

if TYPE_CHECKING:
    from airflow_ecs_dag_schema.tasks import TaskSpec


@pytest.mark.parametrize(
    ("task", "used"),
    [
        (EcsTaskSpec(task_id="t", args=("{{ ti.xcom_pull('a') }}", "{{ ds }}"), environment={"B": "x"}), ["a"]),
        (EcsTaskSpec(task_id="t", expand=ExpandOutput(task_id="b")), ["b"]),
        (BranchSpec(task_id="t", output=OutputRef(task_id="c")), ["c"]),
        (ShortCircuitSpec(task_id="t", output=OutputRef(task_id="d", key="go")), ["d"]),
        (LatestOnlySpec(task_id="t"), []),
    ],
)
def test_used_outputs(task: TaskSpec, used: list[str]) -> None:
    assert list(used_outputs(task)) == used

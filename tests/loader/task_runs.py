"""A task instance as Airflow's task runner has it, with the run that Airflow's API server would tell it of."""

from __future__ import annotations

import uuid
from contextvars import copy_context
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.dag_processing.bundles.local import LocalDagBundle
from airflow.sdk.api.datamodels._generated import DagRun, DagRunState, DagRunType, TIRunContext
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

LOGICAL_DATE = datetime(2019, 12, 4, 3, tzinfo=UTC)
RUN_AFTER = datetime(2026, 2, 28, 23, 30, 15, tzinfo=UTC)


def task_run(operator: BaseOperator, *, try_number: int = 1, map_index: int = -1, **run: Any) -> Context:
    """Return the context of one try; keywords are fields of the DAG run, such as ``logical_date``."""
    fields: dict[str, Any] = {
        "run_id": "manual__2026-02-28",
        "logical_date": LOGICAL_DATE,
        "data_interval_start": LOGICAL_DATE,
        "data_interval_end": LOGICAL_DATE,
        "run_after": RUN_AFTER,
        "start_date": RUN_AFTER,
        "end_date": None,
        "run_type": DagRunType.MANUAL,
        "state": DagRunState.RUNNING,
        "consumed_asset_events": [],
        "partition_key": None,
    } | run
    dag_run = DagRun(dag_id=operator.dag_id, **fields)
    instance = RuntimeTaskInstance.model_construct(
        id=uuid.uuid4(),
        task_id=operator.task_id,
        dag_id=operator.dag_id,
        run_id=dag_run.run_id,
        try_number=try_number,
        map_index=map_index,
        dag_version_id=uuid.uuid4(),
        task=operator,
        bundle_instance=LocalDagBundle(name="tests", path="/nowhere"),
        start_date=RUN_AFTER,
    )
    instance._ti_context_from_server = TIRunContext(dag_run=dag_run, max_tries=0)
    context: Context = instance.get_template_context()
    return context


def run_task(operator: Any, **run: Any) -> Any:
    """Fill in the templates and execute, as the task runner does; return what the operator does."""
    context = task_run(operator, **run)
    context["ti"].render_templates(context)
    copied = copy_context()
    copied.run(ExecutorSafeguard.tracker.set, operator)
    return copied.run(operator.execute, context)

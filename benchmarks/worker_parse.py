"""Runs in a process of its own: what Airflow's task runner does before one task, and how long it takes.

``python worker_parse.py BUNDLE DAG_ID TASK_ID FILE`` with the environment of that Airflow; prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from uuid import uuid4

import structlog
from airflow.dag_processing import dagbag  # noqa: F401 - every task runner imports it, whatever its DAG is made of
from airflow.sdk.api.datamodels._generated import (
    BundleInfo,
    DagRun,
    DagRunState,
    DagRunType,
    TaskInstance,
    TIRunContext,
)
from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager
from airflow.sdk.execution_time.comms import StartupDetails
from airflow.sdk.execution_time.task_runner import parse


def main() -> None:
    bundle, dag_id, task_id, file = sys.argv[1:]
    now = datetime.now(UTC)
    run = DagRun(
        dag_id=dag_id,
        run_id="manual",
        logical_date=now,
        data_interval_start=now,
        data_interval_end=now,
        run_after=now,
        start_date=now,
        end_date=None,
        run_type=DagRunType.MANUAL,
        state=DagRunState.RUNNING,
        consumed_asset_events=[],
        partition_key=None,
    )
    instance = TaskInstance(
        id=uuid4(), task_id=task_id, dag_id=dag_id, run_id="manual", try_number=1, dag_version_id=uuid4()
    )
    details = StartupDetails(
        ti=instance,
        dag_rel_path=file,
        bundle_info=BundleInfo(name=bundle),
        start_date=now,
        ti_context=TIRunContext(dag_run=run, max_tries=0),
        sentry_integration="",
    )
    wall, cpu = time.perf_counter(), time.process_time()
    with _airflow_parsing_context_manager(dag_id=dag_id, task_id=task_id):
        task = parse(details, structlog.get_logger("worker_parse")).task
    found = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({**found, "operator": type(task).__name__, "boto3": "boto3" in sys.modules}))


if __name__ == "__main__":
    main()

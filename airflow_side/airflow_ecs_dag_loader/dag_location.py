"""Which family a DAG is of, as Airflow itself knows: for a worker with nothing of the DAG processor's on its disk."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import structlog

from airflow_ecs_dag_loader.file_names import family_of_file

if TYPE_CHECKING:
    from airflow.sdk.execution_time.comms import DagResult

log = structlog.get_logger(__name__)

_TASK_RUNNER = "airflow.sdk.execution_time.task_runner"
"""What runs a task; where it was not imported, this process is no worker."""


def family_of(dag_id: str, *, bundle: str) -> str | None:
    """Return the family key of a DAG, by one question to Airflow's API server; ``None`` if it can't be told.

    Args:
        dag_id: The DAG whose task is run.
        bundle: The name of the bundle that the DAG must be of.
    """
    runner = sys.modules.get(_TASK_RUNNER)
    if runner is None or not hasattr(runner, "SUPERVISOR_COMMS"):
        return None
    try:
        dag: DagResult = runner.RuntimeTaskInstance.get_dag(dag_id)
    except Exception as error:  # noqa: BLE001 - whatever it was, a scan finds the DAG too
        log.warning("Airflow's API server does not say where the DAG is", dag_id=dag_id, error=str(error))
        return None
    return family_of_file(dag.relative_fileloc or "") if dag.bundle_name == bundle else None

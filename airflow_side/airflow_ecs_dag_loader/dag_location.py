"""Which family a DAG is of, as Airflow itself knows: for a worker with nothing of the DAG processor's on its disk."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from airflow.sdk.execution_time.comms import DagResult

log = structlog.get_logger(__name__)

_TASK_RUNNER = "airflow.sdk.execution_time.task_runner"
"""What runs a task; where it was not imported, this process is no worker."""
_FILE = re.compile(r"(\d{12}/[a-z0-9-]+/[A-Za-z0-9_-]+)\.py\Z", re.ASCII)
"""A file that is named as its family is; a very long name isn't, see ``file_names``."""


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
    found = _FILE.match(dag.relative_fileloc or "") if dag.bundle_name == bundle else None
    return found[1] if found else None

"""A worker that runs one try of one task: ``python -m loader.worker_process``, with ``tests`` on the path.

It is a process of its own, so that a test can kill it. Airflow's own task runner and execution API run the try; the
database is that of the environment. The last line on standard output tells what became of it.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from uuid import UUID

from airflow.sdk import DAG
from airflow.sdk.api.datamodels._generated import TaskInstance
from airflow.sdk.execution_time.supervisor import run_task_in_process

from airflow_ecs_dag_loader.ecs_task_operator import EcsTaskOperator

DAG_ID, TASK_ID = "reports", "build"


def dag_of(arguments: dict[str, Any]) -> DAG:
    """Return the DAG whose one task has these arguments."""
    with DAG(DAG_ID, schedule=None, default_args={"retries": 5}) as dag:
        EcsTaskOperator(task_id=TASK_ID, **arguments)
    return dag


def main() -> None:
    """Run the try that the argument names."""
    asked = json.loads(sys.argv[1])
    instance = TaskInstance(
        id=UUID(asked["id"]),
        task_id=TASK_ID,
        dag_id=DAG_ID,
        run_id=asked["run_id"],
        try_number=asked["try_number"],
        map_index=-1,
        dag_version_id=UUID(asked["dag_version_id"]),
    )
    result = run_task_in_process(ti=instance, task=dag_of(asked["arguments"]).get_task(TASK_ID))
    error = "" if result.error is None else f"{type(result.error).__name__}: {result.error}"
    print(json.dumps({"state": str(result.state), "error": error}))


if __name__ == "__main__":
    main()

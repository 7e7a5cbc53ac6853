"""Workers that run one try of one task each: ``python -m loader.worker_process``, with ``tests`` on the path.

The process has imported what a worker imports, and forks one for each line of JSON on standard input; a line on
standard output has the worker's number, by which a test can kill it. Airflow's own task runner and execution API run
the try; the database is that of the environment. The last line of a worker's log tells what became of it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from datetime import timedelta
from typing import Any
from uuid import UUID

from airflow.sdk import DAG
from airflow.sdk.api.datamodels._generated import TaskInstance
from airflow.sdk.execution_time.supervisor import in_process_api_server, run_task_in_process

from airflow_ecs_dag_loader.runner import ecs_task_calls, take_over
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator

DAG_ID, TASK_ID = "reports", "build"
IMPORTED = (ecs_task_calls, take_over)


def dag_of(arguments: dict[str, Any]) -> DAG:
    """Return the DAG whose one task has these arguments; an ``execution_timeout`` is in seconds."""
    seconds = arguments.get("execution_timeout")
    timeout = None if seconds is None else timedelta(seconds=seconds)
    with DAG(DAG_ID, schedule=None, default_args={"retries": 5}) as dag:
        EcsTaskOperator(task_id=TASK_ID, **(arguments | {"execution_timeout": timeout}))
    return dag


def _run(asked: dict[str, Any]) -> None:
    """Be a worker."""
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
    _say(json.dumps({"state": result.state, "error": error}))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fork(asked: dict[str, Any]) -> int:
    if child := os.fork():
        return child
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.update(asked["environment"])
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        _run(asked)
    except BaseException:  # noqa: BLE001 - the log is read by the test
        traceback.print_exc()
    finally:
        os._exit(0)


def main() -> None:
    """Fork a worker for each line."""
    in_process_api_server().app  # noqa: B018 - it takes seconds to make
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    _say("ready")
    for line in sys.stdin:
        _say(str(_fork(json.loads(line))))


if __name__ == "__main__":
    main()

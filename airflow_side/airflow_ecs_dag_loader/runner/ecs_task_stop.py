"""StopTask, until ECS has taken it: what Airflow no longer wants is not to run on unseen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.aws_answers import DENIED, NO_ANSWER, error_code, reason
from airflow_ecs_dag_loader.runner.ecs_task_start import waits

if TYPE_CHECKING:
    from airflow.sdk.types import Logger
    from mypy_boto3_ecs import ECSClient

_NO_SUCH_TASK = "The referenced task was not found"


def stop(ecs: ECSClient, *, cluster: str, arn: str, why: str, within: float, log: Logger) -> bool:
    """Ask ECS to stop an ECS task; one that has stopped already stays as it is.

    Args:
        ecs: A client for where it runs.
        cluster: Name or ARN of the cluster.
        arn: Of the ECS task.
        why: The reason that ECS shows, as :func:`stop_reason.stop_reason` makes it.
        within: Seconds for which a call that failed is repeated.
        log: The Airflow task's logger.

    Returns:
        Whether ECS has taken it. If not, the log says so.
    """
    deadline = time.monotonic() + within
    for wait in waits():
        try:
            ecs.stop_task(cluster=cluster, task=arn, reason=why)["task"]
        except NO_ANSWER as error:
            if _NO_SUCH_TASK in reason(error):
                return True
            is_denied = error_code(error) in DENIED
            left = deadline - time.monotonic()
            if left <= 0 or is_denied:
                remedy = ": allow ecs:StopTask on the cluster" if is_denied else ""
                log.error(  # noqa: TRY400 - a stack trace tells an operator nothing
                    "ECS task %s could not be stopped, it may still run (%s)%s", arn, reason(error), remedy
                )
                return False
            time.sleep(min(left, wait))
        else:
            return True
    raise AssertionError("waits never end")

"""RunTask, until it is certain that one ECS task was started, or that none was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER, reason
from airflow_ecs_dag_loader.verdict import EcsTaskFailedError, EcsTaskLostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk.types import Logger
    from mypy_boto3_ecs import ECSClient

_SERVER_ERROR = 500
_START_WAITS = (1.0, 4.0, 15.0)
"""Seconds before RunTask is called again when its answer does not tell whether the ECS task was started."""


def start(ecs: ECSClient, request: Mapping[str, Any], *, log: Logger) -> str:
    """Return the ARN of the ECS task that ``request`` starts.

    Called again with the same ``clientToken``, ECS answers with the task it started the first time.

    Raises:
        EcsTaskFailedError: ECS starts none.
        EcsTaskLostError: ECS did not tell, however often it was asked.
    """
    for wait in (*_START_WAITS, None):
        arn, doubt = _run_task(ecs, request)
        if arn:
            return arn
        log.warning("RunTask did not tell whether it started the ECS task: %s", doubt)
        if wait is not None:
            time.sleep(wait)
    raise EcsTaskLostError(
        f"RunTask did not tell whether it started the ECS task ({doubt}); if it did, the task runs in cluster "
        f"{request['cluster']}, startedBy {request['startedBy']}"
    )


def _run_task(ecs: ECSClient, request: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ARN of the ECS task, or an empty one and why it is in doubt whether there is one."""
    definition = request["taskDefinition"]
    try:
        answer = ecs.run_task(**request)
        failures, tasks = answer.get("failures"), answer.get("tasks")
        if tasks:
            return str(tasks[0]["taskArn"]), ""
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR:
            return "", reason(error)
        raise EcsTaskFailedError(f"ECS refused to run {definition}: {reason(error)}") from error
    except NO_ANSWER as error:
        return "", reason(error)
    if failures:
        reasons = "; ".join(f"{each.get('reason')} {each.get('detail') or ''}".strip() for each in failures)
        raise EcsTaskFailedError(f"ECS could not start {definition}: {reasons}")
    return "", "the answer has no task"

"""The wait for the end of an ECS task. A look that failed says nothing about the task, so the wait goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER, reason
from airflow_ecs_dag_loader.verdict import EcsTaskLostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk.types import Logger
    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_loader.container_lines import ContainerLines

_FIRST_POLL, _LONGEST_POLL = 1.0, 6.0
"""Seconds between two looks at the ECS task, soon after the start and later."""
_MISSING = ("MISSING", "ClusterNotFoundException")
"""How ECS says that it does not know the task."""
_MISSING_LOOKS = 5
"""Looks at an ECS task of an earlier try that ECS does not know, until it counts as gone."""
_MISSING_FOR = 300.0
"""Seconds for which ECS may not know the task before it counts as lost; a stopped one stays visible about an hour."""


def wait_until_stopped(
    ecs: ECSClient, *, cluster: str, arn: str, lines: ContainerLines, log: Logger
) -> Mapping[str, Any]:
    """Return the ECS task once it has stopped, its lines shown up to then.

    Raises:
        EcsTaskLostError: ECS has not known it for five minutes.
    """
    started = time.monotonic()
    missing_since: float | None = None
    status = ""
    while True:
        task, failure = _look(ecs, cluster, arn)
        if task is not None:
            missing_since = None
            if task["lastStatus"] != status:
                status = task["lastStatus"]
                log.info("ECS task is %s", status)
        elif failure.startswith(_MISSING):
            missing_since = missing_since or time.monotonic()
            if time.monotonic() - missing_since > _MISSING_FOR:
                raise EcsTaskLostError(f"ECS has not known {arn} for {_MISSING_FOR:.0f} s: its end can't be told")
        else:
            log.warning("ECS task can't be looked at, it goes on: %s", failure)
        lines.show_new()
        if task is not None and status == "STOPPED":
            return task
        elapsed = time.monotonic() - started
        time.sleep(min(_LONGEST_POLL, _FIRST_POLL + elapsed / 20))


def look(ecs: ECSClient, *, cluster: str, arn: str, log: Logger) -> Mapping[str, Any] | None:
    """Return the ECS task as it is now, ``None`` if ECS has not known it for a while.

    ECS tells of a task that it has just started to some calls only, so that it is not known is asked more than once.
    """
    unknown = 0
    said = ""
    while True:
        task, failure = _look(ecs, cluster, arn)
        if task is not None:
            return task
        unknown += failure.startswith(_MISSING)
        if unknown >= _MISSING_LOOKS:
            return None
        if said != (said := failure):
            log.warning("ECS task can't be looked at, it goes on: %s", failure)
        time.sleep(_LONGEST_POLL)


def _look(ecs: ECSClient, cluster: str, arn: str) -> tuple[Mapping[str, Any] | None, str]:
    """Return the ECS task, or ``None`` and why it could not be seen."""
    try:
        answer: Mapping[str, Any] = ecs.describe_tasks(cluster=cluster, tasks=[arn])
        for task in answer.get("tasks", ()):
            if task.get("taskArn") == arn and "lastStatus" in task:
                return task, ""
        reasons = [str(each.get("reason")) for each in answer.get("failures", ())]
    except NO_ANSWER as error:
        return None, reason(error)
    return None, reasons[0] if reasons else "the answer does not have it"

"""RunTask, until it is certain that one ECS task was started, or that none will be."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.runner.ecs_errors import (
    EcsCapacityError,
    EcsStartError,
    EcsTaskFailedError,
    EcsTaskLostError,
)
from airflow_ecs_dag_loader.runner.run_task_answer import Outcome, run_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow.sdk.exceptions import AirflowException
    from airflow.sdk.types import Logger
    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_loader.runner.run_task_answer import RunTaskAnswer

_FIRST_WAIT, _LONGEST_WAIT = 2.0, 60.0
"""Seconds before the second call, and between two calls at most."""
_DOUBTS = {
    Outcome.IN_DOUBT: "RunTask did not tell whether it started the ECS task",
    Outcome.NO_ROOM: "ECS has no room for {} just now",
    Outcome.EXPIRED: "Airflow's credentials for ECS have expired",
}


class RevisionGoneError(EcsTaskFailedError):
    """The revision of the task definition can't be started any more: a deployment replaced or deleted it."""


def waits() -> Iterator[float]:
    """Yield seconds to wait: each time up to twice as long, and never as long as others that wait for the same."""
    longest = _FIRST_WAIT
    while True:
        yield longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        longest = min(_LONGEST_WAIT, longest * 2)


def start(
    ecs: ECSClient,
    renewed: Callable[[], ECSClient],
    request: Mapping[str, Any],
    *,
    within: float,
    is_cancelled: Callable[[], bool],
    log: Logger,
) -> str:
    """Return the ARN of the ECS task that ``request`` starts.

    Called again with the same ``clientToken``, ECS answers with the task it started the first time.

    Args:
        ecs: A client for where it is to run.
        renewed: Makes another one, with the credentials of that moment.
        request: For RunTask.
        within: Seconds for which RunTask is called again while ECS has no room, throttles, or does not tell.
        is_cancelled: Whether nothing is to be started any more.
        log: The Airflow task's logger.

    Raises:
        EcsCapacityError: ECS had no room, all the time.
        EcsTaskFailedError: ECS starts none, and no wait mends that.
        EcsTaskLostError: ECS did not tell, however often it was asked.
        RevisionGoneError: The revision is no longer ACTIVE.
    """
    definition = request["taskDefinition"]
    deadline = time.monotonic() + within
    said = None
    for wait in waits():
        if is_cancelled():
            raise EcsTaskFailedError(f"stopped by Airflow before it asked ECS to run {definition}")
        answer = run_task(ecs, request)
        if answer.outcome is Outcome.STARTED:
            return answer.text
        if answer.outcome is Outcome.REVISION_GONE:
            raise RevisionGoneError(f"ECS refused to run {definition}: {answer.text}") from answer.cause
        if answer.outcome is Outcome.REFUSED:
            what = "could not start" if answer.cause is None else "refused to run"
            raise EcsTaskFailedError(f"ECS {what} {definition}: {answer.text}") from answer.cause
        left = deadline - time.monotonic()
        if left <= 0:
            break
        if said != (said := (answer.outcome, answer.text)):
            doubt = _DOUBTS[answer.outcome].format(definition)
            log.warning("%s, it is asked again for up to %.0f s: %s", doubt, left, answer.text)
        time.sleep(min(left, wait))
        if answer.outcome is Outcome.EXPIRED:
            ecs = renewed()
    raise _given_up(answer, request, within) from answer.cause


def _given_up(answer: RunTaskAnswer, request: Mapping[str, Any], within: float) -> AirflowException:
    definition, cluster = request["taskDefinition"], request["cluster"]
    if answer.outcome is Outcome.IN_DOUBT:
        return EcsTaskLostError(
            f"RunTask did not tell within {within:.0f} s whether it started the ECS task ({answer.text}); if it did, "
            f"the task runs in cluster {cluster}, startedBy {request['startedBy']}: a retry finds it there"
        )
    if answer.outcome is Outcome.EXPIRED:
        return EcsStartError(
            f"Airflow's credentials for ECS have expired, and there were no new ones within {within:.0f} s "
            f"({answer.text}); the container never ran: renew those of Airflow's AWS connection"
        )
    return EcsCapacityError(
        f"ECS had no room to start {definition} in cluster {cluster} within {within:.0f} s: {answer.text}; the "
        "container never ran: give the cluster or the account more capacity, the task more retries, or ECS more time "
        "with [airflow_ecs_dag] start_timeout"
    )

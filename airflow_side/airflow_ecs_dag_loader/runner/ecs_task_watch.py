"""What ECS says of an ECS task until it has ended. A look that failed says nothing about it, so the wait goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowTaskTimeout

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER, reason
from airflow_ecs_dag_loader.runner.verdict import EcsTaskLostError, is_over

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow.sdk.types import Logger
    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_loader.runner.container_lines import ContainerLines

    LookAt = Callable[[str, Sequence[str]], Mapping[str, "Look"]]
    """Looks once at ECS tasks of a cluster, given by their ARNs; each gets an answer of its own."""

MOST_DESCRIBED = 100
"""ECS tasks that one DescribeTasks takes."""
_FIRST_POLL, _LONGEST_POLL = 1.0, 6.0
"""Seconds between two looks at the ECS task, soon after the start and later."""
_MISSING = ("MISSING", "ClusterNotFoundException")
"""How ECS says that it does not know the task."""
_ALARM_LATE = 2.0
"""Seconds after which Airflow's alarm at the end of a try's time is taken to be lost."""
_MISSING_LOOKS = 5
"""Looks at an ECS task of an earlier try that ECS does not know, until it counts as gone."""
_MISSING_FOR = 300.0
"""Seconds for which ECS may not know the task before it counts as lost; a stopped one stays visible about an hour."""


@dataclass(frozen=True)
class Look:
    """What came of one look at an ECS task.

    Attributes:
        task: As DescribeTasks gives it; ``None`` if it was not seen.
        failure: Why it was not seen.
    """

    task: Mapping[str, Any] | None
    failure: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether ECS says that it knows no such ECS task, which it also does of one that has just been started."""
        return self.failure.startswith(_MISSING)


class EcsTaskWatch:
    """What the looks at one ECS task have told so far.

    Args:
        arn: Of the ECS task.
        container_name: The container with the verdict.
        log: The Airflow task's logger: a line for each change, not for each look.
        clock: Seconds that only go up.

    Attributes:
        task: The ECS task, once its end can be judged.
        is_lost: Whether ECS has not known it for so long that its end can't be told.
    """

    def __init__(
        self, arn: str, *, container_name: str, log: Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.arn = arn
        self.task: Mapping[str, Any] | None = None
        self.is_lost = False
        self._container_name = container_name
        self._log = log
        self._clock = clock
        self._status = ""
        self._failure = ""
        self._unknown_since: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to look for."""
        return self.task is not None or self.is_lost

    def take(self, look: Look) -> None:
        """Take the next look."""
        if look.task is not None:
            self._seen(look.task)
            return
        if look.failure != self._failure:
            self._failure = look.failure
            self._log.warning("The ECS task can't be looked at just now, the wait goes on: %s", look.failure)
        if look.is_unknown:
            if self._unknown_since is None:
                self._unknown_since = self._clock()
            self.is_lost = self._clock() - self._unknown_since > _MISSING_FOR

    def _seen(self, task: Mapping[str, Any]) -> None:
        self._unknown_since = None
        if self._failure:
            self._failure = ""
            self._log.info("ECS answers again")
        if not self._status and (image := _image(task, self._container_name)):
            self._log.info("Image: %s", image)
        if task["lastStatus"] != self._status:
            self._status = task["lastStatus"]
            self._log.info("ECS task is %s", self._status)
        if is_over(task, self._container_name):
            self.task = task


def _image(task: Mapping[str, Any], container_name: str) -> str:
    """Return what a container runs; empty if ECS does not say."""
    found = (each.get("image") for each in task.get("containers") or () if each.get("name") == container_name)
    return str(next(found, None) or "")


def lost(arn: str) -> EcsTaskLostError:
    """Return the error for an ECS task that ECS has not known for too long."""
    return EcsTaskLostError(f"ECS has not known {arn} for {_MISSING_FOR:.0f} s: its end can't be told")


def looks(ecs: ECSClient, *, cluster: str, arns: Sequence[str]) -> dict[str, Look]:
    """Look once at up to :data:`MOST_DESCRIBED` ECS tasks of a cluster; each of ``arns`` gets an answer of its own."""
    try:
        answer: Mapping[str, Any] = ecs.describe_tasks(cluster=cluster, tasks=list(arns))
        seen = {task["taskArn"]: Look(task) for task in answer.get("tasks", ()) if "lastStatus" in task}
        failed = {each.get("arn"): Look(None, str(each.get("reason"))) for each in answer.get("failures", ())}
    except NO_ANSWER as error:
        why = Look(None, reason(error))
        return dict.fromkeys(arns, why)
    unseen = failed.get(None) or Look(None, "the answer does not have it")
    return {arn: seen.get(arn) or failed.get(arn) or unseen for arn in arns}


def wait_until_over(
    look_at: LookAt,
    *,
    cluster: str,
    watch: EcsTaskWatch,
    lines: ContainerLines | None = None,
    deadline: float | None = None,
) -> Mapping[str, Any]:
    """Return the ECS task once its end can be judged, its lines shown up to then.

    Args:
        look_at: Looks at it.
        cluster: Name or ARN of its cluster.
        watch: What is known of it.
        lines: Its container's lines.
        deadline: When the time of the try is up, in seconds since 1970. Airflow's own alarm is a signal, and what that
            raises is lost where it strikes in a finalizer.

    Raises:
        AirflowTaskTimeout: The time is up.
        EcsTaskLostError: ECS has not known it for five minutes.
    """
    started = time.monotonic()
    while True:
        watch.take(look_at(cluster, [watch.arn])[watch.arn])
        if lines is not None:
            lines.show_new()
        if watch.task is not None:
            return watch.task
        if watch.is_lost:
            raise lost(watch.arn)
        if deadline is not None and time.time() > deadline + _ALARM_LATE:
            raise AirflowTaskTimeout("the execution_timeout of the task is over")
        elapsed = time.monotonic() - started
        time.sleep(min(_LONGEST_POLL, _FIRST_POLL + elapsed / 20))


def seen(look_at: LookAt, *, cluster: str, arn: str, log: Logger, is_new: bool = True) -> Mapping[str, Any] | None:
    """Return the ECS task as it is now, ``None`` if ECS does not know it.

    ECS tells of a task that it has just started to some calls only, so that one is asked for more than once.

    Args:
        look_at: Looks at it.
        cluster: Name or ARN of its cluster.
        arn: Of the ECS task.
        log: The Airflow task's logger.
        is_new: Whether it may have been started just now.
    """
    unknown = 0
    said = ""
    while True:
        look = look_at(cluster, [arn])[arn]
        if look.task is not None:
            return look.task
        unknown += look.is_unknown
        if unknown >= (_MISSING_LOOKS if is_new else 1):
            return None
        if said != (said := look.failure):
            log.warning("The ECS task can't be looked at just now, the wait goes on: %s", look.failure)
        time.sleep(_LONGEST_POLL)

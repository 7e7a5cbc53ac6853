"""What a try does about the ECS task that an earlier try left behind: its worker was killed, so nobody watches that."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_ecs_dag_loader.runner.left_ecs_tasks import is_same_work
from airflow_ecs_dag_loader.runner.stop_reason import stop_reason
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError, check_stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from airflow.sdk.types import Logger

    from airflow_ecs_dag_loader.runner.ecs_task_calls import EcsTaskCalls
    from airflow_ecs_dag_loader.runner.ecs_task_identity import EcsTaskIdentity
    from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun

_KNOWN_AFTER = 60.0
"""Seconds after which ECS tells of an ECS task to all who ask."""
_OTHER_WORK = "with another revision or other overrides"


@dataclass(frozen=True, kw_only=True)
class TakeOver:
    """How an ECS task that was left behind is found, and judged by what it is.

    One that runs the same revision with the same overrides is this try's work, half done, and is watched to its end.
    Any other one is stopped, and only when it has stopped is there a new one: two at once is what nobody expects. One
    that has ended well counts if no try has judged it yet; one that has ended otherwise doesn't, for a retry is to try
    again.

    Attributes:
        calls: For AWS.
        start: Calls RunTask until one ECS task is started.
        request: For RunTask, without a name; ``start`` puts the newest revision in if its own is gone.
        within: Seconds for which failed looks are repeated.
        container_name: The container with the verdict.
        skip_on_exit_code: Exit codes by which it says that there was nothing to do.
        essential_sidecars: The other containers whose end makes ECS stop the ECS task.
        run_name: For the reason with which an ECS task is stopped.
        log: The Airflow task's logger.
    """

    calls: EcsTaskCalls
    start: Callable[[EcsTaskIdentity], str]
    request: Mapping[str, Any]
    within: float
    container_name: str
    skip_on_exit_code: Collection[int]
    essential_sidecars: Collection[str]
    run_name: str
    log: Logger

    def arn(self, own: EcsTaskIdentity, left: EcsTaskIdentity | None) -> str | None:
        """Return the ARN of an ECS task that stands for this try's; ``None`` if it has to start its own.

        Args:
            own: The identity of this try.
            left: What a try that was cut off asked ECS for, if that is known.

        Raises:
            EcsTaskFailedError: One that does other work can't be stopped.
            EcsTaskLostError: ECS does not tell what runs.
        """
        kept = None
        for started_by in dict.fromkeys(each.started_by for each in (own, left) if each is not None):
            for task in self._running(started_by):
                if kept is None and (left == own or is_same_work(task, self.request)):
                    kept = str(task["taskArn"])
                    self.log.info("An ECS task of this task instance still runs and does this work: it is watched")
                else:
                    self._stop(task, because=_OTHER_WORK)
        if kept is None and left is not None and left != own:
            return self._asked_again(left)
        return kept

    def replace(self, deferred: EcsTaskRun) -> None:
        """Stop the ECS task of a try that was cleared while it waited in the triggerer, if it still runs.

        Raises:
            EcsTaskFailedError: It can't be stopped.
        """
        is_new = time.time() - (deferred.deferred_at or 0.0) < _KNOWN_AFTER
        task = self.calls.seen(cluster=deferred.cluster, arn=deferred.arn, is_new=is_new)
        if task is not None and task.get("desiredStatus") != "STOPPED":
            self._stop(task, because="the task was cleared while it waited for it")

    def _running(self, started_by: str) -> list[Mapping[str, Any]]:
        return self.calls.running(cluster=self._cluster, started_by=started_by, within=self.within)

    def _asked_again(self, left: EcsTaskIdentity) -> str | None:
        """Ask as the try did that was cut off, by its token: whatever ECS started for it, ECS names now.

        ECS starts one, if it started none; and it knows the token for as long as it shows the ECS task. So this holds
        where a list doesn't have the ECS task yet, and where that has ended meanwhile.
        """
        arn = self.start(left)
        task = self.calls.seen(cluster=self._cluster, arn=arn)
        if task is None:
            return None
        if task.get("desiredStatus") != "STOPPED":
            if is_same_work(task, self.request):
                return arn
            self._stop(task, because=_OTHER_WORK)
            return None
        if is_same_work(task, self.request) and self._has_ended_well(arn):
            self.log.info("The ECS task of an earlier try, whose worker was killed, has ended well: it counts")
            return arn
        self.log.info("The ECS task of an earlier try has ended and does not count, a new one is started: %s", arn)
        return None

    def _has_ended_well(self, arn: str) -> bool:
        stopped = self._over(arn)
        try:
            check_stopped(
                stopped,
                container_name=self.container_name,
                skip_on_exit_code=self.skip_on_exit_code,
                essential_sidecars=self.essential_sidecars,
            )
        except AirflowSkipException:
            return True
        except EcsTaskFailedError as error:
            self.log.info("ECS task %s: %s", arn, error)
            return False
        return True

    def _stop(self, task: Mapping[str, Any], *, because: str) -> None:
        arn = str(task["taskArn"])
        self.log.warning(
            "An ECS task of an earlier try still runs (%s): it is stopped before a new one starts: %s", because, arn
        )
        why = stop_reason(self.run_name)
        if not self.calls.stop(cluster=self._cluster, arn=arn, why=why, within=self.within):
            raise EcsTaskFailedError(
                f"the ECS task {arn} of an earlier try still runs other work and can't be stopped: none is started "
                "beside it; allow ecs:StopTask on the cluster, or stop it by hand, then retry"
            )
        self._over(arn)

    def _over(self, arn: str) -> Mapping[str, Any]:
        return self.calls.wait_until_over(cluster=self._cluster, arn=arn, container_name=self.container_name)

    @property
    def _cluster(self) -> str:
        return str(self.request["cluster"])

"""The ECS tasks that earlier tries of a task instance left behind: which still run, and which do the same work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.aws_answers import DENIED, NO_ANSWER, error_code, reason
from airflow_ecs_dag_loader.runner.ecs_task_start import waits
from airflow_ecs_dag_loader.runner.ecs_task_watch import MOST_DESCRIBED
from airflow_ecs_dag_loader.runner.verdict import EcsTaskLostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk.types import Logger
    from mypy_boto3_ecs import ECSClient


def running_tasks(
    ecs: ECSClient, *, cluster: str, started_by: str, within: float, log: Logger
) -> list[Mapping[str, Any]]:
    """Return the ECS tasks with ``started_by`` that are to go on running, the newest first.

    A look that failed finds nothing out, so it is repeated. A role that may not list is one of before this was asked:
    it goes on, with what the token of the start alone can do, and the log says what to change.

    Args:
        ecs: A client for where they run.
        cluster: Name or ARN of the cluster.
        started_by: Theirs.
        within: Seconds for which failed looks are repeated.
        log: The Airflow task's logger.

    Raises:
        EcsTaskLostError: ECS did not tell in that time.
    """
    deadline = time.monotonic() + within
    said = ""
    for wait in waits():
        try:
            found = list(_running(ecs, cluster, started_by))
        except NO_ANSWER as error:
            why = reason(error)
            if error_code(error) == "ClusterNotFoundException":
                return []  # as RunTask will say
            if error_code(error) in DENIED:
                log.warning(
                    "Whether an ECS task of an earlier try still runs can't be seen, one may run twice: %s; allow "
                    "ecs:ListTasks and ecs:DescribeTasks on the cluster",
                    why,
                )
                return []
            left = deadline - time.monotonic()
            if left <= 0:
                raise EcsTaskLostError(
                    f"ECS did not tell within {within:.0f} s whether an ECS task of an earlier try still runs in "
                    f"cluster {cluster}, startedBy {started_by} ({why}); none was started beside it: retry later"
                ) from error
            if said != (said := why):
                log.warning("ECS tasks of earlier tries can't be looked for just now, it goes on: %s", why)
            time.sleep(min(left, wait))
        else:
            return sorted(found, key=lambda task: str(task.get("createdAt")), reverse=True)
    raise AssertionError("waits never end")


def is_same_work(task: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Tell whether an ECS task does what ``request`` for RunTask asks for: the same revision and the same overrides.

    Args:
        task: As DescribeTasks gives it, with whatever ECS added to its overrides.
        request: For RunTask.
    """
    return task.get("taskDefinitionArn") == request["taskDefinition"] and _essence(
        task.get("overrides") or {}
    ) == _essence(request["overrides"])


def _running(ecs: ECSClient, cluster: str, started_by: str) -> Iterator[Mapping[str, Any]]:
    arns = list(_listed(ecs, cluster, started_by))
    for first in range(0, len(arns), MOST_DESCRIBED):
        answer = ecs.describe_tasks(cluster=cluster, tasks=arns[first : first + MOST_DESCRIBED])
        for task in answer["tasks"]:
            if task.get("startedBy") == started_by and task.get("desiredStatus") != "STOPPED":
                yield dict(task)


def _listed(ecs: ECSClient, cluster: str, started_by: str) -> Iterator[str]:
    request: dict[str, Any] = {"cluster": cluster, "startedBy": started_by, "desiredStatus": "RUNNING"}
    while True:
        answer = ecs.list_tasks(**request)
        yield from answer["taskArns"]
        if not (token := answer.get("nextToken")):
            return
        request["nextToken"] = token


def _essence(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked for; ECS adds a container that nothing was asked of, and empty lists."""
    containers = {
        each.get("name"): (
            list(each.get("command") or ()),
            {variable.get("name"): variable.get("value") for variable in each.get("environment") or ()},
        )
        for each in overrides.get("containerOverrides") or ()
    }
    sizes = {name: overrides.get(name) for name in ("cpu", "memory", "ephemeralStorage")}
    return {"containers": {name: asked for name, asked in containers.items() if any(asked)}, **sizes}

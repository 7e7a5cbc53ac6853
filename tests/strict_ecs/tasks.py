"""The tasks of one account and region: started, looked at, stopped. Nothing runs in them: a test says how they end."""

from __future__ import annotations

import json
import re
import uuid
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strict_ecs.page_tokens import PageTokens
from strict_ecs.wire import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from strict_ecs.task_definitions import TaskDefinitions

LONGEST_OVERRIDES = 8_192
MOST_DESCRIBED = 100
MOST_STARTED = 10
SHOWN_AFTER_STOP = 3_600.0
TOKEN_LIVES = 86_400.0
"""Seconds for which a client token is known at most; it is forgotten with the tasks that it started."""
_STARTED_BY = re.compile(r"[A-Za-z0-9/_-]{0,128}\Z")
_LONGEST_TOKEN = 64


@dataclass
class _Task:
    content: dict[str, Any]
    cluster: str
    ends_at: float | None


@dataclass
class Tasks:
    """The clusters and tasks of one account and region.

    Attributes:
        run_seconds: How long a task runs until its containers exit with 0; ``None`` waits for :meth:`finish`.
        room: How many tasks may run at once; ``None`` for no limit.
    """

    account: str
    region: str
    definitions: TaskDefinitions
    clock: Callable[[], float]
    run_seconds: float | None = None
    room: int | None = None
    _clusters: set[str] = field(default_factory=lambda: {"default"})
    _tasks: dict[str, _Task] = field(default_factory=dict)
    _by_token: dict[tuple[str, str], tuple[str, float, list[str]]] = field(default_factory=dict)
    _tokens: PageTokens = field(default_factory=PageTokens)

    def create_cluster(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Add a cluster, or find it."""
        name = str(parameters.get("clusterName") or "default")
        self._clusters.add(name)
        return {"cluster": {"clusterArn": self._arn("cluster", name), "clusterName": name, "status": "ACTIVE"}}

    def run_task(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Start tasks, or return those that a call with the same client token started.

        Raises:
            AwsError: ECS would not start them.
        """
        cluster = self._cluster(parameters)
        check_run(parameters)
        overrides, count = parameters.get("overrides") or {}, parameters.get("count", 1)
        token = str(parameters.get("clientToken") or "")
        asked = json.dumps({**parameters, "clientToken": ""}, sort_keys=True)
        if token and (known := self._known(cluster, token)):
            before, arns = known
            if before != asked:
                raise AwsError(
                    "ConflictException",
                    "The specified client token is already in use with different parameters.",
                    resourceIds=arns,
                )
            return {"tasks": [self._content(self._tasks[arn]) for arn in arns], "failures": []}
        if self.room is not None and self._running() + count > self.room:
            return {"tasks": [], "failures": [self._no_room(cluster, parameters)]}
        started = [self._start(cluster, parameters, overrides) for _ in range(count)]
        if token:
            self._by_token[cluster, token] = (asked, self.clock(), [task.content["taskArn"] for task in started])
        return {"tasks": [self._content(task) for task in started], "failures": []}

    def describe_tasks(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return tasks, and which are unknown (any more).

        Raises:
            AwsError: There is no such cluster, or there are too many tasks.
        """
        cluster = self._cluster(parameters)
        named = parameters.get("tasks") or []
        check_described(named)
        found, failures = [], []
        for name in named:
            if task := self._find(cluster, name):
                found.append(self._content(task))
            else:
                failures.append({"arn": self._task_arn(cluster, name), "reason": "MISSING"})
        return {"tasks": found, "failures": failures}

    def stop_task(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Stop a task; one that has stopped stays as it is.

        Raises:
            AwsError: There is none.
        """
        task = self._find(self._cluster(parameters), str(parameters.get("task")))
        if task is None:
            raise AwsError("InvalidParameterException", "The referenced task was not found.")
        if task.content["lastStatus"] != "STOPPED":
            self._stop(task, self.clock(), code="UserInitiated", reason=str(parameters.get("reason") or ""), exits=143)
        return {"task": self._content(task)}

    def list_tasks(self, parameters: Mapping[str, Any], *, stale: bool = False) -> dict[str, Any]:
        """Return a page of ARNs: by default of those that should run.

        Args:
            parameters: Of the call.
            stale: Leave out the task that was started last, as a cache that is behind does.

        Raises:
            AwsError: The page or the cluster is none.
        """
        cluster = self._cluster(parameters)
        wanted = parameters.get("desiredStatus") or "RUNNING"
        family, started_by = parameters.get("family"), parameters.get("startedBy")
        found = {}
        for arn in list(self._tasks)[: -1 if stale else None]:
            task = self._find(cluster, arn)
            if task is None or task.content["desiredStatus"] != wanted:
                continue
            if family and task.content["group"] != f"family:{family}":
                continue
            if started_by and task.content["startedBy"] != started_by:
                continue
            found[arn] = arn
        question = json.dumps([cluster, wanted, family, started_by])
        return self._tokens.page(question, {**parameters, "sort": "ASC"}, found, key="taskArns")

    def finish(self, arn: str, *, exit_code: int = 0) -> None:
        """End a task: its containers exit."""
        task = self._tasks[arn]
        self._stop(
            task, self.clock(), code="EssentialContainerExited", reason="Essential container exited", exits=exit_code
        )

    def end_at(self, arn: str, moment: float) -> None:
        """Let the containers of a task that runs exit with 0 at a moment, by the clock."""
        self._tasks[arn].ends_at = moment

    def forget(self, arn: str) -> None:
        """Know no more of a task, as ECS does some time after its end."""
        del self._tasks[arn]

    def _known(self, cluster: str, token: str) -> tuple[str, list[str]] | None:
        """Return what was asked under a token, and the tasks; ``None`` once ECS has forgotten it."""
        if (cluster, token) not in self._by_token:
            return None
        asked, at, arns = self._by_token[cluster, token]
        if self.clock() - at >= TOKEN_LIVES or any(self._find(cluster, arn) is None for arn in arns):
            return None
        return asked, arns

    def _running(self) -> int:
        found = (self._find(task.cluster, arn) for arn, task in self._tasks.items())
        return sum(task is not None and task.content["desiredStatus"] == "RUNNING" for task in found)

    def _no_room(self, cluster: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if parameters.get("launchType") == "FARGATE":
            return {"reason": "You've reached the limit on the number of tasks you can run concurrently"}
        return {"arn": self._arn("container-instance", f"{cluster}/{'0' * 32}"), "reason": "RESOURCE:MEMORY"}

    def _start(self, cluster: str, parameters: Mapping[str, Any], overrides: Mapping[str, Any]) -> _Task:
        definition = self.definitions.find(str(parameters.get("taskDefinition")))
        if definition is None:
            raise AwsError("ClientException", "TaskDefinition not found.")
        check_start(definition.content, parameters)
        containers = [each["name"] for each in definition.content["containerDefinitions"]]
        now = self.clock()
        arn = self._arn("task", f"{cluster}/{uuid.uuid4().hex}")
        content = {
            "taskArn": arn,
            "clusterArn": self._arn("cluster", cluster),
            "taskDefinitionArn": definition.arn,
            "containers": [{"name": name, "lastStatus": "RUNNING"} for name in containers],
            "createdAt": now,
            "startedAt": now,
            "desiredStatus": "RUNNING",
            "lastStatus": "RUNNING",
            "group": parameters.get("group") or f"family:{definition.content['family']}",
            "launchType": parameters.get("launchType") or "EC2",
            "overrides": dict(overrides),
            "startedBy": parameters.get("startedBy") or "",
            "tags": list(parameters.get("tags") or []),
        }
        task = _Task(content, cluster, None if self.run_seconds is None else now + self.run_seconds)
        self._tasks[arn] = task
        return task

    def _find(self, cluster: str, named: str) -> _Task | None:
        task = self._tasks.get(self._task_arn(cluster, named))
        if task is None or task.cluster != cluster:
            return None
        if task.ends_at is not None and task.ends_at <= self.clock():
            self._stop(task, task.ends_at, code="EssentialContainerExited", reason="Essential container exited")
        stopped = task.content.get("stoppedAt")
        return None if stopped is not None and stopped + SHOWN_AFTER_STOP <= self.clock() else task

    @staticmethod
    def _stop(task: _Task, at: float, *, code: str, reason: str, exits: int = 0) -> None:
        task.ends_at = None
        task.content |= {
            "desiredStatus": "STOPPED",
            "lastStatus": "STOPPED",
            "stopCode": code,
            "stoppedReason": reason,
            "stoppedAt": at,
            "containers": [{**each, "lastStatus": "STOPPED", "exitCode": exits} for each in task.content["containers"]],
        }

    @staticmethod
    def _content(task: _Task) -> dict[str, Any]:
        return deepcopy(task.content)

    def _cluster(self, parameters: Mapping[str, Any]) -> str:
        name = str(parameters.get("cluster") or "default").removeprefix(self._arn("cluster", ""))
        if name not in self._clusters:
            raise AwsError("ClusterNotFoundException", "Cluster not found.")
        return name

    def _task_arn(self, cluster: str, named: str) -> str:
        return named if named.startswith("arn:") else self._arn("task", f"{cluster}/{named}")

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:ecs:{self.region}:{self.account}:{kind}/{name}"


def check_run(parameters: Mapping[str, Any]) -> None:
    """Check what RunTask is given, as ECS does before it looks at what there is.

    Raises:
        AwsError: ECS would not start tasks.
    """
    count = parameters.get("count", 1)
    if not isinstance(count, int) or not 1 <= count <= MOST_STARTED:
        raise AwsError("InvalidParameterException", f"count must be between 1 and {MOST_STARTED}")
    if not _STARTED_BY.match(parameters.get("startedBy") or ""):
        raise AwsError(
            "InvalidParameterException", "startedBy has at most 128 letters, digits, slashes, hyphens, underscores"
        )
    overrides = parameters.get("overrides") or {}
    if len(json.dumps(overrides, separators=(",", ":"))) > LONGEST_OVERRIDES:
        raise AwsError("InvalidParameterException", f"Container Overrides length must be at most {LONGEST_OVERRIDES}")
    token = str(parameters.get("clientToken") or "")
    if len(token) > _LONGEST_TOKEN:
        raise AwsError("InvalidParameterException", f"clientToken has at most {_LONGEST_TOKEN} characters")


def check_start(definition: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Check that RunTask may start a task definition in this way.

    Args:
        definition: The task definition as DescribeTaskDefinition answers it.
        parameters: Of the call.

    Raises:
        AwsError: ECS would not start it.
    """
    if definition["status"] != "ACTIVE":
        raise AwsError("ClientException", "TaskDefinition is inactive")
    overrides = parameters.get("overrides") or {}
    containers = [each["name"] for each in definition["containerDefinitions"]]
    for each in overrides.get("containerOverrides") or []:
        if each.get("name") not in containers:
            raise AwsError(
                "InvalidParameterException",
                f"Override for container named {each.get('name')} is not a container in the TaskDefinition.",
            )
    if definition.get("networkMode") == "awsvpc" and not parameters.get("networkConfiguration"):
        raise AwsError(
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        )


def check_described(named: Sequence[str]) -> None:
    """Check how many tasks DescribeTasks is asked for.

    Raises:
        AwsError: There are too many of them, or none.
    """
    if not 1 <= len(named) <= MOST_DESCRIBED:
        raise AwsError("InvalidParameterException", f"tasks must have 1 to {MOST_DESCRIBED} items")

"""The operator behind every task of a project: one ECS task, started once, watched to its end.

It is the provider's ``EcsRunTaskOperator`` with another way of starting (a replay finds the same ECS task), waiting (a
failed look is no verdict) and judging (the DAG's container decides, not a sidecar).
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from botocore.exceptions import ClientError

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER
from airflow_ecs_dag_loader.container_lines import ContainerLines
from airflow_ecs_dag_loader.template_values import render, template_values
from airflow_ecs_dag_loader.verdict import EcsTaskFailedError, EcsTaskLostError, check_stopped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2
    from airflow.sdk import Context
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient

_SERVER_ERROR = 500
_OVERRIDES_LIMIT = 8_192
"""Characters of JSON that RunTask takes as overrides."""
_FIRST_POLL, _LONGEST_POLL = 1.0, 6.0
"""Seconds between two looks at the ECS task, soon after the start and later."""
_MISSING = ("MISSING", "ClusterNotFoundException")
"""How ECS says that it does not know the task."""
_MISSING_FOR = 300.0
"""Seconds for which ECS may not know the task before it counts as lost; a stopped one stays visible about an hour."""
_START_WAITS = (1.0, 4.0, 15.0)
"""Seconds before RunTask is called again when its answer does not tell whether the ECS task was started."""
_LAST_LINES_WAIT = 1.0
"""Seconds between the last looks for lines; CloudWatch gets them a little after the container has ended."""


class EcsTaskOperator(EcsRunTaskOperator):
    """Run one ECS task and take its container's verdict.

    Args:
        command: The whole command of the container; templates in it are filled in when the task runs.
        kwargs: Those of ``EcsRunTaskOperator``, without ``overrides``.
    """

    template_fields: Sequence[str] = ("command",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"command": "json"}
    ui_color = "#ffe8cc"
    custom_operator_name = "EcsTask"

    def __init__(self, *, command: list[str], launch_type: str | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - the provider's own
        super().__init__(overrides={}, launch_type=launch_type or "", deferrable=False, **kwargs)
        self.command = command
        self._stop_asked = False

    def render_template(
        self,
        content: Any,  # noqa: ANN401 - as Airflow gives it
        context: Context,
        jinja_env: jinja2.Environment | None = None,  # noqa: ARG002 - Airflow's environment is the one to keep out
        seen_oids: set[int] | None = None,  # noqa: ARG002 - the fields are flat
    ) -> Any:  # noqa: ANN401
        """Fill in templates from plain values of the run, never with Airflow's own environment and context."""
        values = template_values(context)
        if isinstance(content, str):
            return render(content, values)
        return [render(text, values) for text in content]

    def execute(self, context: Context) -> None:
        """Start the ECS task, show its lines, and return when it ended well.

        Raises:
            EcsTaskFailedError: It ended otherwise, or could not be started.
            EcsTaskLostError: ECS does not know it any more, so how it ended can't be told.
        """
        # Where credentials and endpoints were found is of no use to who reads this log.
        logging.getLogger("botocore").setLevel(logging.WARNING)
        self._run_name = _run_name(context)
        self.overrides = {"containerOverrides": [{"name": self.container_name, "command": list(self.command)}]}
        if (size := len(json.dumps(self.overrides))) > _OVERRIDES_LIMIT:
            raise EcsTaskFailedError(
                f"the command is {size} characters as JSON, RunTask takes {_OVERRIDES_LIMIT}: "
                "hand large inputs over through S3"
            )
        self.log.info("Command: %s", json.dumps(self.command))
        logs = self._logs()
        self.arn = self._start(_token(context))
        if self._stop_asked:
            self.on_kill()
        task_id = self._get_ecs_task_id(self.arn)
        self.log.info("ECS task: %s (%s) in cluster %s", task_id, self.task_definition, self.cluster)
        lines = ContainerLines(
            logs, group=self.awslogs_group or "", stream=self._get_logs_stream_name() if logs else "", log=self.log
        )
        stopped = self._wait(lines)
        lines.show_rest(wait=_LAST_LINES_WAIT)
        check_stopped(stopped, container_name=str(self.container_name))
        self.log.info("ECS task %s succeeded", task_id)

    def on_kill(self) -> None:
        """Stop the ECS task: the Airflow task was cleared, marked or timed out.

        Airflow calls this from a signal, at any point of :meth:`execute`; what is not started yet is stopped, or not
        started at all, as soon as ``execute`` goes on.
        """
        self._stop_asked = True
        if self.arn is None:
            return
        self.log.info("Stopping ECS task %s", self.arn)
        reason = f"stopped by Airflow: {getattr(self, '_run_name', self.task_id)}"
        try:
            self._ecs.stop_task(cluster=self.cluster, task=self.arn, reason=reason[:255])
        except NO_ANSWER as error:
            self.log.error("ECS task %s could not be stopped, it may still run: %s", self.arn, _reason(error))  # noqa: TRY400 - for who reads the task's log, not for us

    @property
    def _ecs(self) -> ECSClient:
        return self.client

    def _start(self, token: str) -> str:
        """Call RunTask; called again with the same ``token``, ECS answers with the task it started the first time."""
        request: dict[str, Any] = {
            "cluster": self.cluster,
            "taskDefinition": self.task_definition,
            "overrides": self.overrides,
            "startedBy": f"airflow/{token[:32]}",
            "clientToken": token,
            "count": 1,
        }
        if self.capacity_provider_strategy:
            request["capacityProviderStrategy"] = self.capacity_provider_strategy
        elif self.launch_type:
            request["launchType"] = self.launch_type
        if self.network_configuration:
            request["networkConfiguration"] = self.network_configuration
        if self._stop_asked:
            raise EcsTaskFailedError(f"stopped by Airflow before it asked ECS to run {self.task_definition}")
        for wait in (*_START_WAITS, None):
            arn, doubt = self._run_task(request)
            if arn:
                return arn
            self.log.warning("RunTask did not tell whether it started the ECS task: %s", doubt)
            if wait is not None:
                time.sleep(wait)
        raise EcsTaskLostError(
            f"RunTask did not tell whether it started the ECS task ({doubt}); if it did, the task runs in cluster "
            f"{self.cluster}, startedBy {request['startedBy']}"
        )

    def _run_task(self, request: Mapping[str, Any]) -> tuple[str, str]:
        """Return the ARN of the ECS task, or an empty one and why it is in doubt whether there is one."""
        try:
            answer = self._ecs.run_task(**request)
            failures, tasks = answer.get("failures"), answer.get("tasks")
            if tasks:
                return str(tasks[0]["taskArn"]), ""
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR:
                return "", _reason(error)
            raise EcsTaskFailedError(f"ECS refused to run {self.task_definition}: {_reason(error)}") from error
        except NO_ANSWER as error:
            return "", _reason(error)
        if failures:
            reasons = "; ".join(f"{each.get('reason')} {each.get('detail') or ''}".strip() for each in failures)
            raise EcsTaskFailedError(f"ECS could not start {self.task_definition}: {reasons}")
        return "", "the answer has no task"

    def _wait(self, lines: ContainerLines) -> Mapping[str, Any]:
        """Return the ECS task once it has stopped. An answer that failed says nothing about it, so the wait goes on."""
        started = time.monotonic()
        missing_since: float | None = None
        status = ""
        while True:
            task, failure = self._look()
            if task is not None:
                missing_since = None
                if task["lastStatus"] != status:
                    status = task["lastStatus"]
                    self.log.info("ECS task is %s", status)
            elif failure.startswith(_MISSING):
                missing_since = missing_since or time.monotonic()
                if time.monotonic() - missing_since > _MISSING_FOR:
                    raise EcsTaskLostError(
                        f"ECS has not known {self.arn} for {_MISSING_FOR:.0f} s: its end can't be told"
                    )
            else:
                self.log.warning("ECS task can't be looked at, it goes on: %s", failure)
            lines.show_new()
            if task is not None and status == "STOPPED":
                return task
            elapsed = time.monotonic() - started
            time.sleep(min(_LONGEST_POLL, _FIRST_POLL + elapsed / 20))

    def _look(self) -> tuple[Mapping[str, Any] | None, str]:
        """Return the ECS task, or ``None`` and why it could not be seen."""
        try:
            answer: Mapping[str, Any] = self._ecs.describe_tasks(cluster=self.cluster, tasks=[str(self.arn)])
            for task in answer.get("tasks", ()):
                if task.get("taskArn") == self.arn and "lastStatus" in task:
                    return task, ""
            reasons = [str(each.get("reason")) for each in answer.get("failures", ())]
        except NO_ANSWER as error:
            return None, _reason(error)
        return None, reasons[0] if reasons else "the answer does not have it"

    def _logs(self) -> CloudWatchLogsClient | None:
        """Return a client for the container's lines, before there is an ECS task that its failure would leave alone."""
        if not (self.awslogs_group and self.awslogs_stream_prefix):
            self.log.info("The container's lines are not in CloudWatch Logs (no awslogs driver with a stream prefix)")
            return None
        hook = AwsBaseHook(aws_conn_id=self.aws_conn_id, region_name=self.resolve_awslogs_region(), client_type="logs")
        return hook.get_conn()


def _run_name(context: Context) -> str:
    instance = context["ti"]
    return f"dag {instance.dag_id}, run {instance.run_id}, task {instance.task_id}, try {instance.try_number}"


def _token(context: Context) -> str:
    """Return 64 characters that are the same for each attempt to start this try, and for no other."""
    instance = context["ti"]
    identity = [
        instance.dag_id,
        instance.run_id,
        instance.task_id,
        instance.map_index,
        instance.try_number,
        str(context["dag_run"].start_date),
    ]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


def _reason(error: Exception) -> str:
    if not isinstance(error, ClientError):
        return str(error) or repr(error)
    answer = error.response.get("Error", {})
    return f"{answer.get('Code', 'unknown error')}: {answer.get('Message', error)}"

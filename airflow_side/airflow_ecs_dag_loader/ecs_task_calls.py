"""What the operator asks of AWS. Only where a task runs is this imported, and boto3 with it: no DAG file needs them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER, reason
from airflow_ecs_dag_loader.aws_hook import AwsHook
from airflow_ecs_dag_loader.container_lines import ContainerLines
from airflow_ecs_dag_loader.ecs_task_start import start
from airflow_ecs_dag_loader.ecs_task_watch import look, wait_until_stopped
from airflow_ecs_dag_loader.left_ecs_tasks import running_tasks
from airflow_ecs_dag_loader.newest_revision import newest_revision
from airflow_ecs_dag_loader.other_task_definition import OtherTaskDefinition, find

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk.types import Logger
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient

    from airflow_ecs_dag_loader.definition import TaskDefinitionArn

_DESCRIBE_RETRIES = Config(retries={"mode": "adaptive", "total_max_attempts": 10})
"""For the one look at another task definition: AWS's rate for it is shared with everything else in the account."""


class EcsTaskCalls:
    """The calls for one ECS task, with a connection of Airflow's.

    Args:
        aws_conn_id: Airflow connection; ``None`` for the process's own credentials.
        region_name: AWS region; ``None`` for that of the connection or of the process's environment.
        log: The Airflow task's logger.
    """

    def __init__(self, aws_conn_id: str | None, region_name: str | None, *, log: Logger) -> None:
        self._aws_conn_id = aws_conn_id
        self._region_name = region_name
        self._log = log

    @cached_property
    def ecs(self) -> ECSClient:
        """The client for ECS."""
        return cast("ECSClient", self._client("ecs"))

    def logs(self, region_name: str | None) -> CloudWatchLogsClient:
        """Return a client for CloudWatch Logs in ``region_name``, or in the region of the other calls."""
        return cast("CloudWatchLogsClient", self._client("logs", region_name=region_name or self._region_name))

    def find(
        self, name: str, *, dag_id: str, own: TaskDefinitionArn, container_name: str | None
    ) -> OtherTaskDefinition:
        """Return another task definition, as :func:`other_task_definition.find` does."""
        return find(self._describing, name, dag_id=dag_id, own=own, container_name=container_name)

    def newest_revision(
        self, gone: TaskDefinitionArn, *, dag_id: str, task_id: str, container_name: str
    ) -> OtherTaskDefinition:
        """Return what takes the place of a revision, as :func:`newest_revision.newest_revision` does."""
        return newest_revision(self._describing, gone, dag_id=dag_id, task_id=task_id, container_name=container_name)

    def running(self, *, cluster: str, started_by: str, within: float) -> list[Mapping[str, Any]]:
        """Return the ECS tasks of a task instance, as :func:`left_ecs_tasks.running_tasks` does."""
        return running_tasks(self.ecs, cluster=cluster, started_by=started_by, within=within, log=self._log)

    def start(self, request: Mapping[str, Any], *, within: float, is_cancelled: Callable[[], bool]) -> str:
        """Return the ARN of the ECS task that ``request`` starts, as :func:`ecs_task_start.start` does."""
        return start(self.ecs, request, within=within, is_cancelled=is_cancelled, log=self._log)

    def lines(self, logs: CloudWatchLogsClient | None, *, group: str, stream: str) -> ContainerLines:
        """Return the lines of a container, to be shown in the task's log."""
        return ContainerLines(logs, group=group, stream=stream, log=self._log)

    def look(self, *, cluster: str, arn: str) -> Mapping[str, Any] | None:
        """Return the ECS task once ECS says something about it: ``None`` if it does not know it."""
        return look(self.ecs, cluster=cluster, arn=arn, log=self._log)

    def wait_until_stopped(self, *, cluster: str, arn: str, lines: ContainerLines | None = None) -> Mapping[str, Any]:
        """Return the ECS task once it has stopped, as :func:`ecs_task_watch.wait_until_stopped` does."""
        shown = lines or self.lines(None, group="", stream="")
        return wait_until_stopped(self.ecs, cluster=cluster, arn=arn, lines=shown, log=self._log)

    def stop(self, *, cluster: str, arn: str, why: str) -> bool:
        """Stop an ECS task; if that fails, the log says so, and ``False`` is returned."""
        try:
            self.ecs.stop_task(cluster=cluster, task=arn, reason=why[:255])
        except NO_ANSWER as error:
            self._log.error("ECS task %s could not be stopped, it may still run: %s", arn, reason(error))
            return False
        return True

    @cached_property
    def _describing(self) -> ECSClient:
        return cast("ECSClient", self._client("ecs", config=_DESCRIBE_RETRIES))

    def _client(self, service: str, **options: Any) -> object:  # noqa: ANN401 - AwsHook's own
        arguments = {"region_name": self._region_name, **options}
        return AwsHook(aws_conn_id=self._aws_conn_id, client_type=service, **arguments).get_conn()

"""What the operator asks of AWS. Only where a task runs is this imported, and boto3 with it: no DAG file needs them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.runner.container_lines import ContainerLines
from airflow_ecs_dag_loader.runner.ecs_task_start import start
from airflow_ecs_dag_loader.runner.ecs_task_stop import stop
from airflow_ecs_dag_loader.runner.ecs_task_watch import EcsTaskWatch, seen, wait_until_over
from airflow_ecs_dag_loader.runner.left_ecs_tasks import running_tasks
from airflow_ecs_dag_loader.runner.log_reads import log_reads
from airflow_ecs_dag_loader.runner.newest_revision import newest_revision
from airflow_ecs_dag_loader.runner.other_task_definition import OtherTaskDefinition, find

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk.types import Logger
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from pydantic import JsonValue

    from airflow_ecs_dag_loader.definition import TaskDefinitionArn
    from airflow_ecs_dag_loader.runner.ecs_task_clients import EcsTaskClients
    from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun

_FOLDED = 2.0
"""Seconds for which a worker that lets go of a task still writes to its log. Airflow's page sorts all lines by time,
and folds those: a container's line of that time would not be seen."""


class EcsTaskCalls:
    """The calls for one ECS task.

    Args:
        clients: For AWS.
        log: The Airflow task's logger.
    """

    def __init__(self, clients: EcsTaskClients, *, log: Logger) -> None:
        self._clients = clients
        self._log = log

    @property
    def ecs(self) -> ECSClient:
        """The client for ECS."""
        return self._clients.ecs

    def logs(self, region_name: str | None) -> CloudWatchLogsClient:
        """Return the client for CloudWatch Logs in ``region_name``, or in the region of the other calls."""
        return self._clients.logs(region_name)

    def find(
        self, name: str, *, dag_id: str, own: TaskDefinitionArn, container_name: str | None
    ) -> OtherTaskDefinition:
        """Return another task definition, as :func:`other_task_definition.find` does."""
        return find(self._clients.describing, name, dag_id=dag_id, own=own, container_name=container_name)

    def newest_revision(
        self, gone: TaskDefinitionArn, *, dag_id: str, task_id: str, container_name: str
    ) -> OtherTaskDefinition:
        """Return what takes the place of a revision, as :func:`newest_revision.newest_revision` does."""
        return newest_revision(
            self._clients.describing, gone, dag_id=dag_id, task_id=task_id, container_name=container_name
        )

    def running(self, *, cluster: str, started_by: str, within: float) -> list[Mapping[str, Any]]:
        """Return the ECS tasks of a task instance, as :func:`left_ecs_tasks.running_tasks` does."""
        return running_tasks(self.ecs, cluster=cluster, started_by=started_by, within=within, log=self._log)

    def start(self, request: Mapping[str, Any], *, within: float, is_cancelled: Callable[[], bool]) -> str:
        """Return the ARN of the ECS task that ``request`` starts, as :func:`ecs_task_start.start` does."""
        return start(self.ecs, self._clients.renewed, request, within=within, is_cancelled=is_cancelled, log=self._log)

    def lines_of(self, run: EcsTaskRun, *, position: JsonValue) -> ContainerLines:
        """Return the lines of an ECS task's container, to be shown in the Airflow task's log.

        Args:
            run: The ECS task.
            position: Where to go on, as ``ContainerLines.position`` was; ``None`` for the first line.
        """
        return ContainerLines(
            self.logs(run.log_region) if run.log_group else None,
            group=run.log_group,
            stream=run.log_stream,
            log=self._log,
            position=position,
            not_before=0.0 if run.deferred_at is None else run.deferred_at + _FOLDED,
            reads=log_reads(self._clients.aws_conn_id, run.log_region or self._clients.region_name),
            renewed=partial(self._clients.renewed_logs, run.log_region),
        )

    def seen(self, *, cluster: str, arn: str, is_new: bool = True) -> Mapping[str, Any] | None:
        """Return the ECS task once ECS says something about it, as :func:`ecs_task_watch.seen` does."""
        return seen(self._clients.looks, cluster=cluster, arn=arn, log=self._log, is_new=is_new)

    def wait_until_over(
        self,
        *,
        cluster: str,
        arn: str,
        container_name: str,
        lines: ContainerLines | None = None,
        deadline: float | None = None,
    ) -> Mapping[str, Any]:
        """Return the ECS task once its end can be judged, as :func:`ecs_task_watch.wait_until_over` does."""
        watch = EcsTaskWatch(arn, container_name=container_name, log=self._log)
        return wait_until_over(self._clients.looks, cluster=cluster, watch=watch, lines=lines, deadline=deadline)

    def stop(self, *, cluster: str, arn: str, why: str, within: float) -> bool:
        """Stop an ECS task, as :func:`ecs_task_stop.stop` does."""
        return stop(self.ecs, cluster=cluster, arn=arn, why=why, within=within, log=self._log)

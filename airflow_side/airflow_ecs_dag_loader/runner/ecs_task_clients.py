"""The clients of one connection and region; many threads may use one of boto3's, and each takes time and memory."""

from __future__ import annotations

import contextvars
import time
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config

from airflow_ecs_dag_loader.aws_hook import AwsHook
from airflow_ecs_dag_loader.runner.ecs_task_watch import Look, looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient

_ASKING = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})
"""What has no usable answer is asked again by who asks, who knows when; and one call that hangs is not to keep many
from theirs."""
_DESCRIBE_RETRIES = Config(retries={"mode": "adaptive", "total_max_attempts": 10})
"""For the one look at another task definition: AWS's rate for it is shared with everything else in the account."""
_RENEWED_EVERY = 30.0
"""Seconds between two times that a client for CloudWatch Logs is made anew."""
_LOOKS_BEFORE_RENEWAL = 5
"""Looks that fail one after the other, before the connection is read again."""


class EcsTaskClients:
    """The clients for AWS with a connection of Airflow's, each made when it is needed first.

    Args:
        aws_conn_id: Airflow connection; ``None`` for the process's own credentials.
        region_name: AWS region; ``None`` for that of the connection or of the process's environment.
    """

    def __init__(self, aws_conn_id: str | None, region_name: str | None) -> None:
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self._failed_looks = 0
        self._making = Lock()
        self._renewing = Lock()
        self._ecs: ECSClient | None = None
        self._logs: dict[str | None, CloudWatchLogsClient] = {}
        self._logs_kept_until: dict[str | None, float] = {}

    @property
    def ecs(self) -> ECSClient:
        """The client for ECS."""
        with self._making:
            if self._ecs is None:
                self._ecs = cast("ECSClient", self._client("ecs", config=_ASKING))
            return self._ecs

    def logs(self, region_name: str | None) -> CloudWatchLogsClient:
        """Return the client for CloudWatch Logs in ``region_name``, or in the region of the other calls."""
        region = region_name or self.region_name
        with self._making:
            if region not in self._logs:
                self._logs[region] = self._logs_client(region)
            return self._logs[region]

    def renewed_logs(self, region_name: str | None, stale: CloudWatchLogsClient) -> CloudWatchLogsClient:
        """Return a client for CloudWatch Logs with the connection as it is now, where ``stale`` has failed.

        Many containers' lines share a client: the first one that asks makes it anew for all, and not more often than
        each :data:`_RENEWED_EVERY` seconds. Where none can be made, the old one stays, and the error is raised.
        """
        region = region_name or self.region_name
        with self._renewing:
            now = time.monotonic()
            if self._logs.get(region) is stale and now >= self._logs_kept_until.get(region, now):
                self._logs_kept_until[region] = now + _RENEWED_EVERY
                self._logs[region] = contextvars.Context().run(self._logs_client, region)  # it says so in nobody's log
        return self.logs(region_name)

    @cached_property
    def describing(self) -> ECSClient:
        """The client for task definitions."""
        return cast("ECSClient", self._client("ecs", config=_DESCRIBE_RETRIES))

    def renewed(self) -> ECSClient:
        """Return a client for ECS with the connection as it is now."""
        self._ecs = None
        return self.ecs

    def looks(self, cluster: str, arns: Sequence[str]) -> dict[str, Look]:
        """Look once at ECS tasks, as :func:`ecs_task_watch.looks` does.

        Credentials may expire or be replaced while an ECS task runs for days: after looks that failed, the next one is
        made with the connection as it is then.
        """
        try:
            ecs = self.ecs if self._failed_looks < _LOOKS_BEFORE_RENEWAL else self.renewed()
        except Exception as error:  # noqa: BLE001 - Airflow's API server, a role that can't be assumed just now, ...
            return dict.fromkeys(arns, Look(None, f"connection {self.aws_conn_id}: {error}"))
        if self._failed_looks >= _LOOKS_BEFORE_RENEWAL:
            self._failed_looks = 0
        found = looks(ecs, cluster=cluster, arns=arns)
        has_answered = any(each.task is not None or each.is_unknown for each in found.values())
        self._failed_looks = 0 if has_answered else self._failed_looks + 1
        return found

    def _logs_client(self, region: str | None) -> CloudWatchLogsClient:
        return cast("CloudWatchLogsClient", self._client("logs", region_name=region, config=_ASKING))

    def _client(self, service: str, **options: Any) -> object:  # noqa: ANN401 - AwsHook's own
        arguments = {"region_name": self.region_name, **options}
        return AwsHook(aws_conn_id=self.aws_conn_id, client_type=service, **arguments).get_conn()

"""A container's lines, from CloudWatch Logs into the Airflow task log: in order, each once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER
from airflow_ecs_dag_loader.task_output import OutputLines

if TYPE_CHECKING:
    from airflow.sdk.types import Logger
    from mypy_boto3_logs import CloudWatchLogsClient

_QUIET_LOOKS = 2
"""Looks without a new line after which a container that has ended is taken to have said all."""
_MOST_LOOKS = 30


class ContainerLines:
    """The log stream of one container, read from its head on.

    Args:
        client: A boto3 client for CloudWatch Logs; ``None`` where the container's lines don't go there.
        group: Log group.
        stream: Log stream.
        log: The Airflow task's logger.

    Attributes:
        output: What the container put out, as far as its lines were shown.
    """

    def __init__(self, client: CloudWatchLogsClient | None, *, group: str, stream: str, log: Logger) -> None:
        self._client = client
        self._request: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
        self._log = log
        self.output = OutputLines()

    def show_new(self) -> int:
        """Write the lines that came since the last call to the task log; return how many.

        A failed read is no reason to end anything: the next call reads from the same place.
        """
        shown = 0
        while self._client is not None:
            try:
                answer = self._client.get_log_events(**self._request)
            except self._client.exceptions.ResourceNotFoundException:
                return shown  # the container has not said anything yet
            except NO_ANSWER as error:
                self._log.warning("The container's lines can't be read just now: %s", error)
                return shown
            events = answer.get("events", [])
            for event in events:
                self._log.info("%s", event["message"])
                for line in event["message"].split("\n"):
                    self.output.add(line)
            shown += len(events)
            following = answer.get("nextForwardToken")
            if not following or following == self._request.get("nextToken"):
                return shown
            self._request["nextToken"] = following
            if not events:
                return shown
        return shown

    def show_rest(self, *, wait: float, for_output: bool = False) -> None:
        """Write what is still to come of a container that has ended.

        Args:
            wait: Seconds between two looks.
            for_output: Whether its output is waited for longer than for its other lines.
        """
        quiet = 0
        for _ in range(_MOST_LOOKS):
            quiet = 0 if self.show_new() else quiet + 1
            if self._client is None or (quiet >= _QUIET_LOOKS and (self.output.found or not for_output)):
                return
            time.sleep(wait)

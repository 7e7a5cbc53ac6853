"""A queue that hints that a task definition was deployed: a reason to scan now, and never to believe anything.

What is in a message is not read. Whoever can put one there makes the next scan come sooner, and that is all.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

import structlog

from airflow_ecs_dag_loader.scan_error import ScanError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ecs_dag_loader.sqs_hints import SqsHints

log = structlog.get_logger(__name__)

QUEUE_URL = re.compile(r"https://sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/\d{12}/[A-Za-z0-9_-]{1,80}\Z")
_PAUSE = 5.0
"""Seconds between two looks; Airflow checks its bundles as often."""
_PAUSE_AFTER_FAILURE = 60.0
_REST = 4.0
"""After a refresh, hints wait for so many times as long as it took: a flood takes a fifth of the time at most."""


class WakeUpQueue:
    """The queue, looked at whenever Airflow asks whether it is time for a refresh.

    Args:
        url: Of the SQS queue.
        clock: Seconds that only go up.

    Raises:
        ValueError: ``url`` is none of a queue.
    """

    def __init__(self, url: str, *, clock: Callable[[], float]) -> None:
        found = QUEUE_URL.match(url)
        if found is None:
            raise ValueError(
                f"wake_up_queue is {url!r}: give the URL of an SQS queue, such as "
                "https://sqs.eu-west-1.amazonaws.com/123456789012/airflow-wake-up"
            )
        self._url = url
        self._region_name = found["region"]
        self._clock = clock
        self._next_look = 0.0
        self._is_hinted = False
        self._has_failed = False

    def refreshed(self, seconds: float) -> None:
        """Say that a refresh was done and how long it took: the hints before it are used up."""
        self._is_hinted = False
        self._next_look = self._clock() + max(_PAUSE, _REST * seconds)

    def has_hint(self) -> bool:
        """Tell whether something was deployed since the last refresh; a queue that does not answer knows of nothing."""
        if not self._is_hinted and self._clock() >= self._next_look:
            self._next_look = self._clock() + _PAUSE
            try:
                self._is_hinted = self._hints.take()
                self._has_failed = False
            except ScanError as error:
                self._next_look = self._clock() + _PAUSE_AFTER_FAILURE
                if not self._has_failed:
                    log.warning("the wake-up queue can't be read: refreshes go on by time", reason=str(error))
                self._has_failed = True
        return self._is_hinted

    @cached_property
    def _hints(self) -> SqsHints:
        from airflow_ecs_dag_loader.sqs_hints import SqsHints  # noqa: PLC0415 - boto3, which no worker needs for this

        return SqsHints(self._url, self._region_name)

"""What is in the wake-up queue: only where it is looked into is this imported, and boto3 with it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER, reason
from airflow_ecs_dag_loader.scan_error import ScanError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BRIEF = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2)
"""A hint that is late is worth less than the DAG processor's time."""
_A_POLL = 10
"""Messages that one call takes, as many as SQS gives."""
_MOST_POLLS = 10


class SqsHints:
    """The messages of a queue, with the process's own credentials.

    Args:
        url: Of the queue.
        region_name: Its region.
    """

    def __init__(self, url: str, region_name: str) -> None:
        self._url = url
        self._region_name = region_name

    def take(self) -> bool:
        """Take what is in the queue, and tell whether there was anything.

        Raises:
            ScanError: SQS gave no usable answer.
        """
        try:
            return self._take()
        except NO_ANSWER as error:
            raise ScanError(reason(error)) from error

    def _take(self) -> bool:
        for polls in range(_MOST_POLLS):
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=_A_POLL)
            messages = answer.get("Messages", [])
            if messages:
                self._sqs.delete_message_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                        for number, message in enumerate(messages)
                    ],
                )
            if len(messages) < _A_POLL:
                return bool(polls or messages)
        return True

    @cached_property
    def _sqs(self) -> SQSClient:
        return boto3.Session().client("sqs", region_name=self._region_name, config=_BRIEF)

"""A line on its way through Airflow's processes: the one that reads it hands it to its supervisor, which writes it."""

from __future__ import annotations

import io
import json
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from airflow.jobs.triggerer_job_runner import TriggerRunnerSupervisor
from airflow.sdk.execution_time.supervisor import process_log_messages_from_subprocess
from airflow.sdk.log import logging_processors

from container_logs.test_streams import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Forward = Callable[[Any], Generator[None, bytes | bytearray, None]]

TRIGGER_ID = 7
LINES = ("100 % {of} %s", "\x1b[31mred\x1b[0m", "the same", "the same", "x" * 250_000, "é 😀")


def _logger(file: io.BytesIO, *, sending: bool) -> Any:
    return structlog.wrap_logger(
        structlog.BytesLogger(file),
        processors=logging_processors(json_output=True, sending_to_supervisor=sending),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def of_worker(target: Any) -> Generator[None, bytes | bytearray, None]:
    """Return what a worker's supervisor writes the lines of its task with."""
    return process_log_messages_from_subprocess((target.bind(),))


def of_triggerer(target: Any) -> Generator[None, bytes | bytearray, None]:
    """Return what a triggerer's supervisor writes the lines of its triggers with."""
    triggerer: Any = SimpleNamespace(logger_cache={TRIGGER_ID: lambda _: target.bind()})
    return TriggerRunnerSupervisor._process_log_messages_from_subprocess(triggerer)


@pytest.mark.parametrize("forward", [of_worker, of_triggerer])
def test_lines_keep_their_text_time_and_logger(forward: Forward) -> None:
    sent, written = io.BytesIO(), io.BytesIO()
    with reading() as made:
        made.file = sent
        made.lines = made.read_from(None)
        made.say(*LINES)
        made.lines.show_new()
        at = made.said[0][0]
    supervisor = forward(_logger(written, sending=False))
    next(supervisor)
    for line in sent.getvalue().splitlines():
        supervisor.send(json.dumps({**json.loads(line), "trigger_id": TRIGGER_ID}).encode())
    records = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [record["event"] for record in records] == list(LINES)
    assert {record["logger"] for record in records} == {"airflow_ecs_dag.container"}
    moments = [datetime.fromisoformat(record["timestamp"]) for record in records]
    assert moments == sorted(set(moments))
    assert {int(moment.timestamp() * 1000) for moment in moments} == {at}

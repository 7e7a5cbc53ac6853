"""A container's lines in the task log: in order, each once, whatever CloudWatch Logs answers in between."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_loader.runner.container_lines import ContainerLines
from airflow_ecs_dag_loader.runner.log_reads import LogReads
from loader.bad_answers import UNUSABLE, Answer, intercept
from loader.task_log import TaskLog

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from pydantic import JsonValue

    from loader.ecs_account import EcsAccount

pytestmark = pytest.mark.emulator

GROUP, STREAM = "/ecs/work", "airflow/main/0123"


class Stream:
    """A log stream in the emulator."""

    def __init__(self, account: EcsAccount) -> None:
        self.log = TaskLog()
        self.client: CloudWatchLogsClient = account.logs()
        self._said = 0
        self.client.create_log_group(logGroupName=GROUP)

    def open(self) -> None:
        self.client.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)

    def say(self, count: int) -> None:
        self.put(*(f"line {self._said + number}" for number in range(count)))
        self._said += count

    def put(self, *messages: str) -> None:
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": message} for message in messages]
        self.client.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=events)  # type: ignore[arg-type] # plain dicts

    def lines(self, position: JsonValue = None) -> ContainerLines:
        reads = LogReads(1_000)
        return ContainerLines(
            self.client, group=GROUP, stream=STREAM, log=self.log.logger, position=position, reads=reads
        )

    @property
    def shown(self) -> list[str]:
        """The container's lines in the task's log."""
        return [line for line in self.log.lines if line.startswith("line ")]


@pytest.fixture
def stream(account: EcsAccount) -> Stream:
    return Stream(account)


def test_lines_come_in_order_and_once(stream: Stream) -> None:
    lines = stream.lines()
    assert lines.show_new() == 0
    stream.open()
    assert lines.show_new() == 0
    for count in (3, 1, 5):
        stream.say(count)
        assert lines.show_new() == count
        assert lines.show_new() == 0
    assert stream.shown == [f"line {number}" for number in range(9)]


def test_lines_over_several_pages(stream: Stream) -> None:
    """A page of GetLogEvents has at most 10,000 events."""
    stream.open()
    for _ in range(3):
        stream.say(9_000)
    pages = intercept(stream.client, "GetLogEvents")
    assert stream.lines().show_new() == 27_000
    assert len(pages.requests) == 3
    assert stream.shown == [f"line {number}" for number in range(27_000)]


def test_an_empty_page_with_more_behind_it_is_no_end(stream: Stream) -> None:
    """CloudWatch Logs may answer a page without events and a token that leads on."""
    stream.open()
    stream.say(2)
    lines = stream.lines()
    first = stream.client.get_log_events(logGroupName=GROUP, logStreamName=STREAM, startFromHead=True, limit=1)
    leads_on = f'{{"events": [], "nextForwardToken": "{first["nextForwardToken"]}"}}'
    intercept(stream.client, "GetLogEvents", Answer(200, leads_on.encode()))
    assert lines.show_new() == 0
    assert lines.show_new() == 1
    assert stream.shown == ["line 1"]


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_bad_answer_loses_nothing_and_doubles_nothing(stream: Stream, kind: str) -> None:
    stream.open()
    stream.say(2)
    lines = stream.lines()
    intercept(stream.client, "GetLogEvents", None, UNUSABLE[kind], UNUSABLE[kind])
    for _ in range(3):
        lines.show_new()
    stream.say(2)
    for _ in range(2):
        lines.show_new()
    assert stream.shown == [f"line {number}" for number in range(4)]


def test_another_process_goes_on_far_from_the_head(stream: Stream) -> None:
    stream.open()
    lines = stream.lines()
    for _ in range(3):
        stream.say(400)
        time.sleep(0.002)
        lines.show_new()
    asked = intercept(stream.client, "GetLogEvents")
    lines = stream.lines(json.loads(json.dumps(lines.position)))
    lines.show_new()
    stream.say(300)
    lines.show_rest(wait=0)
    assert all(request["startTime"] for request in asked.requests)
    assert stream.shown == [f"line {number}" for number in range(1_500)]


def test_the_rest_of_a_container_that_has_ended(stream: Stream) -> None:
    stream.open()
    stream.say(2)
    stream.lines().show_rest(wait=0)
    assert stream.shown == ["line 0", "line 1"]


def test_the_output_is_found_among_the_lines(stream: Stream) -> None:
    stream.open()
    lines = stream.lines()
    stream.put("airflow-output: 1", "line 0")
    lines.show_new()
    assert lines.output.value() == 1
    stream.put("airflow-output: [", "2]", "line 1")
    lines.show_new()
    assert lines.output.value() == [2]


def test_the_output_is_found_within_an_event_of_several_lines(stream: Stream) -> None:
    """Such events are what the driver's option ``awslogs-multiline-pattern`` makes."""
    stream.open()
    stream.put("one\nairflow-output: 1\nairflow-output: [2]\r\nthree")
    lines = stream.lines()
    lines.show_new()
    assert lines.output.value() == [2]


def test_a_late_output_is_waited_for_where_it_is_needed(stream: Stream) -> None:
    stream.open()
    stream.put("airflow-output: 1")
    nothing = Answer(200, b'{"events": []}')
    for needed in (False, True):
        intercept(stream.client, "GetLogEvents", *[nothing] * 9)
        lines = stream.lines()
        lines.show_rest(wait=0, for_output=needed)
        assert lines.output.found == needed


def test_an_output_that_never_comes_is_not_waited_for_without_end(stream: Stream) -> None:
    stream.open()
    looks = intercept(stream.client, "GetLogEvents")
    stream.lines().show_rest(wait=0, for_output=True)
    assert len(looks.requests) == 30


def test_without_cloudwatch_there_is_nothing_to_wait_for() -> None:
    lines = ContainerLines(None, group="", stream="", log=TaskLog().logger)
    assert lines.show_new() == 0
    lines.show_rest(wait=60)

"""Any stream, read in any looks by any number of processes one after the other: each line once, in order."""

from __future__ import annotations

import io
import json
import random
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import structlog
from airflow.sdk.log import logging_processors
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_ecs_dag_loader.runner.container_lines import ContainerLines
from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun
from airflow_ecs_dag_loader.runner.log_reads import LogReads
from airflow_ecs_dag_loader.runner.shown_position import TaskInstanceName
from airflow_ecs_dag_loader.runner.triggerer_verdict import TriggererVerdict
from strict_ecs.botocore_door import in_this_process
from strict_ecs.faults import Fault
from strict_ecs.strict_aws import StrictAws
from strict_ecs.token_buckets import RATES
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic import JsonValue

    from strict_ecs.token_buckets import Rate

GROUP, STREAM, ACCOUNT, REGION = "/ecs/work", "airflow/main/0123", "111122223333", "eu-west-1"
FAULTS = (
    Fault.THROTTLED,
    Fault.SERVER_ERROR,
    Fault.RESET,
    Fault.TIMEOUT,
    Fault.TRUNCATED,
    Fault.EMPTY,
    Fault.HTML,
    Fault.EXPIRED_TOKEN,
    Fault.ACCESS_DENIED,
)
SESSION = boto3.Session()


class Reading:
    """A stream behind the strict CloudWatch Logs, and what a task's log has of it."""

    def __init__(self, aws: StrictAws, clock: VirtualClock) -> None:
        self.aws, self.clock = aws, clock
        self.logs = aws.region(ACCOUNT, REGION).logs
        self.file = io.BytesIO()
        self.said: list[tuple[int, str]] = []
        self.reads = LogReads(5, clock=clock.now, sleep=clock.sleep)
        self.lines = self.read_from(None)

    @staticmethod
    def client() -> Any:
        return SESSION.client(
            "logs",
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="not-aws",  # noqa: S106 - the opposite of a secret
            config=Config(retries={"total_max_attempts": 1}, read_timeout=10, connect_timeout=3),
        )

    def read_from(
        self, position: JsonValue, renewed: Callable[[Any], Any] | None = None, not_before: float = 0.0
    ) -> ContainerLines:
        log: Any = structlog.wrap_logger(
            structlog.BytesLogger(self.file),
            processors=logging_processors(json_output=True),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=False,
        )
        return ContainerLines(
            self.client(),
            group=GROUP,
            stream=STREAM,
            log=log,
            position=position,
            reads=self.reads,
            renewed=renewed,
            not_before=not_before,
        )

    def go_on_elsewhere(self) -> None:
        """Let another process go on: all that it gets is JSON."""
        self.lines = self.read_from(json.loads(json.dumps(self.lines.position)))

    def say(self, *messages: str, gap: int = 0) -> None:
        """Let the container say lines now, each so many milliseconds after the one before."""
        at = max(int(self.clock.now() * 1000), self.said[-1][0] if self.said else 0)
        events = [(at + gap * number, message) for number, message in enumerate(messages)]
        self.said += events
        self.logs.put(GROUP, STREAM, events)

    @property
    def records(self) -> list[dict[str, Any]]:
        """What the log has of the container."""
        records = map(json.loads, self.file.getvalue().splitlines())
        return [record for record in records if record.get("logger") == "airflow_ecs_dag.container"]

    @property
    def shown(self) -> list[str]:
        """The container's lines, as they were written."""
        return [record["event"] for record in self.records]


@contextmanager
def reading(rates: Mapping[str, Rate] = RATES) -> Iterator[Reading]:
    """Give a stream, in virtual time."""
    clock = VirtualClock()
    aws = StrictAws(clock=clock.now, rates=rates)
    with in_this_process(aws, clock):
        yield Reading(aws, clock)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("say"), st.lists(st.sampled_from(["a", "b", "c"]), max_size=4), st.sampled_from([0, 0, 1, 40])
        ),
        st.tuples(st.just("many"), st.integers(1, 1_500), st.sampled_from([0, 1, 40])),
        st.tuples(st.just("look"), st.integers(1, 3)),
        st.tuples(st.just("sleep"), st.sampled_from([0.001, 0.5, 16.0, 90.0, 25 * 3600.0])),
        st.tuples(st.just("go on elsewhere")),
    ),
    max_size=25,
)


def run(made: Reading, steps: list[Any]) -> None:
    for step in steps:
        match step:
            case ("say", messages, gap):
                made.say(*messages, gap=gap)
            case ("many", count, gap):
                made.say(*(f"line {number % 400}" for number in range(count)), gap=gap)
            case ("look", count):
                for _ in range(count):
                    made.lines.show_new()
            case ("sleep", seconds):
                made.clock.sleep(seconds)
            case ("go on elsewhere",):
                made.go_on_elsewhere()


@given(
    steps=STEPS, empty_pages=st.sampled_from([0.0, 0.4]), chance=st.sampled_from([0.0, 0.3]), seed=st.integers(0, 99)
)
@settings(max_examples=120, deadline=None)
def test_each_line_once_in_order(steps: list[Any], empty_pages: float, chance: float, seed: int) -> None:
    with reading() as made:
        made.logs.empty_pages, made.logs.seed = empty_pages, seed
        made.aws.faults.sprinkle(FAULTS, seed=seed, chance=chance, operation="GetLogEvents")
        run(made, steps)
        made.aws.faults.clear()
        made.logs.empty_pages = 0.0
        made.lines.show_rest(wait=1)
        times = [record["timestamp"] for record in made.records]
        assert made.shown == [message for _, message in made.said]
        assert times == sorted(set(times))


@given(steps=STEPS, seed=st.integers(0, 99))
@settings(max_examples=120, deadline=None)
def test_a_line_that_becomes_visible_after_later_ones_is_sorted_in(steps: list[Any], seed: int) -> None:
    """What comes late is looked for within 30 seconds and 500 events."""
    with reading() as made:
        delays = random.Random(seed)  # noqa: S311 - repeatable on purpose
        made.logs.delay = lambda: delays.choice([0.0, 0.0, 0.4, 3.0])
        run(made, [step for step in steps if step[0] != "many"])
        made.clock.sleep(5)
        made.lines.show_rest(wait=1)
        shown = sorted(made.records, key=lambda record: str(record["timestamp"])[:-4])
        assert len(shown) == len(made.said)
        by_time: list[tuple[str, list[str]]] = [
            (at, sorted(record["event"] for record in records))
            for at, records in groupby(shown, key=lambda record: str(record["timestamp"])[:-4])
        ]
        said = [
            (at, sorted(each[1] for each in events)) for at, events in groupby(made.said, key=lambda event: event[0])
        ]
        assert [messages for _, messages in by_time] == [messages for _, messages in said]


def test_a_throttled_read_slows_all_streams_and_says_nothing() -> None:
    with reading() as made:
        made.say("one")
        made.aws.faults.add(Fault.THROTTLED, "GetLogEvents", count=2)
        made.lines.show_new()
        assert made.reads.a_second == 2.5
        assert made.shown == []
        made.lines.show_rest(wait=1)
        assert made.shown == ["one"]
        assert len(made.file.getvalue().splitlines()) == 1
        for _ in range(60):
            made.lines.show_new()
        assert made.reads.a_second == 5


def test_a_failure_is_said_once_and_so_is_its_end() -> None:
    with reading() as made:
        made.say("one")
        made.aws.faults.add(Fault.ACCESS_DENIED, "GetLogEvents", count=3)
        for _ in range(5):
            made.lines.show_new()
        said = [json.loads(line)["event"] for line in made.file.getvalue().splitlines()]
        assert [text.partition(":")[0] for text in said] == [
            "The container's lines can't be read just now",
            "The container's lines can be read again",
            "one",
        ]


@pytest.mark.parametrize(("fault", "reads"), [(Fault.EXPIRED_TOKEN, 1), (Fault.ACCESS_DENIED, 5)])
def test_credentials_that_are_good_no_more_are_asked_for_anew(fault: Fault, reads: int) -> None:
    with reading() as made:
        made.say("one")
        made.aws.faults.add(fault, "GetLogEvents", count=None)
        stale: list[Any] = []

        def renewed(client: Any) -> Any:
            stale.append(client)
            made.aws.faults.clear()
            return made.client()

        made.lines = made.read_from(None, renewed=renewed)
        for _ in range(reads):
            assert not stale
            made.lines.show_new()
        assert len(stale) == 1
        made.lines.show_new()
        assert made.shown == ["one"]


def test_the_end_is_not_taken_for_reached_while_reads_fail() -> None:
    with reading() as made:
        made.say("one")
        made.aws.faults.add(Fault.TIMEOUT, "GetLogEvents", count=8)
        made.lines.show_rest(wait=1)
        assert made.shown == ["one"]


def test_a_container_that_has_ended_is_read_to_its_end_within_three_seconds() -> None:
    with reading() as made:
        made.say(*map(str, range(25_000)))
        before = made.clock.now()
        made.lines.show_rest(wait=1)
        assert made.shown == [str(number) for number in range(25_000)]
        assert made.clock.now() - before < 3


def test_an_output_that_one_process_has_seen_is_known_to_the_next() -> None:
    with reading() as made:
        made.say('airflow-output: {"rows": [1, ', "2]}")
        made.lines.show_new()
        made.say("done")
        made.go_on_elsewhere()
        made.lines.show_rest(wait=1)
        assert made.lines.output.value() == {"rows": [1, 2]}
        assert made.shown[-1] == "done"


def test_a_position_is_small_whatever_was_shown() -> None:
    with reading() as made:
        made.say(*(f"{number} {'x' * 60}" for number in range(100_000)))
        made.lines.show_rest(wait=1)
        assert len(made.shown) == 100_000
        assert len(json.dumps(made.lines.position)) < 16_000


def test_a_position_of_another_version_begins_at_the_head() -> None:
    with reading() as made:
        made.say("one")
        made.lines = made.read_from({"version": 99})
        made.lines.show_new()
        assert made.shown == ["one"]


def test_a_late_line_is_shown_with_its_own_time() -> None:
    with reading() as made:
        delays = iter([4.0, 0.0, 0.0])
        made.logs.delay = lambda: next(delays)
        made.say("late")
        made.clock.sleep(0.5)
        made.say("early")
        made.lines.show_new()
        made.clock.sleep(4)
        made.lines.show_new()
        made.lines.show_rest(wait=1)
        assert made.shown == ["early", "late"]
        early, late = (record["timestamp"] for record in made.records)
        assert late < early


def test_while_a_container_runs_late_lines_are_looked_for_as_well() -> None:
    with reading() as made:
        delays = iter([4.0, 0.0])
        made.logs.delay = lambda: next(delays)
        made.say("late")
        made.say("early")
        for _ in range(12):
            made.lines.show_new()
            made.clock.sleep(2)
        assert made.shown == ["early", "late"]


def test_another_process_passes_over_what_was_shown() -> None:
    with reading() as made:
        made.say("same", "same", "other")
        made.lines.show_new()
        made.go_on_elsewhere()
        made.lines.show_new()
        made.say("same")
        made.go_on_elsewhere()
        made.lines.show_new()
        assert made.shown == ["same", "same", "other", "same"]


def test_a_token_that_is_a_day_old_is_no_failure() -> None:
    with reading() as made:
        made.say("one")
        made.lines.show_new()
        made.clock.sleep(25 * 3600)
        made.say("two")
        for _ in range(3):
            made.lines.show_new()
        assert [json.loads(line)["event"] for line in made.file.getvalue().splitlines()] == ["one", "two"]


def test_reads_that_stay_denied_hold_up_the_end_for_seconds_only() -> None:
    with reading() as made:
        made.say("one")
        made.aws.faults.add(Fault.ACCESS_DENIED, "GetLogEvents", count=None)
        before = made.clock.now()
        assert not made.lines.show_rest(wait=1)
        assert made.clock.now() - before < 4
        said = [json.loads(line)["event"] for line in made.file.getvalue().splitlines()]
        assert [text.partition(":")[0] for text in said] == [
            "The container's lines can't be read just now",
            "The container's last lines may be missing",
        ]


def test_reads_without_any_answer_hold_up_the_end_for_minutes_only() -> None:
    with reading() as made:
        made.say("one")
        made.aws.faults.add(Fault.TIMEOUT, "GetLogEvents", count=None)
        before = made.clock.now()
        made.lines.show_rest(wait=1)
        assert made.clock.now() - before < 150


def test_the_rest_is_all_there_is_or_not_wanted_any_more() -> None:
    with reading() as made:
        made.say("one")
        assert not made.lines.show_rest(is_cancelled=lambda: True)
        assert made.shown == []
        assert made.lines.show_rest()
        assert made.shown == ["one"]


def test_the_position_in_the_lines_of_another_ecs_task_is_none_in_these() -> None:
    with reading() as made:
        made.say("airflow-output: 1")
        made.lines.show_new()
        position: Any = made.lines.position
        made.lines = made.read_from(position | {"stream": "airflow/main/4567"})
        assert not made.lines.output.found
        made.lines.show_new()
        assert made.shown == ["airflow-output: 1"] * 2


def test_no_line_is_older_than_what_the_worker_says_at_last() -> None:
    with reading() as made:
        made.say("one", "two")
        made.lines = made.read_from(None, not_before=made.clock.now() + 2)
        made.lines.show_new()
        made.clock.sleep(5)
        made.say("three")
        made.lines.show_new()
        began, moments = made.said[0][0] / 1000, [datetime.fromisoformat(each["timestamp"]) for each in made.records]
        assert [round(moment.timestamp() - began, 3) for moment in moments] == [2.0, 2.0, 5.0]
        assert moments[0] < moments[1]


@pytest.mark.parametrize(
    ("said", "needs_output", "ends"),
    [("one", False, True), ("one", True, False), ("airflow-output: {", False, False)],
)
def test_a_worker_judges_what_the_triggerer_can_not(said: str, *, needs_output: bool, ends: bool) -> None:
    verdict = TriggererVerdict(output_needed=needs_output)
    run = EcsTaskRun(arn="arn:aws:ecs:eu-west-1:1:task/c/0123", cluster="c", task_definition="t", container_name="main")
    over = {"stopCode": "EssentialContainerExited", "containers": [{"name": "main", "exitCode": 0}]}
    outcome = verdict.outcome(over, run, run_name="dag d, run r, task t, try 1")
    assert outcome is not None
    instance = TaskInstanceName(dag_id="d", run_id="r", task_id="t")
    log: Any = structlog.get_logger()
    with reading() as made:
        made.say(said)
        for is_cancelled, expected in ((lambda: True, False), (lambda: False, ends)):
            through = verdict.is_through(made.lines, outcome, instance, is_cancelled=is_cancelled, log=log)
            assert through == expected


def test_more_late_lines_than_are_kept_are_not_shown_twice() -> None:
    with reading() as made:
        delays = iter([10.0, 0.0])
        made.logs.delay = lambda: next(delays)
        made.say(*map(str, range(600)), gap=1)
        made.say("last")
        made.lines.show_new()
        assert made.shown == ["last"]
        made.clock.sleep(11)
        for _ in range(3):
            made.go_on_elsewhere()
            made.lines.show_new()
        assert sorted(made.shown) == sorted(message for _, message in made.said)


def test_a_page_without_events_is_not_the_end_of_what_was_shown() -> None:
    with reading() as made:
        made.say("one", "two")
        made.lines.show_new()
        made.go_on_elsewhere()
        made.logs.empty_pages = 1.0
        for _ in range(3):
            made.lines.show_new()
        made.logs.empty_pages = 0.0
        made.lines.show_rest(wait=1)
        assert made.shown == ["one", "two"]

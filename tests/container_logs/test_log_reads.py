"""The limiter that all streams of a process share."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_loader.runner import log_reads as module
from airflow_ecs_dag_loader.runner.log_reads import LogReads, log_reads
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable


def test_reads_keep_their_distance() -> None:
    clock = VirtualClock()
    reads = LogReads(5, clock=clock.now, sleep=clock.sleep)
    began = clock.now()
    for _ in range(51):
        reads.take()
    assert clock.now() - began == pytest.approx(10, abs=0.01)


def test_a_refused_read_halves_the_rate_once_a_second_and_answers_bring_it_back() -> None:
    clock = VirtualClock()
    reads = LogReads(5, clock=clock.now, sleep=clock.sleep)
    for _ in range(4):
        reads.refused()
    assert reads.a_second == 2.5
    clock.sleep(1)
    reads.refused()
    assert reads.a_second == 1.25
    for _ in range(20):
        clock.sleep(1)
        reads.refused()
    assert reads.a_second == 0.2
    for _ in range(60):
        reads.answered()
    assert reads.a_second == 5


class Turnstile:
    """Lets the thread that waits for its turn go on when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self._changed = threading.Condition()
        self.order: list[str] = []
        self.reads = LogReads(1, clock=lambda: self.now, sleep=self._sleep)

    def _sleep(self, _: float) -> None:
        before = self.now
        with self._changed:
            self._changed.wait_for(lambda: self.now > before, timeout=30)

    def enter(self, name: str, *, has_ended: bool = False) -> threading.Thread:
        """Let a thread ask for its turn; return when it waits."""

        def take() -> None:
            self.reads.take(has_ended=has_ended)
            self.order.append(name)

        waiting = len(self.reads._waiting)
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        wait_until(lambda: len(self.reads._waiting) > waiting)
        return thread

    def move_on(self) -> None:
        """Let time pass for one turn."""
        done = len(self.order)
        with self._changed:
            self.now += 1
            self._changed.notify_all()
        wait_until(lambda: len(self.order) > done)


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


def test_who_waited_longest_is_next_and_ended_containers_go_first() -> None:
    turnstile = Turnstile()
    turnstile.reads.take()
    threads = [turnstile.enter("first"), turnstile.enter("second"), turnstile.enter("third")]
    threads.append(turnstile.enter("ended", has_ended=True))
    for _ in threads:
        turnstile.move_on()
    for thread in threads:
        thread.join(30)
    assert turnstile.order == ["ended", "first", "second", "third"]


def test_who_is_interrupted_holds_up_nobody() -> None:
    """Airflow interrupts a task that is timed out by an exception, wherever it is."""
    now = 0.0

    def interrupt(_: float) -> None:
        raise TimeoutError

    reads = LogReads(1, clock=lambda: now, sleep=interrupt)
    reads.take()
    with pytest.raises(TimeoutError):
        reads.take()
    now = 1.0
    reads.take()


@pytest.mark.parametrize(
    ("given", "taken", "warnings"), [("2.5", 2.5, 0), ("0", 5.0, 1), ("-1", 5.0, 1), ("many", 5.0, 1), ("nan", 5.0, 1)]
)
def test_the_rate_is_the_platforms_to_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, given: str, taken: float, warnings: int
) -> None:
    monkeypatch.setattr(module, "_all", {})
    monkeypatch.setenv("AIRFLOW__AIRFLOW_ECS_DAG__LOG_READS_PER_SECOND", given)
    with caplog.at_level(logging.WARNING, logger=module.__name__):
        reads = log_reads("aws_default", "eu-west-1")
    assert reads.a_second == taken
    assert len([record for record in caplog.records if record.name == module.__name__]) == warnings
    assert log_reads("aws_default", "eu-west-1") is reads
    assert log_reads("aws_default", "eu-west-2") is not reads
    assert log_reads("another", "eu-west-1") is not reads

"""The rate of calls, and the time of a refresh, by a clock that stands still."""

from __future__ import annotations

import pytest

from airflow_ecs_dag_loader.budget import AT_LEAST, Budget
from airflow_ecs_dag_loader.call_rate import CallRate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(("share", "burst", "a_second"), [(0.8, 40, 16), (1, 50, 20), (0.5, 25, 10), (0.01, 1, 0.2)])
def test_a_burst_and_then_so_many_a_second(share: float, burst: int, a_second: float) -> None:
    clock = Clock()
    rate = CallRate(share, clock=clock, sleep=clock.sleep)
    for _ in range(burst):
        rate.take()
    assert clock.now == 100
    for _ in range(10):
        rate.take()
    assert clock.now == pytest.approx(100 + 10 / a_second)
    clock.now += 1_000_000
    for _ in range(burst):
        rate.take()
    assert clock.now == pytest.approx(100 + 10 / a_second + 1_000_000)


@pytest.mark.parametrize("share", [0, -1, 1.0001, float("nan")])
def test_a_share_that_is_none(share: float) -> None:
    with pytest.raises(ValueError, match=r"call_share is .*: give a part of AWS's rate above 0 and at most 1"):
        CallRate(share)


def test_a_budget_ends_but_some_steps_are_always_done() -> None:
    clock = Clock()
    budget = Budget(5, clock=clock)
    assert budget.allows(1000)
    clock.now += 5
    assert [budget.allows(done) for done in (0, AT_LEAST - 1, AT_LEAST)] == [True, True, False]
    assert Budget(None, clock=clock).allows(1_000_000)

"""How often a schedule fires, against the count of its firings one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_ecs_dag_schema import Schedule
from airflow_ecs_dag_schema.firings import runs_between, shortest_interval

LONG = timedelta(days=366)
CRONS = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["0", "5,55", "*/20", "59", "0-3"]),
    st.sampled_from(["0", "0,23", "*/6", "3", "*"]),
    st.sampled_from(["*", "1", "1,2", "L", "28-31", "*/10"]),
    st.sampled_from(["*", "*", "1,2", "feb"]),
    st.sampled_from(["*", "*", "mon", "sun,sat", "mon#1"]),
).filter(lambda cron: "#" not in cron or cron.split()[2] == "*")  # the first Monday is none of the last days


def firings(cron: str, start: datetime, end: datetime) -> list[datetime]:
    """Return the moments from `start` to `end`, both with it, in UTC."""
    found = []
    each = croniter(cron, start - timedelta(seconds=1), max_years_between_matches=8)
    while (moment := each.get_next(datetime)) <= end:
        if moment >= start:  # croniter passes over fractions of a second
            found.append(moment)
    return found


@settings(deadline=None, max_examples=60)
@given(cron=CRONS.filter(lambda cron: cron.split()[3] == "*"))  # so that two years show each gap
def test_the_shortest_interval_is_that_of_the_firings(cron: str) -> None:
    moments = firings(cron, datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC))
    gaps = [after - before for before, after in pairwise(moments) if after - before < LONG]
    assert shortest_interval(Schedule.cron(cron), below=LONG) == min(gaps, default=None)


@settings(deadline=None, max_examples=60)
@given(
    cron=CRONS,
    start=st.datetimes(datetime(2025, 1, 1), datetime(2025, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - UTC is added
    days=st.integers(0, 60),
    most=st.sampled_from([0, 1, 10, 100_000]),
)
def test_the_runs_are_those_of_the_firings(cron: str, start: datetime, days: int, most: int) -> None:
    end = start + timedelta(days=days, hours=days % 24)
    expected = min(len(firings(cron, start, end)), most + 1)
    assert runs_between(Schedule.cron(cron), start, end, most=most) == expected


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        (Schedule.manual(), 0),
        (Schedule.continuous(), 0),
        (Schedule.once(), 1),
        (Schedule.every(timedelta(hours=12)), 21),
        (Schedule.every(timedelta(days=300)), 1),
        (Schedule.daily(timezone="Asia/Kathmandu", at="05:45"), 11),
        (Schedule.daily(timezone="Asia/Kathmandu", at="05:44"), 10),
    ],
)
def test_ten_days(schedule: object, runs: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = runs_between(schedule, start, start + timedelta(days=10), most=100)  # type: ignore[arg-type] # any of them
    assert found == runs
    assert runs_between(schedule, start, start - timedelta(days=1), most=100) == 0  # type: ignore[arg-type] # the same

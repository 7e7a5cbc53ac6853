"""When a DAG runs: the author's helpers, and what a cron expression and a timezone may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from airflow_ecs_dag_schema import Schedule
from airflow_ecs_dag_schema.problems import DagDefinitionError
from airflow_ecs_dag_schema.schedule import (
    PRESETS,
    Continuous,
    CronDataInterval,
    CronTrigger,
    DeltaDataInterval,
    DeltaTrigger,
    Manual,
    Once,
)


@pytest.mark.parametrize(
    ("made", "meant"),
    [
        (Schedule.cron("30 3 * * mon"), CronTrigger(cron="30 3 * * mon", timezone="UTC")),
        (Schedule.cron("@weekly", timezone="Asia/Tokyo"), CronTrigger(cron="0 0 * * 0", timezone="Asia/Tokyo")),
        (Schedule.cron("@daily", data_interval=True), CronDataInterval(cron="0 0 * * *")),
        (Schedule.hourly(), CronTrigger(cron="0 * * * *")),
        (Schedule.hourly(minute=59, data_interval=True), CronDataInterval(cron="59 * * * *")),
        (Schedule.daily(), CronTrigger(cron="0 0 * * *")),
        (
            Schedule.daily(at="03:05", timezone="Europe/Amsterdam"),
            CronTrigger(cron="5 3 * * *", timezone="Europe/Amsterdam"),
        ),
        (Schedule.daily(at="23:59", data_interval=True), CronDataInterval(cron="59 23 * * *")),
        (Schedule.every(timedelta(hours=6)), DeltaTrigger(every=timedelta(hours=6))),
        (Schedule.every(timedelta(days=1), data_interval=True), DeltaDataInterval(every=timedelta(days=1))),
        (Schedule.once(), Once()),
        (Schedule.continuous(), Continuous()),
        (Schedule.manual(), Manual()),
    ],
)
def test_helpers_make_what_they_say(made: object, meant: object) -> None:
    assert type(made) is type(meant)
    assert made == meant


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_is_its_expression(preset: str) -> None:
    assert Schedule.cron(preset) == Schedule.cron(PRESETS[preset])


@pytest.mark.parametrize("at", ["24:00", "3:00", "03:60", "03", "03:00:00", "03:00\n", "\u0660\u0663:00", "", "-1:00"])
def test_a_time_of_day_is_two_pairs_of_digits(at: str) -> None:
    with pytest.raises(ValueError, match=r"at is a time of day from 00:00 to 23:59") as caught:
        Schedule.daily(at=at)
    assert f"got {at!r}" in str(caught.value)


@pytest.mark.parametrize("minute", [-1, 60, 1.5, "x", None])
def test_a_minute_is_one_of_sixty(minute: Any) -> None:
    with pytest.raises(DagDefinitionError, match=r"cron"):
        Schedule.hourly(minute=minute)


@pytest.mark.parametrize(
    "every", [timedelta(0), timedelta(seconds=-1), timedelta(seconds=1, microseconds=1), timedelta(days=366, seconds=1)]
)
def test_an_interval_is_whole_seconds_within_a_year(every: timedelta) -> None:
    with pytest.raises(DagDefinitionError, match=r"whole seconds, from 1 second to 366 days"):
        Schedule.every(every)


@pytest.mark.parametrize("made", [Schedule.cron("@daily"), Schedule.every(timedelta(1)), Schedule.manual()])
def test_schedules_are_frozen_values(made: Any) -> None:
    assert len({made, made.model_copy()}) == 1
    with pytest.raises(ValidationError, match=r"frozen"):
        made.kind = "once"


# A cron expression that Airflow or croniter take, and that would surprise its author.
@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("* * * * * *", "five fields"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires"),
        ("R R * * *", "five fields"),
        ("H H * * *", "five fields"),
        ("@reboot", "five fields"),
        ("@once", "five fields"),
        ("0 3 * * *\n", "one line"),
        ("0\u20033 * * * *", "five fields"),
        ("0 3 * * * ; rm", "five fields"),
        ("60 * * * *", "not a cron expression"),
        ("* 24 * * *", "not a cron expression"),
        ("* * 0 * *", "not a cron expression"),
        ("* * * 13 *", "not a cron expression"),
        ("* * * * 8", "not a cron expression"),
        ("*/0 * * * *", "not a cron expression"),
        ("0 0 * * mon#6", "not a cron expression"),
    ],
)
def test_a_cron_expression_that_is_refused(cron: str, words: str) -> None:
    with pytest.raises(DagDefinitionError, match=words):
        Schedule.cron(cron)


def test_a_cron_expression_for_a_rare_day_is_taken() -> None:
    assert Schedule.cron(
        "0 0 * 2 tue#5"
    )  # the fifth Tuesday of February: in 2028, four years after the year looked from


@given(st.text("0123456789*/,-LR?#HW jansumo@ \u0663", max_size=40))
def test_any_cron_expression_is_taken_or_refused_and_stays_as_it_was_taken(text: str) -> None:
    try:
        made = Schedule.cron(text)
    except DagDefinitionError:
        return
    assert isinstance(made, CronTrigger)
    assert Schedule.cron(made.cron) == made


@pytest.mark.parametrize(
    "timezone",
    [
        "Europe/Atlantis",
        "europe/amsterdam",
        "localtime",
        "posix/UTC",
        "right/UTC",
        "Factory",
        "+01:00",
        "UTC\n",
        "../UTC",
        "/UTC",
        "UTC\x00",
    ],
)
def test_a_timezone_that_is_refused(timezone: str) -> None:
    with pytest.raises(DagDefinitionError, match=r"unknown timezone|one line|can't be in a text"):
        Schedule.cron("@daily", timezone=timezone)


@pytest.mark.parametrize(
    "timezone", ["UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "EST5EDT", "US/Eastern"]
)
def test_a_timezone_that_is_taken_exists(timezone: str) -> None:
    made = Schedule.daily(timezone=timezone)
    assert isinstance(made, CronTrigger)
    assert ZoneInfo(made.timezone).key == timezone

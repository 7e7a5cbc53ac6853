"""A schedule in words, and the moments of its next runs, as Airflow's timetables have them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from airflow_ecs_dag_schema.schedule import (
    PRESETS,
    Continuous,
    CronDataInterval,
    CronTrigger,
    DeltaDataInterval,
    DeltaTrigger,
    Events,
    Manual,
    OnAssets,
    OnAssetsOrTime,
    Once,
)
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_schema import DagSpec
    from airflow_ecs_dag_schema.asset_condition import Condition
    from airflow_ecs_dag_schema.schedule import AnySchedule

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY_NAMES = {day[:3].lower(): day for day in _DAYS}
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True)
class NextRun:
    """A run to come.

    Attributes:
        starts: When Airflow starts it, in the schedule's timezone.
        date: The moment that ``{{ ds }}`` and its kin are of: the start of the run's period under ``data_interval``.
    """

    starts: datetime
    date: datetime


def in_words(schedule: AnySchedule) -> str:  # noqa: C901, PLR0911 - one line a kind
    """Return when a DAG runs, as one says it."""
    match schedule:
        case CronTrigger():
            return f"{_cron_words(schedule.cron)} ({schedule.timezone})"
        case CronDataInterval():
            return f"{_cron_words(schedule.cron)} ({schedule.timezone}), for the period since the time before"
        case DeltaTrigger():
            return f"every {duration_words(schedule.every)}"
        case DeltaDataInterval():
            return f"every {duration_words(schedule.every)}, for the period that just ended"
        case Once():
            return "once, at the start date"
        case Continuous():
            return "again as soon as the run before has ended"
        case Manual():
            return "only when somebody triggers it"
        case Events():
            return f"at {len(schedule.moments)} moments" if len(schedule.moments) > 1 else "at one moment"
        case OnAssets():
            return f"when {_asset_words(schedule)}"
        case OnAssetsOrTime():
            return f"{_cron_words(schedule.cron)} ({schedule.timezone}), and when {_asset_words(schedule)}"


def _asset_words(schedule: OnAssets | OnAssetsOrTime) -> str:
    """Return which data must be new: ``s3://a and (s3://b or s3://c) have new data``."""
    names = [without_tokens(asset.name or asset.uri) for asset in schedule.assets]

    def words(condition: Condition) -> str:
        if isinstance(condition, int):
            return names[condition]
        between = " and " if condition.operator == "&" else " or "
        return between.join(words(part) if isinstance(part, int) else f"({words(part)})" for part in condition.of)

    is_one = isinstance(schedule.tree, int) or schedule.tree.operator == "|"
    return f"{words(schedule.tree)} {'has' if is_one else 'have'} new data"


def duration_words(duration: timedelta) -> str:
    """Return whole seconds as ``1 day 30 minutes``; of a single unit, without its 1: ``day``."""
    left = int(duration.total_seconds())
    parts = []
    for seconds, unit in _UNITS:
        number, left = divmod(left, seconds)
        if number:
            parts.append((number, unit))
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    return " ".join(f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in parts)


def next_runs(spec: DagSpec, *, after: datetime, most: int = 3) -> list[NextRun]:
    """Return the scheduled runs that start after a moment, for a DAG whose older runs are done.

    Of a schedule that counts from the run before (every so often), only the ones of a DAG that has not begun are
    known; of the others, Airflow's database decides. When data is new nobody knows.

    Args:
        spec: The DAG.
        after: A moment with its offset.
        most: How many runs at most.
    """
    if spec.start_date is None:
        return []
    match spec.schedule:
        case CronTrigger() | CronDataInterval() | OnAssetsOrTime():
            runs = _cron_runs(spec.schedule, max(after, spec.start_date - timedelta(seconds=1)), spec.start_date)
        case DeltaTrigger() | DeltaDataInterval() if spec.start_date > after:
            runs = _delta_runs(spec.schedule, spec.start_date)
        case Events():
            start = spec.start_date
            runs = (NextRun(each, each) for each in spec.schedule.moments if each > after and each >= start)
        case Once() if spec.start_date > after:
            runs = iter([NextRun(spec.start_date, spec.start_date)])
        case _:
            runs = iter(())
    end = spec.end_date
    in_time = takewhile(lambda run: end is None or run.date <= end, runs)
    return [run for run, _ in zip(in_time, range(most), strict=False)]


def _cron_runs(
    schedule: CronTrigger | CronDataInterval | OnAssetsOrTime, after: datetime, start: datetime
) -> Iterator[NextRun]:
    timezone = ZoneInfo(schedule.timezone)
    moments = _moments(PRESETS.get(schedule.cron, schedule.cron), timezone, after)
    if not isinstance(schedule, CronDataInterval):
        yield from (NextRun(moment, moment) for moment in moments if moment >= start)
        return
    # A period counts if it begins at the start date or later; the first moment ends one that began before `after`.
    previous = _before(PRESETS.get(schedule.cron, schedule.cron), timezone, after)
    for moment in moments:
        if previous is not None and previous >= start:
            yield NextRun(moment, previous)
        previous = moment


def _moments(cron: str, timezone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the moments of ``cron`` after ``after``.

    As Airflow does: a cron that names its hours follows the clock; one of every hour goes on evenly through a change of
    the clock.
    """
    current = after
    while True:
        local = current.astimezone(timezone)
        naive = local.replace(tzinfo=None)
        walk = croniter(cron, naive)
        try:
            found: datetime = walk.get_next(datetime)
        except CroniterBadDateError:
            return
        if walk.expanded[1] == ["*"]:
            current = (current.astimezone(UTC) + (found - naive)).astimezone(timezone)
        else:
            moment = _by_the_clock(found, timezone)
            if moment <= current:  # the hour that the clock shows twice, of which Airflow takes the second
                current += timedelta(hours=1)
                continue
            current = moment
        yield current


def _before(cron: str, timezone: ZoneInfo, moment: datetime) -> datetime | None:
    """Return the last moment of ``cron`` at or before ``moment``."""
    local = moment.astimezone(timezone)
    found: datetime = croniter(cron, local.replace(tzinfo=None) + timedelta(seconds=1)).get_prev(datetime)
    return _by_the_clock(found, timezone)


def _by_the_clock(naive: datetime, timezone: ZoneInfo) -> datetime:
    """Return when the clock shows ``naive``: the second moment of two; if it never does, as much later as it jumps."""
    second = naive.replace(tzinfo=timezone, fold=1)
    if second.astimezone(UTC).astimezone(timezone).replace(tzinfo=None, fold=0) == naive:
        return second
    return naive.replace(tzinfo=timezone, fold=0).astimezone(UTC).astimezone(timezone)


def _delta_runs(schedule: DeltaTrigger | DeltaDataInterval, start: datetime) -> Iterator[NextRun]:
    late = timedelta() if isinstance(schedule, DeltaTrigger) else schedule.every
    moment = start
    while True:
        try:
            yield NextRun(moment + late, moment)
            moment += schedule.every
        except OverflowError:
            return


def _cron_words(cron: str) -> str:
    """Return a common cron expression in words, any other as it is."""
    minute, hour, day, month, weekday = (cron_fields := PRESETS.get(cron, cron).split())
    clock = f"{int(hour):02}:{int(minute):02}" if hour.isdecimal() and minute.isdecimal() else None
    step = minute.removeprefix("*/")
    words = f"by the cron expression {' '.join(cron_fields)}"
    match day, month, weekday:
        case "*", "*", "*" if clock:
            words = f"every day at {clock}"
        case "*", "*", "*" if hour == "*" and minute == "*":
            words = "every minute"
        case "*", "*", "*" if hour == "*" and minute.isdecimal():
            words = f"every hour at minute {int(minute)}"
        case "*", "*", "*" if hour == "*" and step != minute and step.isdecimal():
            words = f"every {step} minutes"
        case "*", "*", _ if clock and weekday.lower() in {"1-5", "mon-fri"}:
            words = f"Monday to Friday at {clock}"
        case "*", "*", _ if clock and (name := _day_name(weekday)):
            words = f"every {name} at {clock}"
        case _, "*", "*" if clock and day.isdecimal():
            words = f"on day {int(day)} of every month at {clock}"
        case _:
            pass
    return words


def _day_name(weekday: str) -> str | None:
    if weekday.isdecimal() and int(weekday) < len(_DAYS):
        return _DAYS[int(weekday)]
    return _DAY_NAMES.get(weekday.lower())

"""How often a schedule fires, by the clock of its timezone: a day's shift to or from summer time does not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from airflow_ecs_dag_schema.schedule import (
    PRESETS,
    AnySchedule,
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

if TYPE_CHECKING:
    from collections.abc import Iterator

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Runs before it are not counted one by one."""
_BASE = datetime(2024, 1, 1)  # noqa: DTZ001 - by the clock of whatever timezone; the first day of a leap year
_LATEST = datetime(9999, 12, 31)  # noqa: DTZ001 - by the clock of whatever timezone
_DAYS_SEEN = 400
"""Days with a firing among which the shortest gap is looked for, a year of a daily schedule; croniter needs 60 us for
each."""
_LAST_SEEN = datetime(2052, 1, 1)  # noqa: DTZ001 - as above
"""Each day of a year has fallen on each weekday by then."""
_DAY = timedelta(days=1)
_MINUTES = 24 * 60


def shortest_interval(schedule: AnySchedule, *, below: timedelta) -> timedelta | None:
    """Return a time between two runs of ``schedule`` that is shorter than ``below``; ``None`` if there is none."""
    match schedule:
        case CronTrigger(cron=cron) | CronDataInterval(cron=cron):
            return _cron_interval(PRESETS.get(cron, cron), below)
        case DeltaTrigger(every=every) | DeltaDataInterval(every=every):
            return every if every < below else None
        case Continuous():
            return timedelta(0)
        case Events(moments=moments):
            shortest = min((after - before for before, after in pairwise(moments)), default=below)
            return shortest if shortest < below else None
        case OnAssetsOrTime(cron=cron):
            return _cron_interval(PRESETS.get(cron, cron), below)
        case Once() | Manual() | OnAssets():
            return None


def runs_between(schedule: AnySchedule, start: datetime, end: datetime, *, most: int) -> int:
    """Return how many runs ``schedule`` has from ``start`` to ``end``; more than ``most`` are not counted on."""
    if isinstance(schedule, Continuous | Manual | OnAssets | OnAssetsOrTime) or end < start:
        return 0
    if isinstance(schedule, Once):
        return 1
    if isinstance(schedule, Events):
        return min(sum(start <= moment <= end for moment in schedule.moments), most + 1)
    if start < EARLIEST:
        return most + 1
    match schedule:
        case DeltaTrigger(every=every) | DeltaDataInterval(every=every):
            return min((end - start) // every + 1, most + 1)
        case CronTrigger(cron=cron, timezone=zone) | CronDataInterval(cron=cron, timezone=zone):
            first, last = (moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in (start, end))
            return _cron_runs(PRESETS.get(cron, cron), first, last, most)


def _times_of_day(cron: str) -> list[int]:
    """Return the minutes since midnight at which ``cron`` fires, on a day on which it does."""
    minutes, hours = (
        list(range(count)) if "*" in field else [int(value) for value in field]
        for field, count in zip(croniter.expand(cron)[0], (60, 24), strict=False)
    )
    return sorted(hour * 60 + minute for hour in hours for minute in minutes)


def _days(cron: str, after: datetime) -> Iterator[datetime]:
    """Yield the days on which ``cron`` fires, after the moment ``after``."""
    if cron.split()[2:] == ["*", "*", "*"]:  # croniter needs 60 us for a day, and there may be 10,000
        midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
        yield from (midnight + number * _DAY for number in range(1, (_LATEST - midnight).days))
        return
    firings = croniter(f"0 0 {' '.join(cron.split()[2:])}", after, max_years_between_matches=8)
    while True:
        try:
            yield firings.get_next(datetime)
        except (CroniterBadDateError, OverflowError, ValueError):
            return


def _cron_interval(cron: str, below: timedelta) -> timedelta | None:
    times = _times_of_day(cron)
    shortest = min((timedelta(minutes=after - before) for before, after in pairwise(times)), default=below)
    overnight = timedelta(minutes=_MINUTES - times[-1] + times[0])
    if overnight < min(shortest, below):
        shortest = min(shortest, overnight + (_fewest_days(cron) - 1) * _DAY)
    return shortest if shortest < below else None


def _fewest_days(cron: str) -> int:
    """Return the days from a day on which ``cron`` fires to the next such day, where they are fewest."""
    fewest = (_LAST_SEEN - _BASE).days
    days = takewhile(lambda day: day < _LAST_SEEN, islice(_days(cron, _BASE - _DAY), _DAYS_SEEN))
    for before, after in pairwise(days):
        fewest = min(fewest, (after - before).days)
        if fewest == 1:
            break
    return fewest


def _cron_runs(cron: str, first: datetime, last: datetime, most: int) -> int:
    times = _times_of_day(cron)
    runs = 0
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in _days(cron, midnight - timedelta(minutes=1)):
        if day > last or runs > most:
            break
        if midnight < day and day + _DAY <= last:
            runs += len(times)
        else:
            runs += sum(first <= day + timedelta(minutes=minute) <= last for minute in times)
    return min(runs, most + 1)

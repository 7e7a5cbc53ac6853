"""When a DAG runs. Each kind is one of Airflow's timetables, under Airflow's own name for it.

``trigger`` and ``data_interval`` differ in what ``{{ ds }}`` is: the day the run is for under ``trigger``
(Airflow 3's reading of a cron expression), the start of the period that just ended under ``data_interval``
(the reading of 2019: yesterday, for a daily run).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from importlib.resources import files
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from croniter import CroniterBadDateError, CroniterError, croniter
from pydantic import AfterValidator, Field, model_validator

from airflow_ecs_dag_schema import asset_condition
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.values import AuthorValue, Duration, Line, Many, Moment, sorted_unique

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
"""Airflow's names for common cron expressions."""

_CRON_FIELDS = 5
_CRON = re.compile(r"[A-Za-z0-9*/,#L ?-]{9,100}\Z", re.ASCII)
_CRON_WORDS = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat|l|[^a-z])*\Z",
    re.ASCII | re.IGNORECASE,
)
"""Words of a cron expression; croniter's ``R`` would draw another moment at each reading."""
_TIMEZONES = frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split()) - {"Factory"}
"""The IANA database's names, the same on each machine: what a machine's own zone folder holds beside them
(``localtime``, ``right/UTC``, any case where the disk ignores case) means something else elsewhere."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z", re.ASCII)
_CRON_ALLOWED = (
    "minute (0 to 59)",
    "hour (0 to 23)",
    "day of the month (1 to 31)",
    "month (1 to 12)",
    "day of the week (0 to 7)",
)
_ANY_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


def _check_cron(value: str) -> str:
    expression = PRESETS.get(value, value)
    if not _CRON.match(expression) or len(expression.split()) != _CRON_FIELDS or not _CRON_WORDS.match(expression):
        raise ValueError(
            "a cron expression has five fields (minute hour day-of-month month day-of-week), such as '0 3 * * *', "
            f"or is one of {', '.join(PRESETS)}"
        )
    try:
        croniter(expression, _ANY_MOMENT, max_years_between_matches=8).get_next()
    except CroniterBadDateError:
        raise ValueError("this cron expression never fires: no such day in any of eight years") from None
    except (CroniterError, ValueError, KeyError, IndexError, ArithmeticError) as error:
        raise ValueError(f"not a cron expression{_wrong_field(expression)}: {error}") from None
    return " ".join(expression.split())


def _wrong_field(expression: str) -> str:
    """Return which field of a cron expression is wrong by itself, in words; empty if none is."""
    for index, (field, allowed) in enumerate(zip(expression.split(), _CRON_ALLOWED, strict=True)):
        alone = ["*"] * _CRON_FIELDS
        alone[index] = field
        if not croniter.is_valid(" ".join(alone)):
            return f", {field[:40]} is no {allowed}"
    return ""


def _check_timezone(value: str) -> str:
    if value not in _TIMEZONES:
        near = get_close_matches(value, _TIMEZONES, n=1, cutoff=0.8)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(
            f"unknown timezone; {hint}allowed: a name of the IANA database, such as Europe/Amsterdam or UTC"
        )
    return value


def _check_condition(value: str) -> str:
    return asset_condition.text_of(asset_condition.parse(value))


AssetCondition = Annotated[Line, AfterValidator(_check_condition)]
Cron = Annotated[Line, AfterValidator(_check_cron)]
Timezone = Annotated[Line, AfterValidator(_check_timezone)]


class _Schedule(AuthorValue):
    AUTHORS_NAME: ClassVar = "Schedule"


class CronTrigger(_Schedule):
    """At the moments of a cron expression; ``{{ ds }}`` is the day (in UTC) of that moment."""

    kind: Literal["cron_trigger"] = "cron_trigger"
    cron: Cron
    timezone: Timezone = "UTC"


class CronDataInterval(_Schedule):
    """At the moments of a cron expression, for the period since the one before; ``{{ ds }}`` is its start."""

    kind: Literal["cron_data_interval"] = "cron_data_interval"
    cron: Cron
    timezone: Timezone = "UTC"


class DeltaTrigger(_Schedule):
    """Every so often, counted from the start date; ``{{ ds }}`` is the day (in UTC) of the run."""

    kind: Literal["delta_trigger"] = "delta_trigger"
    every: Duration


class DeltaDataInterval(_Schedule):
    """Every so often, for the period that just ended; ``{{ ds }}`` is its start. The default of 2019, daily."""

    kind: Literal["delta_data_interval"] = "delta_data_interval"
    every: Duration


class Once(_Schedule):
    """One run, at the start date."""

    kind: Literal["once"] = "once"


class Continuous(_Schedule):
    """The next run as soon as the last one ended; at most one run at a time."""

    kind: Literal["continuous"] = "continuous"


class Manual(_Schedule):
    """Only when a person or another DAG triggers it."""

    kind: Literal["manual"] = "manual"


class Events(_Schedule):
    """At the moments of a list; ``{{ ds }}`` is the day (in UTC) of that moment."""

    kind: Literal["events"] = "events"
    moments: Annotated[Many[Moment], Field(min_length=1, max_length=200), AfterValidator(sorted_unique)]


class _OnAssets(_Schedule):
    assets: Annotated[Many[Asset], Field(min_length=1, max_length=50)]
    condition: AssetCondition | None = None
    """Such as ``0 & (1 | 2)``, by place in ``assets``; without it, all of them."""

    @model_validator(mode="after")
    def _check_condition(self) -> Self:
        known = {(asset.uri, asset.name) for asset in self.assets}
        if len(known) < len(self.assets):
            raise ValueError("an asset is named more than once: name it once, its number may stand several times")
        if self.condition is not None:
            numbers = set(asset_condition.numbers_in(asset_condition.parse(self.condition)))
            if numbers != set(range(len(self.assets))):
                raise ValueError(
                    f"the condition uses the assets {sorted(numbers)}, there are {list(range(len(self.assets)))}: "
                    "use each of them"
                )
        return self

    @property
    def tree(self) -> asset_condition.Condition:
        """The condition, of numbers of :attr:`assets`."""
        if self.condition is None:
            return asset_condition.joined("&", list(range(len(self.assets))))
        return asset_condition.parse(self.condition)


class OnAssets(_OnAssets):
    """When its assets have new data, as the condition says."""

    kind: Literal["assets"] = "assets"


class OnAssetsOrTime(_OnAssets):
    """When its assets have new data, and at the moments of a cron expression."""

    kind: Literal["assets_or_time"] = "assets_or_time"
    cron: Cron
    timezone: Timezone = "UTC"


SCHEDULES = (
    CronTrigger,
    CronDataInterval,
    DeltaTrigger,
    DeltaDataInterval,
    Once,
    Continuous,
    Manual,
    Events,
    OnAssets,
    OnAssetsOrTime,
)
"""The kinds of schedule, as classes."""

AnySchedule = Annotated[
    CronTrigger
    | CronDataInterval
    | DeltaTrigger
    | DeltaDataInterval
    | Once
    | Continuous
    | Manual
    | Events
    | OnAssets
    | OnAssetsOrTime,
    Field(discriminator="kind"),
]


class Schedule:
    """The schedules an author can choose from: ``Schedule.daily(timezone="Europe/Amsterdam")``.

    Each takes the keyword ``data_interval``: false (default) for Airflow 3's meaning of a run, true for 2019's.
    """

    @staticmethod
    def cron(cron: str, *, timezone: str = "UTC", data_interval: bool = False) -> CronTrigger | CronDataInterval:
        """Run at the moments of a five-field cron expression, read in ``timezone``."""
        kind = CronDataInterval if data_interval else CronTrigger
        return kind(cron=cron, timezone=timezone)

    @staticmethod
    def hourly(
        *, minute: int = 0, timezone: str = "UTC", data_interval: bool = False
    ) -> CronTrigger | CronDataInterval:
        """Run each hour at ``minute`` (0 to 59)."""
        return Schedule.cron(f"{minute} * * * *", timezone=timezone, data_interval=data_interval)

    @staticmethod
    def daily(
        *, at: str = "00:00", timezone: str = "UTC", data_interval: bool = False
    ) -> CronTrigger | CronDataInterval:
        """Run each day at ``at`` (``HH:MM``, 24 hours) by the clock of ``timezone``."""
        match = _CLOCK.match(at)
        if match is None:
            raise ValueError(f"at is a time of day from 00:00 to 23:59, such as '03:30'; got {at!r}")
        hour, minute = (int(part) for part in match.groups())
        return Schedule.cron(f"{minute} {hour} * * *", timezone=timezone, data_interval=data_interval)

    @staticmethod
    def every(every: timedelta, *, data_interval: bool = False) -> DeltaTrigger | DeltaDataInterval:
        """Run every so often (whole seconds), counted from the start date."""
        kind = DeltaDataInterval if data_interval else DeltaTrigger
        return kind(every=every)

    @staticmethod
    def once() -> Once:
        """Run one time, at the start date."""
        return Once()

    @staticmethod
    def continuous() -> Continuous:
        """Run again as soon as the last run ended."""
        return Continuous()

    @staticmethod
    def manual() -> Manual:
        """Run only when triggered."""
        return Manual()

    @staticmethod
    def events(moments: list[datetime] | tuple[datetime, ...]) -> Events:
        """Run at these moments, at most 200; each with its timezone."""
        return Events(moments=moments)

    @staticmethod
    def assets(on: AssetParts) -> OnAssets:
        """Run when the data is new: ``Schedule.assets([sales, rates])`` waits for all, see :func:`any_of`."""
        assets, condition = _flattened(on)
        return OnAssets(assets=assets, condition=condition)

    @staticmethod
    def assets_or_cron(on: AssetParts, cron: str, *, timezone: str = "UTC") -> OnAssetsOrTime:
        """Run when the data is new, and at the moments of a cron expression."""
        assets, condition = _flattened(on)
        return OnAssetsOrTime(assets=assets, condition=condition, cron=cron, timezone=timezone)


@dataclass(frozen=True)
class AssetGroup:
    """Assets of which all, or any, must have new data; made by :func:`all_of` and :func:`any_of`."""

    operator: Literal["&", "|"]
    of: tuple[Asset | AssetGroup, ...]


AssetParts: TypeAlias = "Asset | AssetGroup | list[Asset | AssetGroup] | tuple[Asset | AssetGroup, ...]"


def all_of(*parts: Asset | AssetGroup) -> AssetGroup:
    """Return the condition that each of ``parts`` has new data."""
    return AssetGroup("&", _checked_parts(parts))


def any_of(*parts: Asset | AssetGroup) -> AssetGroup:
    """Return the condition that at least one of ``parts`` has new data."""
    return AssetGroup("|", _checked_parts(parts))


def _checked_parts(parts: object) -> tuple[Asset | AssetGroup, ...]:
    if not isinstance(parts, list | tuple) or not parts:
        raise _not_assets(parts)
    for part in parts:
        if not isinstance(part, Asset | AssetGroup):
            raise _not_assets(part)
    return tuple(parts)


def _not_assets(got: object) -> DagDefinitionError:
    problem = Problem("assets", "expected an Asset, all_of(...), any_of(...) or a list of these", repr(got))
    return DagDefinitionError([problem], subject="Schedule")


def _flattened(on: AssetParts) -> tuple[tuple[Asset, ...], str | None]:
    """Return the assets of a condition, each once, and the condition by their numbers."""
    whole = (
        on if isinstance(on, AssetGroup) else AssetGroup("&", _checked_parts((on,) if isinstance(on, Asset) else on))
    )
    numbers: dict[Asset, int] = {}

    def condition(part: Asset | AssetGroup) -> asset_condition.Condition:
        if isinstance(part, Asset):
            return numbers.setdefault(part, len(numbers))
        return asset_condition.joined(part.operator, [condition(each) for each in part.of])

    tree = condition(whole)
    plain = asset_condition.joined("&", list(range(len(numbers))))
    return tuple(numbers), None if tree == plain else asset_condition.text_of(tree)

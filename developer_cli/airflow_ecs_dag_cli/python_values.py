"""The values of the contract as Python expressions, each as an author writes it: only what differs from the default."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel

from airflow_ecs_dag_cli.python_text import Call, Entries, Filled, Items, Raw, Text
from airflow_ecs_dag_schema import asset_condition
from airflow_ecs_dag_schema.schedule import (
    AssetGroup,
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
    Schedule,
)
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_ecs_dag_cli.python_names import Names
    from airflow_ecs_dag_cli.python_text import Expression
    from airflow_ecs_dag_schema.asset_condition import Condition
    from airflow_ecs_dag_schema.assets import Asset
    from airflow_ecs_dag_schema.ecs_settings import EcsTag
    from airflow_ecs_dag_schema.schedule import AnySchedule

TOKEN = re.compile(re.escape(TOKEN_START) + r"([^\]]*)\]\}")
_DAILY = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* \*\Z", re.ASCII)
_UTC = "UTC"


class ValueWriter:
    """Writes values, and notes the names that they need.

    Attributes:
        names: What the file imports, and the parameters of the function that is written.
    """

    def __init__(self, names: Names) -> None:
        self.names = names

    def text(self, text: str) -> Expression:
        """Return a text; a value that the deployment fills in is a parameter of the function."""
        if TOKEN_START not in text:
            return Text(text)
        parts = TOKEN.split(text)
        parts[1::2] = [self.names.parameter_of(token) for token in parts[1::2]]
        return Filled(tuple(parts))

    def value(self, value: object) -> Expression:  # noqa: PLR0911 - one line a type
        """Return any value of a field.

        Raises:
            TypeError: It is of no kind that the contract has.
        """
        match value:
            case bool() | int() | float() | None:
                return Raw(repr(value).replace("e+", "e"))
            case str():
                return self.text(value)
            case datetime():
                return self.moment(value)
            case timedelta():
                return self.duration(value)
            case list() | tuple():
                return self.texts(value)
            case dict():
                return Entries(tuple((str(key), self.value(each)) for key, each in value.items()))
            case BaseModel():
                return self.model(value)
            case _:
                raise TypeError(f"no value of the contract: {type(value).__name__}")

    def texts(self, values: Iterable[object]) -> Expression:
        """Return a list."""
        return Items(tuple(self.value(each) for each in values))

    def tags(self, tags: Iterable[EcsTag]) -> Expression:
        """Return tags by their keys; of those named twice the last one counts."""
        return Entries(tuple({tag.key: self.text(tag.value) for tag in tags}.items()))

    def model(self, model: BaseModel) -> Expression:
        """Return the call that makes a value of the contract's."""
        return Call(self.names.imported(type(model).__name__), self.fields(model))

    def fields(self, model: BaseModel, without: Iterable[str] = ()) -> tuple[tuple[str, Expression], ...]:
        """Return the fields that differ from their defaults."""
        left_out = {"kind", *without}
        given = {name: getattr(model, name) for name in type(model).model_fields if name not in left_out}
        return tuple(
            (name, self.value(value))
            for name, value in given.items()
            if value != type(model).model_fields[name].default
        )

    def moment(self, moment: datetime) -> Expression:
        """Return a moment, in UTC."""
        moment = moment.astimezone(UTC)
        parts = [*moment.timetuple()[:6], moment.microsecond]
        while len(parts) > len(("year", "month", "day")) and not parts[-1]:
            parts.pop()
        place = tuple(("", Raw(str(part))) for part in parts)
        return Call(
            self.names.imported("datetime", "datetime"),
            (*place, ("tzinfo", Raw(self.names.imported("UTC", "datetime")))),
        )

    def duration(self, duration: timedelta) -> Expression:
        """Return a duration of whole seconds, in the units that one says it in."""
        minutes, seconds = divmod(duration.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        said = {"days": duration.days, "hours": hours, "minutes": minutes, "seconds": seconds}
        given = tuple((unit, Raw(str(number))) for unit, number in said.items() if number)
        return Call(self.names.imported("timedelta", "datetime"), given)

    def schedule(self, schedule: AnySchedule) -> Expression:
        """Return a schedule, by ``Schedule``'s own words where they say exactly this."""
        match schedule:
            case CronTrigger() | CronDataInterval():
                return self._cron(schedule)
            case DeltaTrigger() | DeltaDataInterval():
                every = self.duration(schedule.every)
                return self._schedule("every", ("", every), *_interval(schedule))
            case Once() | Continuous() | Manual():
                return self._schedule(schedule.kind)
            case Events():
                return self._schedule("events", ("", self.texts(schedule.moments)))
            case OnAssets() | OnAssetsOrTime():
                return self._on_assets(schedule)

    def _schedule(self, name: str, *given: tuple[str, Expression]) -> Expression:
        return Call(f"{self.names.imported('Schedule')}.{name}", given)

    def _cron(self, schedule: CronTrigger | CronDataInterval) -> Expression:
        zone: Mapping[str, Expression] = {} if schedule.timezone == _UTC else {"timezone": self.text(schedule.timezone)}
        said = (*zone.items(), *_interval(schedule))
        if match := _DAILY.match(schedule.cron):
            at = f"{int(match[2]):02}:{int(match[1]):02}"
            if f"{int(match[1])} {int(match[2])} * * *" == schedule.cron:
                return self._schedule("daily", *(() if at == "00:00" else (("at", Text(at)),)), *said)
        return self._schedule("cron", ("", Text(schedule.cron)), *said)

    def _on_assets(self, schedule: OnAssets | OnAssetsOrTime) -> Expression:
        """Return a schedule of assets; as the contract has it where ``Schedule`` would number them otherwise."""
        group = _group(schedule.tree, schedule.assets)
        on = list(group.of) if isinstance(group, AssetGroup) and group.operator == "&" else group
        made: AnySchedule = (
            Schedule.assets_or_cron(on, schedule.cron, timezone=schedule.timezone)
            if isinstance(schedule, OnAssetsOrTime)
            else Schedule.assets(on)
        )
        if made != schedule:
            name = self.names.imported(type(schedule).__name__, "airflow_ecs_dag_schema.schedule")
            return Call(name, self.fields(schedule))
        parts = Items(tuple(map(self._condition, on))) if isinstance(on, list) else self._condition(on)
        if isinstance(schedule, OnAssets):
            return self._schedule("assets", ("", parts))
        zone = () if schedule.timezone == _UTC else (("timezone", self.text(schedule.timezone)),)
        return self._schedule("assets_or_cron", ("", parts), ("", Text(schedule.cron)), *zone)

    def _condition(self, part: Asset | AssetGroup) -> Expression:
        if not isinstance(part, AssetGroup):
            return self.model(part)
        name = self.names.imported("all_of" if part.operator == "&" else "any_of")
        return Call(name, tuple(("", self._condition(each)) for each in part.of))


def _interval(
    schedule: CronTrigger | CronDataInterval | DeltaTrigger | DeltaDataInterval,
) -> tuple[tuple[str, Expression], ...]:
    is_interval = isinstance(schedule, CronDataInterval | DeltaDataInterval)
    return (("data_interval", Raw("True")),) if is_interval else ()


def _group(condition: Condition, assets: tuple[Asset, ...] | list[Asset]) -> Asset | AssetGroup:
    if isinstance(condition, asset_condition.AllOrAny):
        return AssetGroup(condition.operator, tuple(_group(part, assets) for part in condition.of))
    return assets[condition]

"""Values of dag-factory's YAML as the contract has them: durations, moments, schedules, assets and params."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow_ecs_dag_cli.config_parts import Fields, Part
from airflow_ecs_dag_schema.asset_condition import AllOrAny, text_of
from airflow_ecs_dag_schema.asset_condition import joined as joined_condition

if TYPE_CHECKING:
    from airflow_ecs_dag_schema.asset_condition import Condition

TYPE, ARGS = "__type__", "__args__"
_RELATIVE = re.compile(r"\s*(\d{1,6})\s+(second|minute|hour|day|week)s?,?\s*\Z", re.ASCII | re.IGNORECASE)
_UNITS = ("weeks", "days", "hours", "minutes", "seconds")
_TIMETABLES = {
    "CronTriggerTimetable": "cron_trigger",
    "CronDataIntervalTimetable": "cron_data_interval",
    "DeltaTriggerTimetable": "delta_trigger",
    "DeltaDataIntervalTimetable": "delta_data_interval",
}
_JOINS: dict[str, Any] = {"__and__": "&", "__or__": "|", "Fn::and": "&", "Fn::or": "|"}
_PARAM_KINDS = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "string_list",
}
_PARAM_FORMATS = {"date": "date", "date-time": "datetime"}
_PARAM_FIELDS = {
    "title": "title",
    "description": "description",
    "description_md": "description",
    "enum": "choices",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minimum": "minimum",
    "maximum": "maximum",
}


class NotCarriedOverError(Exception):
    """A value that the contract has no word for; the message says why, and what to do instead."""


def class_of(part: Part) -> str:
    """Return the name of the class that ``__type__`` names, without its module; empty if there is none."""
    named = part.fields.get(TYPE)
    return "" if named is None or named.text is None else named.text.rpartition(".")[2]


def duration_of(part: Part) -> timedelta:
    """Return a duration: seconds, ``5 minutes``, or the fields of a timedelta.

    Raises:
        NotCarriedOverError: It is none.
    """
    if (number := part.number) is not None:
        return _timedelta(seconds=number)
    if part.text is not None and (match := _RELATIVE.match(part.text)):
        return _timedelta(**{f"{match[2].lower()}s": int(match[1])})
    given = {name: each.number for name, each in part.fields.items() if name != TYPE}
    if given and set(given) <= set(_UNITS) and None not in given.values() and class_of(part) in {"", "timedelta"}:
        return _timedelta(**{name: number for name, number in given.items() if number is not None})
    raise NotCarriedOverError(
        f"{part.shown()} is no duration: give seconds, a text such as 5 minutes, or __type__: datetime.timedelta"
    )


def _timedelta(**given: float) -> timedelta:
    try:
        return timedelta(**given)
    except (OverflowError, ValueError):
        raise NotCarriedOverError(f"{given} is too long for a duration: give 366 days at most") from None


def zone_of(name: str) -> ZoneInfo:
    """Return a timezone of the IANA database.

    Raises:
        NotCarriedOverError: There is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise NotCarriedOverError(f"{name!r} is no timezone of the IANA database, such as Europe/Amsterdam") from None


def moment_of(part: Part, zone: str) -> datetime:
    """Return a day or a moment, which dag-factory reads in the timezone of the DAG.

    Raises:
        NotCarriedOverError: It is none.
    """
    text = part.text or ""
    if _RELATIVE.match(text):
        raise NotCarriedOverError(
            f"{text!r} is counted from the day on which the file is read, another one each day: write the day"
        )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NotCarriedOverError(f"{part.shown()} is no day or moment, such as 2026-01-31: write one") from None
    try:
        return moment.replace(tzinfo=zone_of(zone)).astimezone(UTC)
    except OverflowError:
        raise NotCarriedOverError(f"{part.shown()} is outside the years 1 to 9999: write another day") from None


def schedule_of(part: Part | None, zone: str) -> dict[str, Any]:  # noqa: PLR0911 - one line a form
    """Return the fields of a schedule, as Airflow 3 reads it.

    Raises:
        NotCarriedOverError: It is none of the contract's.
    """
    if part is None or part.text in {"None", "none", "null", ""}:
        return {"kind": "manual"}
    if part.text is not None and part.number is None:
        if part.text in {"@once", "@continuous"}:
            return {"kind": part.text[1:]}
        return {"kind": "cron_trigger", "cron": part.text, "timezone": zone}
    if (kind := class_of(part)) in _TIMETABLES:
        return _timetable(part, _TIMETABLES[kind], zone)
    if kind in {"timedelta", "relativedelta"} or part.number is not None or set(part.fields) & set(_UNITS):
        return {"kind": "delta_trigger", "every": duration_of(part)}
    if kind == "AssetOrTimeSchedule":
        return _assets_or_time(part.fields.get("assets"), part.fields.get("timetable"), zone)
    if "timetable" in part.fields:
        return _assets_or_time(part.fields.get("datasets") or part.fields.get("assets"), part.fields["timetable"], zone)
    return {"kind": "assets", **_asset_fields(part)}


def _timetable(part: Part, kind: str, zone: str) -> dict[str, Any]:
    fields = Fields(part)
    fields.take(TYPE)
    in_place = fields.take(ARGS)
    first = in_place.items[0] if in_place is not None and in_place.items else None
    is_cron = kind.startswith("cron")
    main = fields.take("cron") or first if is_cron else fields.take("delta") or first
    given = fields.take("timezone")
    if left := [name for name, _ in fields.left()]:
        raise NotCarriedOverError(f"the timetable's {', '.join(left)} can't be told: leave it out, or use a cron alone")
    if main is None:
        raise NotCarriedOverError("the timetable says no time: give it a cron or a delta")
    if not is_cron:
        return {"kind": kind, "every": duration_of(main)}
    return {"kind": kind, "cron": main.text, "timezone": (given.text if given is not None else None) or zone}


def _assets_or_time(assets: Part | None, timetable: Part | None, zone: str) -> dict[str, Any]:
    if (
        assets is None
        or timetable is None
        or class_of(timetable) not in {"CronTriggerTimetable", "CronDataIntervalTimetable"}
    ):
        raise NotCarriedOverError(
            "assets or a time need both assets and a cron timetable: give Schedule.assets_or_cron"
        )
    fields = _timetable(timetable, "cron_trigger", zone)
    return {**fields, "kind": "assets_or_time", **_asset_fields(assets)}


def _asset_fields(part: Part) -> dict[str, Any]:
    """Return assets and their condition, numbered by their first place in it."""
    numbers: dict[tuple[str, str | None], int] = {}
    assets: list[dict[str, Any]] = []

    def condition(each: Part) -> Condition:
        for name, operator in _JOINS.items():
            if name in each.fields and len(each.fields) == 1:
                return joined_condition(operator, [condition(item) for item in each.fields[name].items])
        asset = asset_of(each)
        key = (asset["uri"], asset.get("name"))
        if key not in numbers:
            numbers[key] = len(assets)
            assets.append(asset)
        return numbers[key]

    parts = part.fields["datasets"] if set(part.fields) == {"datasets"} else part
    found = [condition(each) for each in parts.items]
    if not found:
        raise NotCarriedOverError("it names no asset: give at least one")
    tree = joined_condition("&", found)
    is_plain = not isinstance(tree, AllOrAny) or (tree.operator == "&" and tree.of == tuple(range(len(assets))))
    return {"assets": tuple(assets), **({} if is_plain else {"condition": text_of(tree)})}


def asset_of(part: Part) -> dict[str, Any]:
    """Return the fields of an asset: its URI, or an object with it.

    Raises:
        NotCarriedOverError: It has none.
    """
    if part.text is not None and "://" in part.text:
        return {"uri": part.text}
    if class_of(part) in {"Asset", "Dataset"} or (part.fields and TYPE not in part.fields):
        fields = {name: each.text for name, each in part.fields.items() if name in {"uri", "name", "group"}}
        if fields.get("uri") and None not in fields.values():
            return fields
    raise NotCarriedOverError(f"{part.shown()} is no asset with a uri: write __type__: airflow.sdk.Asset and its uri")


def param_of(part: Part) -> dict[str, Any]:
    """Return the fields of a param.

    Raises:
        NotCarriedOverError: It is of no kind that the contract has.
    """
    if not isinstance(part.value, dict):
        return _plain_param(part)
    fields = Fields(part)
    fields.take(TYPE, "section")
    default, kinds, form = fields.take("default"), fields.take("type"), fields.take("format")
    named = list(kinds.texts or () if kinds is not None else ())
    param: dict[str, Any] = (
        _plain_param(default) if not named else {"default": None if default is None else _default(default)}
    )
    if named:
        kind = next((each for each in named if each != "null"), "string")
        if kind not in _PARAM_KINDS:
            raise NotCarriedOverError(f"a param of the type {kind!r} can't be told: make it texts, or one text of JSON")
        param["kind"] = _PARAM_FORMATS.get((form.text if form is not None else "") or "", _PARAM_KINDS[kind])
        param["optional"] = "null" in named
    for name, own in _PARAM_FIELDS.items():
        if (given := fields.take(name)) is not None:
            param[own] = tuple(given.texts or ()) if own == "choices" else given.plain()
    if left := [name for name, _ in fields.left()]:
        raise NotCarriedOverError(f"the param's {', '.join(left)} can't be told: leave it out")
    if param["kind"] == "datetime" and default is not None:
        param["default"] = moment_of(default, "UTC")
    if param["kind"] == "number" and isinstance(param["default"], int):
        param["default"] = float(param["default"])
    return {name: value for name, value in param.items() if value is not None}


def _plain_param(part: Part | None) -> dict[str, Any]:
    if part is None or part.value is None:
        return {"kind": "string", "optional": True, "default": None}
    default = _default(part)
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", tuple: "string_list"}
    return {"kind": kinds[type(default)], "default": default}


def _default(part: Part) -> str | float | bool | tuple[str, ...] | None:
    if isinstance(part.value, list):
        if (texts := part.texts) is None:
            raise NotCarriedOverError(f"{part.shown()} is no list of texts: make each of them a text")
        return texts
    value = part.plain()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise NotCarriedOverError(f"{part.shown()} is an object, which no param is: give each entry a param of its own")

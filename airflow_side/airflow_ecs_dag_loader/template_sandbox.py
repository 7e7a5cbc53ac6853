"""Jinja without Python in it: a template gets at entries of JSON values and at parts that have a name here, no more.

Jinja itself takes ``item['upper']`` for the method of a text where there is no such entry, and writes what is no text
as Python would.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, Undefined
from jinja2.sandbox import SandboxedEnvironment

from airflow_ecs_dag_schema.problems import shown
from airflow_ecs_dag_schema.templates import MOMENT_FIELDS, MOMENT_METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED = 20


@dataclass(frozen=True, eq=False)
class NamedParts:
    """Something of which templates may use these parts.

    Attributes:
        name: What templates call it.
        parts: By name.
    """

    name: str
    parts: Mapping[str, Any]


def text_of(value: object) -> str:
    """Return what a template writes for ``value``: a text and a moment as they are, anything else as JSON.

    Raises:
        ValueError: The value is no JSON.
        jinja2.UndefinedError: There is no value.
    """
    if isinstance(value, str | datetime | Undefined):
        return str(value)
    return _json(value)


def _json(value: object) -> str:
    if isinstance(value, Undefined):
        str(value)  # raises, with the reason
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_moment)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a value of type {type(value).__name__} can't be written as JSON: {error}") from None


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"it has a {type(value).__name__} in it")


def _trim(value: object, characters: str | None = None) -> str:
    return text_of(value).strip(characters)


class PlainEnvironment(SandboxedEnvironment):
    """A Jinja environment for templates that ``check_template`` lets pass."""

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, cache_size=0, keep_trailing_newline=True, finalize=text_of)
        self.filters |= {
            "lower": lambda value: text_of(value).lower(),
            "upper": lambda value: text_of(value).upper(),
            "trim": _trim,
            "tojson": _json,
        }

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - Jinja's own
        """Return a part of something; of anything that has no parts for templates, an undefined value."""
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, NamedParts):
            return self._part(obj, attribute)
        if isinstance(obj, datetime) and attribute in MOMENT_FIELDS | MOMENT_METHODS:
            return getattr(obj, attribute)
        return self._missing(f"a {type(obj).__name__} has no {attribute} for templates")

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 - Jinja's own
        """Return an entry of a JSON object or array; if there is none, an undefined value that says so."""
        match obj, argument:
            case Undefined(), _:
                return obj
            case NamedParts(), str():
                return self._part(obj, argument)
            case dict(), str() if argument in obj:
                return obj[argument]
            case list() | tuple(), int() if not isinstance(argument, bool) and 0 <= argument < len(obj):
                return obj[argument]
            case dict(), str():
                why = f"there is no entry {shown(argument)}, the entries are {_listed(obj)}"
            case list() | tuple(), int() if not isinstance(argument, bool):
                why = f"there is no entry {argument}, it has {len(obj)} entries from 0 on"
            case _:
                why = f"there is no entry {shown(str(argument))} in {_kind(obj)}"
        return self._missing(why)

    def _part(self, parts: NamedParts, name: str) -> Any:  # noqa: ANN401 - whatever the part is
        if name in parts.parts:
            return parts.parts[name]
        return self._missing(f"{parts.name} has no {shown(name)}, it has {_listed(parts.parts)}")

    def _missing(self, why: str) -> Undefined:
        """Return a value that raises ``why`` where it is used; what is taken of such a value is the same one."""
        return self.undefined(hint=why)


def _listed(names: Mapping[str, Any]) -> str:
    listed = ", ".join(shown(name)[1:-1] for name in list(names)[:_NAMED])
    return listed + (", ..." if len(names) > _NAMED else "") or "none"


def _kind(value: object) -> str:
    match value:
        case dict():
            return "a JSON object, whose entries have names"
        case list() | tuple():
            return "a JSON array, whose entries have numbers"
        case str():
            return "a text, which has no entries"
        case _:
            return f"{text_of(value)[:50]}, which has no entries"

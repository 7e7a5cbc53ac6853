"""The typed values that fields of the contract are made of, and how each is read from a label's text.

A value arrives in one of two ways. From Python it must have its exact type (``retries="3"`` is an error).
From labels (validation context :data:`FROM_LABELS`) everything is text, and each type reads its one
spelling: integers in digits, booleans ``true``/``false``, moments in ISO 8601 with an offset, durations
in ISO 8601 (``PT5M``), list items under the numbers ``0``, ``1``, ...
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic._internal._model_construction import ModelMetaclass  # the one way to a class's own call

from airflow_ecs_dag_schema.frozen_map import FrozenMap
from airflow_ecs_dag_schema.problems import DagDefinitionError
from airflow_ecs_dag_schema.secret_texts import refuse_secret
from airflow_ecs_dag_schema.templates import check_template

FROM_LABELS = {"from_labels": True}
"""Validation context under which text is parsed to the field's type."""

EMPTY_LIST = "[]"
"""The label that stands for a list with no items, where that differs from no label at all."""

TOKEN_START = "${Token["  # noqa: S105 - how the CDK spells an unresolved value, not a password
_MAX_DURATION = timedelta(days=366)
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?\Z", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})\Z", re.ASCII)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,14})\Z", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,15})(?:\.\d{1,21})?(?:e[+-]?\d{1,3})?\Z", re.ASCII)
"""The texts that Python writes floats as, among them; the digits that it needs at most."""
_DYNAMIC_REFERENCE = re.compile(r"\{\{\s*resolve\s*:", re.IGNORECASE)
_INDEX = re.compile(r"(?:0|[1-9]\d{0,4})\Z", re.ASCII)


_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_SEEN = "\n\t\u200c\u200d"
"""White space, and parts of letters in some scripts and of emoji."""


BUILT_AT_USE = ConfigDict(defer_build=True)
"""A process makes few kinds of values, and a model's validators take longer to build than all else that is imported."""


class FrozenModel(BaseModel):
    """A value of the contract: immutable, exact types, unknown fields refused."""

    model_config = ConfigDict(**BUILT_AT_USE, frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


if TYPE_CHECKING:
    _InAuthorsWords = ModelMetaclass  # a `__call__` of its own would hide each model's arguments from type checkers
else:

    class _InAuthorsWords(ModelMetaclass):
        """Lets a value that an author writes down raise the project's own error, not pydantic's.

        A model that pydantic makes within another one does not come this way: its problems are collected with the rest.
        """

        def __call__(cls, *args: Any, **fields: Any) -> Any:  # noqa: ANN401, N805 - the class called; any model's fields
            """Make the value.

            Raises:
                DagDefinitionError: With every problem found.
            """
            try:
                return super().__call__(*args, **fields)
            except ValidationError as error:
                from airflow_ecs_dag_schema.validation import spec_problems  # noqa: PLC0415 - it knows all the models

                model = cast("type[BaseModel]", cls)
                raise DagDefinitionError(
                    spec_problems(error, (), model), subject=getattr(cls, "AUTHORS_NAME", cls.__name__)
                ) from None


class AuthorValue(FrozenModel, metaclass=_InAuthorsWords):
    """A value that authors make themselves, such as an alert; what is wrong raises ``DagDefinitionError``.

    Its class is called so in the error, unless it has an ``AUTHORS_NAME``.
    """


def _from_labels(info: ValidationInfo) -> bool:
    return bool(info.context and info.context.get("from_labels"))


def _read_integer(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and _from_labels(info):
        if not _INTEGER.match(value):
            raise ValueError("expected a whole number in digits, such as 3")
        return int(value)
    return value


def _read_number(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and _from_labels(info):
        if not _NUMBER.match(value):
            raise ValueError("expected a number in digits, such as 2 or 0.5")
        if not isfinite(number := float(value)):
            raise ValueError("expected a number in digits, below 1e308")
        return number
    return value


def _read_flag(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and _from_labels(info):
        if value not in {"true", "false"}:
            raise ValueError("expected true or false")
        return value == "true"
    return value


def _read_moment(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and _from_labels(info):
        if not _MOMENT.match(value):
            raise ValueError(
                "expected a moment in ISO 8601 with its offset from UTC, such as 2026-01-31T03:00:00+00:00"
            )
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"no such moment: {error}") from None
    return value


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None or value.utcoffset() is None:
        raise ValueError(
            "a moment needs its timezone: write datetime(..., tzinfo=UTC) or a ZoneInfo, never a naive datetime"
        )
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("the moment is outside the years 1 to 9999 in UTC") from None


def _read_duration(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and _from_labels(info):
        match = _DURATION.match(value)
        if match is None or value[-1] in "PT":
            raise ValueError("expected an ISO 8601 duration in days, hours, minutes, seconds, such as PT5M or P1D")
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return value


def _whole_seconds(value: timedelta) -> timedelta:
    if value.microseconds or not timedelta(seconds=1) <= value <= _MAX_DURATION:
        raise ValueError("expected whole seconds, from 1 second to 366 days")
    return value


def _plain_text(value: str) -> str:
    if _DYNAMIC_REFERENCE.search(value):
        raise ValueError(
            "{{resolve:...}} would put a secret into a label at deploy: give it to the container as ecs.Secret"
        )
    for character in value:
        if (character < " " and character not in "\n\t") or character == "\x7f" or "\ud800" <= character <= "\udfff":
            raise ValueError(f"the character {character!a} can't be in a text: remove it")
    if not value.isascii():
        _refuse_unseen(value)
    return refuse_secret(value)


def _refuse_unseen(value: str) -> None:
    """Refuse characters that a reader can't see, or that turn others round: they make one name look like another."""
    for character in value:
        if unicodedata.category(character) in _UNSEEN and character not in _SEEN:
            raise ValueError(f"the character {character!a} can't be seen in a text: remove it")


def _one_line(value: str) -> str:
    if "\n" in value or "\t" in value:
        raise ValueError("expected one line, with no tab and no newline")
    return value


def pattern(expression: str, allowed: str) -> AfterValidator:
    """Return a validator for texts that match ``expression`` whole; a CDK token passes, it has no value yet."""
    compiled = re.compile(rf"(?:{expression})\Z", re.ASCII)

    def check(value: str) -> str:
        if compiled.match(value) is None and TOKEN_START not in value:
            raise ValueError(f"allowed: {allowed}")
        return value

    return AfterValidator(check)


def _identifier(what: str, characters: str, expression: str, longest: int) -> AfterValidator:
    compiled = re.compile(rf"(?:{expression})\Z", re.ASCII)

    def check(value: str) -> str:
        if not compiled.match(value) or len(value) > longest:
            raise ValueError(f"{what} is 1 to {longest} of {characters}: choose another")
        return value

    return AfterValidator(check)


def _read_items(value: object, info: ValidationInfo) -> object:
    """Turn ``{"0": a, "1": b}`` (labels) or a list (Python) into a tuple."""
    if _from_labels(info) and not isinstance(value, tuple):
        if value == EMPTY_LIST:
            return ()
        if not isinstance(value, dict):
            raise ValueError("expected a list: give each item a label of its own, its key ending in .0, .1 and so on")
        numbers = sorted(value, key=lambda key: (len(key), key))
        if any(not _INDEX.match(key) for key in numbers) or numbers != [str(i) for i in range(len(numbers))]:
            raise ValueError(f"list items are numbered 0, 1, 2, ... without a gap, not {', '.join(numbers[:20])}")
        return tuple(value[key] for key in numbers)
    return tuple(value) if isinstance(value, list) else value


Item = TypeVar("Item")

if TYPE_CHECKING:
    Many = list[Item] | tuple[Item, ...]
    """Any number of items: an author may write a list or a tuple; it is kept as a tuple."""
else:

    class Many:
        """Any number of items: an author may write a list or a tuple; it is kept as a tuple."""

        def __class_getitem__(cls, item: object) -> object:
            """Return the field type for items of type ``item``."""
            return Annotated[tuple[item, ...], BeforeValidator(_read_items)]


_MOST_ENTRIES = 100


def _sorted_entries(entries: dict[str, Any]) -> dict[str, Any]:
    if len(entries) > _MOST_ENTRIES:
        raise ValueError(f"may hold at most {_MOST_ENTRIES} entries, has {len(entries)}: shorten it")
    return FrozenMap(sorted(entries.items()))


Key = TypeVar("Key", bound=str)
Map = Annotated[dict[Key, Item], AfterValidator(_sorted_entries)]
"""Values by name, at most 100, kept in order of the names; in labels the name is the last part of the key."""


def sorted_unique(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return ``items`` in order, for lists that are sets; an item named twice is an error.

    With CDK tokens among them they stay as given: a token's text says nothing, and changes with the rest of the app.
    """
    twice = sorted(item for item, times in Counter(items).items() if times > 1)
    if twice:
        raise ValueError(f"named more than once: {', '.join(map(ascii, twice))}")
    if any(isinstance(item, str) and TOKEN_START in item for item in items):
        return items
    return tuple(sorted(items))


Flag = Annotated[bool, BeforeValidator(_read_flag)]
Integer = Annotated[int, BeforeValidator(_read_integer)]
Number = Annotated[float, BeforeValidator(_read_number)]
Count = Annotated[int, BeforeValidator(_read_integer), Field(ge=1, le=1_000_000)]
CountOrZero = Annotated[int, BeforeValidator(_read_integer), Field(ge=0, le=1_000_000)]
Moment = Annotated[datetime, BeforeValidator(_read_moment), AfterValidator(_in_utc)]
Duration = Annotated[timedelta, BeforeValidator(_read_duration), AfterValidator(_whole_seconds)]
Text = Annotated[str, AfterValidator(_plain_text)]
Word = Annotated[str, AfterValidator(_plain_text), AfterValidator(_one_line)]
"""One line whose characters and length a :func:`pattern` limits, where it holds no CDK token."""
Line = Annotated[Word, Field(min_length=1, max_length=250)]
Template = Annotated[str, AfterValidator(_plain_text), AfterValidator(check_template)]
"""Text in which ``{{ ds }}`` and the other variables of :mod:`templates` are filled in when the task runs."""

_MOST_TEXTS = 200


def _read_argument(value: object, info: ValidationInfo) -> object:
    """Turn a list into a tuple, and refuse what is neither a text nor a list of texts."""
    if not isinstance(value, str):
        value = _read_items(value, info)
        if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
            raise ValueError("expected a text or a list of texts")
        if not 1 <= len(value) <= _MOST_TEXTS:
            raise ValueError(f"a list has 1 to {_MOST_TEXTS} items, this has {len(value)}: shorten it, or leave it out")
    return value


def _check_argument(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    for text in (value,) if isinstance(value, str) else value:
        check_template(_plain_text(text))
    return value


ArgumentValue = Annotated[str | tuple[str, ...], BeforeValidator(_read_argument), AfterValidator(_check_argument)]
"""An operator's argument: a text, or a list of 1 to 200 texts; templates in it are checked."""

_READERS: dict[str, TypeAdapter[Any]] = {
    "duration": TypeAdapter(Duration, config=BUILT_AT_USE),
    "moment": TypeAdapter(Moment, config=BUILT_AT_USE),
}


def read_text(kind: Literal["duration", "moment"], text: str) -> timedelta | datetime:
    """Return the duration or the moment that a label's text stands for.

    Raises:
        ValueError: It stands for none.
    """
    try:
        return cast("timedelta | datetime", _READERS[kind].validate_python(text, strict=True, context=FROM_LABELS))
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["ctx"]["error"])) from None


DagId = Annotated[
    str,
    _identifier(
        "a dag id",
        "A-Z a-z 0-9 _ - and single dots between them",
        r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*",
        200,
    ),
]
TaskId = Annotated[
    str,
    _identifier(
        "a task id",
        "A-Z a-z 0-9 _ -, with the ids of its groups and single dots before it",
        r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*",
        200,
    ),
]
Name = Annotated[
    str, _identifier("a name", "A-Z a-z 0-9 _, not beginning with a digit", r"[A-Za-z_][A-Za-z0-9_]*", 100)
]
"""The name of an environment variable, a param or an argument."""
Url = Annotated[
    Word,
    Field(max_length=2_000),
    pattern(
        r"(?:https://|mailto:)[A-Za-z0-9._~:/?#@!$&*+,;=%-]+",
        "a link that begins with https:// or mailto:, without spaces",
    ),
]
EmailAddress = Annotated[
    Word,
    Field(max_length=254),
    pattern(
        r"[A-Za-z0-9!#$&'*+/=?^_|~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
        "one address such as team@example.com",
    ),
]

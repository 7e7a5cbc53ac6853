"""The params of a DAG: what a person may fill in when triggering it, each with its type."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from airflow_ecs_dag_schema.values import (
    TOKEN_START,
    AuthorValue,
    CountOrZero,
    Flag,
    Integer,
    Line,
    Many,
    Moment,
    Number,
    Text,
    Word,
    pattern,
)

ParamText = Annotated[Text, Field(max_length=2_000)]
_Wide = Annotated[Integer, Field(ge=-999_999_999, le=999_999_999)]
_Length = Annotated[CountOrZero, Field(le=10_000)]
Day = Annotated[Word, pattern(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", "a day such as 2026-01-31")]


class _Param(AuthorValue):
    title: Line | None = None
    """What the trigger form calls it; without it, its name."""
    description: Annotated[Text, Field(max_length=1_000)] | None = None
    """What the trigger form says below it."""
    optional: Flag = False
    """Whether it may be left empty; a template gets an empty text then."""


class StringParam(_Param):
    """A text.

    Attributes:
        default: Without it, whoever triggers the DAG must give one.
        choices: The texts to choose from; without it, any.
        min_length: Characters.
        max_length: Characters.
        multiline: Whether the form has several lines for it.
    """

    kind: Literal["string"] = "string"
    default: ParamText | None = None
    choices: Annotated[Many[ParamText], Field(max_length=200)] = ()
    min_length: _Length | None = None
    max_length: _Length | None = None
    multiline: Flag = False

    @model_validator(mode="after")
    def _check_default(self) -> Self:
        if self.default is None or any(TOKEN_START in text for text in (self.default, *self.choices)):
            return self
        if self.choices and self.default not in self.choices:
            raise ValueError("the default is none of the choices: add it, or choose another default")
        if len(self.default) < (self.min_length or 0) or (
            self.max_length is not None and len(self.default) > self.max_length
        ):
            raise ValueError("the default is shorter than min_length or longer than max_length: change one of them")
        return self


class IntegerParam(_Param):
    """A whole number, from ``minimum`` to ``maximum``."""

    kind: Literal["integer"] = "integer"
    default: _Wide | None = None
    minimum: _Wide | None = None
    maximum: _Wide | None = None

    @model_validator(mode="after")
    def _check_default(self) -> Self:
        _check_range(self.default, self.minimum, self.maximum)
        return self


class NumberParam(_Param):
    """A number, from ``minimum`` to ``maximum``."""

    kind: Literal["number"] = "number"
    default: Number | None = None
    minimum: Number | None = None
    maximum: Number | None = None

    @model_validator(mode="after")
    def _check_default(self) -> Self:
        _check_range(self.default, self.minimum, self.maximum)
        return self


class BooleanParam(_Param):
    """Yes or no."""

    kind: Literal["boolean"] = "boolean"
    default: Flag | None = None


class DateParam(_Param):
    """A day, ``2026-01-31``."""

    kind: Literal["date"] = "date"
    default: Day | None = None

    @model_validator(mode="after")
    def _check_default(self) -> Self:
        if self.default is not None and len(self.default) == len("2026-01-31"):
            try:
                date.fromisoformat(self.default)
            except ValueError as error:
                raise ValueError(f"no such day: {error}") from None
        return self


class DatetimeParam(_Param):
    """A moment with its offset from UTC."""

    kind: Literal["datetime"] = "datetime"
    default: Moment | None = None


class StringListParam(_Param):
    """Texts, one a line of the form; a task can be mapped over them."""

    kind: Literal["string_list"] = "string_list"
    default: Annotated[Many[ParamText], Field(max_length=200)] | None = None


PARAMS = (StringParam, IntegerParam, NumberParam, BooleanParam, DateParam, DatetimeParam, StringListParam)
"""The kinds of param, as classes."""

AnyParam = Annotated[
    StringParam | IntegerParam | NumberParam | BooleanParam | DateParam | DatetimeParam | StringListParam,
    Field(discriminator="kind"),
]
ParamValue = str | int | float | bool | datetime | tuple[str, ...]


def _check_range(default: float | None, minimum: float | None, maximum: float | None) -> None:
    if minimum is not None and maximum is not None and maximum < minimum:
        raise ValueError("maximum is below minimum: change one of them")
    if default is not None and (
        (minimum is not None and default < minimum) or (maximum is not None and default > maximum)
    ):
        raise ValueError("the default is not between minimum and maximum: change one of them")

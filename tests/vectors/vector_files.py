"""Conformance vectors: reading the data files, and the plain form in which they hold a DAG.

README.md beside this file says what the format means; the models here are what the files are checked against.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from airflow_ecs_dag_schema.label_text import to_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_schema import DagSpec

FOLDER = Path(__file__).parent


class _VectorModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ExpectedProblem(_VectorModel):
    """One problem that a reader must report: the label it names, and words that its message holds."""

    path: str = Field(min_length=1)
    message_contains: str = Field(min_length=5)


class Vector(_VectorModel):
    """Labels and the verdict on them."""

    description: str = Field(min_length=4)
    labels: dict[str, str]
    valid: bool
    canonical: bool | None = None
    spec: dict[str, Any] | None = None
    problems: list[ExpectedProblem] | None = None

    @model_validator(mode="after")
    def _check_verdict(self) -> Self:
        if self.valid and (self.spec is None or self.problems is not None):
            raise ValueError("a valid vector has a spec and no problems")
        if not self.valid and (not self.problems or self.spec is not None or self.canonical is not None):
            raise ValueError("an invalid vector has problems and neither a spec nor a canonical form")
        return self


_VECTORS = TypeAdapter(list[Vector])


def read_vectors(version: str) -> Iterator[tuple[str, Vector]]:
    """Yield each vector of a version (``v1``, ``2019``) with its name, ``<file>: <description>``."""
    for file in sorted((FOLDER / version).glob("*.json")):
        for vector in _VECTORS.validate_json(file.read_bytes()):
            yield f"{version}/{file.name}: {vector.description}", vector


def read_defaults() -> dict[str, dict[str, Any]]:
    """Return what a field that no vector mentions holds, by the name of its part of the DAG."""
    content: dict[str, dict[str, Any]] = json.loads((FOLDER / "defaults.json").read_text(encoding="utf-8"))
    return content


def plain_spec(spec: DagSpec) -> dict[str, Any]:
    """Return ``spec`` as the vectors write it: what differs from its default, and each kind."""
    plain: dict[str, Any] = plain_value(spec)
    return plain


def plain_value(value: object) -> Any:
    """Return ``value`` as JSON has it; moments and durations in the one spelling that labels have for them."""
    match value:
        case BaseModel():
            return {
                name: plain_value(getattr(value, name))
                for name, field in type(value).model_fields.items()
                if name == "kind" or getattr(value, name) != field.default
            }
        case tuple():
            return [plain_value(item) for item in value]
        case dict():
            return {name: plain_value(item) for name, item in value.items()}
        case datetime() | timedelta():
            return to_text(value)
        case _:
            return value

"""A DAG as JSON has it: what differs from its default, and each kind; moments and durations as in the labels."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from airflow_ecs_dag_schema.label_text import to_text
from airflow_ecs_dag_schema.undeployed import without_tokens


def plain_value(value: object) -> Any:  # noqa: ANN401 - JSON of any kind
    """Return ``value`` as JSON has it; a CDK token in a text reads ``${Ref Cluster}``."""
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
        case str():
            return without_tokens(value)
        case _:
            return value

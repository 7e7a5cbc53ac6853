"""From the params of the contract to Airflow's: each with the JSON Schema that the trigger form is made from.

No schema has a reference: Airflow would fetch it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from airflow_ecs_dag_schema import params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_schema.params import AnyParam

_TYPES = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "string",
    "datetime": "string",
    "string_list": "array",
}


def airflow_params(declared: Mapping[str, AnyParam]) -> dict[str, Param]:
    """Return what ``DAG(params=...)`` takes for ``declared``."""
    return {name: _param(each) for name, each in declared.items()}


def _param(declared: AnyParam) -> Param:
    schema: dict[str, Any] = {"type": _TYPES[declared.kind], **_rules(declared)}
    if declared.title is not None:
        schema["title"] = declared.title
    default: Any = declared.default
    if isinstance(default, datetime):
        default = default.isoformat()
    elif isinstance(default, tuple):
        default = list(default)
    if declared.optional:
        schema["type"] = ["null", schema["type"]]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    if default is None and not declared.optional:
        return Param(description=declared.description, **schema)
    return Param(default, description=declared.description, **schema)


def _rules(declared: AnyParam) -> dict[str, Any]:
    """Return what the JSON Schema says beside the type."""
    rules: dict[str, Any] = {}
    match declared:
        case params.StringParam():
            rules = {
                "enum": list(declared.choices) or None,
                "minLength": declared.min_length,
                "maxLength": declared.max_length,
                "format": "multiline" if declared.multiline else None,
            }
        case params.IntegerParam() | params.NumberParam():
            rules = {"minimum": declared.minimum, "maximum": declared.maximum}
        case params.DateParam():
            rules = {"format": "date"}
        case params.DatetimeParam():
            rules = {"format": "date-time"}
        case params.StringListParam():
            rules = {"items": {"type": "string"}}
    return {name: value for name, value in rules.items() if value is not None}

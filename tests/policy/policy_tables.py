"""The tables of docs/policy.md, made of the model and of the rules; `python -m policy.policy_tables` prints them."""

from __future__ import annotations

import inspect
import re
from typing import Any

from airflow_ecs_dag_schema import Policy
from airflow_ecs_dag_schema.violations import RULES

_ENTRY = re.compile(r"^    (\w+): (.*(?:\n        .*)*)", re.MULTILINE)


def field_rows() -> list[str]:
    schema = Policy.model_json_schema()["properties"]
    entries = _ENTRY.findall(inspect.getdoc(Policy) or "")
    said = {name: " ".join(text.split()).replace("``", "`") for name, text in entries}
    return [
        f"| `{name}` | {_type(schema[name])} | {_default(name, schema[name])} | {said[name]} |"
        for name in Policy.model_fields
    ]


def rule_rows() -> list[str]:
    return [f"| `{rule}` | {field} |" for rule, field in sorted(RULES.items())]


def _type(schema: dict[str, Any]) -> str:
    (kind,) = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    if "enum" in kind:
        return " or ".join(f"`{value}`" for value in kind["enum"])
    if kind.get("format") == "duration":
        return "duration"
    if kind["type"] == "integer":
        return f"{kind['minimum']} to {kind['maximum']:,}"
    if kind["type"] == "object":
        return "fields by name"
    return {"array": "list of texts", "boolean": "`true` or `false`", "string": "text"}[kind["type"]]


def _default(name: str, schema: dict[str, Any]) -> str:
    default = schema.get("default")
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return ", ".join(f"`{each}`" for each in default)
    if default == {}:
        return "none"
    if default is not None:
        return f"`{default}`"
    return "any" if "array" in str(schema) or name.startswith("dag_id") else "no limit"


if __name__ == "__main__":
    print("\n".join([*field_rows(), "", *rule_rows()]))  # noqa: T201 - what it is for

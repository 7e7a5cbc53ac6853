"""The JSON Schema (draft 2020-12) of the labels of version 1, generated from the models of the contract.

It is for editors, and for authors who write the labels without the CDK. It looks at each label by itself, and at a few
of them together; what it can't say (a circle of tasks, a template's syntax) is left to ``airflow-ecs-dag validate``.
"""

# ruff: noqa: SLF001 - one package: the expressions that the models check with are the ones that are published

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_schema import labels_v1, packed, values
from airflow_ecs_dag_schema.limits import LABEL_BYTES
from airflow_ecs_dag_schema.model_labels import Group, Items, Label, label_parts
from airflow_ecs_dag_schema.task_definition import RUN_BY_LABEL
from airflow_ecs_dag_schema.value_patterns import any_case, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Schema = dict[str, Any]

SCHEMA_ID = "urn:airflow-ecs-dag:labels:v1"
_AIRFLOW = r"^airflow\."
_JSON_STRING = r'^"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"[ \t\n\r]*$'
_RESOLVED = any_case(values._DYNAMIC_REFERENCE.pattern, "resolve")
_TOKEN = re.escape(values.TOKEN_START)
_PACKED = whole(packed._KEY.pattern)
"""The keys of labels in the packed form; with one of them, other labels may be in it, and none can be missed."""


def label_schema() -> Schema:
    """Return the JSON Schema of the labels of one container, as an object of texts."""
    labels, groups, lists = label_parts()
    fixed = {".".join(label.parts): _value(label) for label in labels if label.is_fixed}
    patterns: dict[str, Schema] = {}
    for label in labels:
        if not label.is_fixed:
            patterns.setdefault(_pattern(label.parts), _value(label))
    patterns[_PACKED] = {
        "description": "A piece of the other labels, compressed, where they do not fit otherwise.",
        "type": "string",
        "maxLength": LABEL_BYTES,
        "pattern": whole("[A-Za-z0-9+/]+={0,2}"),
    }
    version = {"const": labels_v1.VERSION, "description": "The version of these labels."}
    fixed[RUN_BY_LABEL] = {
        "description": "The dag ids, with spaces between them, of other task definitions' DAGs that may run this one.",
        "type": "string",
    }
    known = [labels_v1.VERSION_LABEL, *fixed]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Docker labels that declare an Airflow DAG, version 1",
        "description": "The labels of one container of an ECS task definition. Other programs' labels may stand "
        "beside those that begin with airflow.",
        "type": "object",
        "required": [labels_v1.VERSION_LABEL, "airflow.dag.dag_id"],
        "properties": {labels_v1.VERSION_LABEL: version, **fixed},
        "patternProperties": patterns,
        "propertyNames": {
            "if": {"pattern": _AIRFLOW},
            "then": {"anyOf": [{"enum": known}, *({"pattern": pattern} for pattern in patterns)]},
        },
        "if": {"propertyNames": {"not": {"pattern": _PACKED}}},
        "then": {"allOf": [*_of_groups(groups, lists), *_of_lists(lists), *_of_whole()]},
        "$defs": {
            "json_string": {
                "$comment": "A text that begins with a double quote is a JSON string; what it holds is not checked.",
                "pattern": _JSON_STRING,
            },
            "never": {
                "$comment": "A secret that CloudFormation would put into a label, and a value that the CDK left open.",
                "not": {"pattern": f"{_RESOLVED}|{_TOKEN}"},
            },
        },
    }


def schema_text() -> str:
    """Return :func:`label_schema` as it is published."""
    return json.dumps(label_schema(), indent=2) + "\n"


def _value(label: Label) -> Schema:
    shortest_key = len(".".join(label.parts)) if label.is_fixed else 0
    says = {"description": label.description} if label.description else {}
    return {
        **says,
        "type": "string",
        "maxLength": LABEL_BYTES - shortest_key,
        "$ref": "#/$defs/never",
        "if": {"pattern": '^"'},
        "then": {"$ref": "#/$defs/json_string"},
        "else": label.plain,
    }


def _pattern(parts: Iterable[str], *, whole_key: bool = True) -> str:
    """Return the expression of the keys with these parts, or of those that begin with them."""
    joined = r"\.".join(part if re.search(r"[^A-Za-z0-9_-]", part) else re.escape(part) for part in parts)
    return f"^{joined}$" if whole_key else rf"^{joined}\."


def _some(pattern: str) -> Schema:
    """Return the schema of objects with a key that matches."""
    return {"not": {"propertyNames": {"not": {"pattern": pattern}}}}


def _of_groups(groups: list[Group], lists: list[Items]) -> Iterator[Schema]:
    """Yield what fields of one model ask of each other, where their keys hold no task id."""
    yield _some(r"^airflow\.tasks\.")
    bounds = {items.parts: items.most for items in lists if items.is_fixed and items.of_models}
    for group in groups:
        if group.is_fixed:
            if len(group.parts) > 2:  # noqa: PLR2004 - airflow.dag and airflow.ecs may be empty
                yield from _of_group(".".join(group.parts), group)
        elif group.parts[:-1] in bounds:
            numbers = range(bounds[group.parts[:-1]] or 0)
            rules = [rule for index in numbers for rule in _of_group(".".join((*group.parts[:-1], str(index))), group)]
            yield {"if": _some(_pattern(group.parts[:-1], whole_key=False)), "then": {"allOf": rules}}


def _of_group(path: str, group: Group) -> Iterator[Schema]:
    begin = rf"^{re.escape(path)}\."
    for name in group.required:
        field = re.escape(f"{path}.{name}")
        yield {"if": _some(begin), "then": _some(rf"^{field}(?:\.|$)")}
    every = sorted({name for names, _ in group.fields_by_kind.values() for name in names})
    for kind, (names, required) in group.fields_by_kind.items():
        others = [re.escape(f"{path}.{name}") for name in every if name not in names]
        there = [_some(rf"^{re.escape(f'{path}.{name}')}(?:\.|$)") for name in required]
        then: Schema = {"allOf": there} if there else {}
        if others:
            then["propertyNames"] = {"not": {"pattern": rf"^(?:{'|'.join(others)})(?:\.|$)"}}
        if then:
            yield {"if": {"required": [f"{path}.kind"], "properties": {f"{path}.kind": {"const": kind}}}, "then": then}


def _of_lists(lists: list[Items]) -> Iterator[Schema]:
    """Yield what the items of a list ask of each other, where their keys hold no task id: no gap between them."""
    for items in lists:
        if not items.is_fixed:
            continue
        path = re.escape(".".join(items.parts))
        yield {"if": {"required": [".".join(items.parts)]}, "then": {"not": _some(rf"^{path}\.")}}
        numbers = range(1, items.most or 0)
        if items.of_models:
            rules = [
                {"if": _some(rf"^{path}\.{index}\."), "then": _some(rf"^{path}\.{index - 1}\.")} for index in numbers
            ]
            yield {"if": _some(rf"^{path}\."), "then": {"allOf": rules}}
        else:
            keys = [".".join((*items.parts, str(index))) for index in (0, *numbers)]
            yield {"dependentRequired": {key: [before] for before, key in pairwise(keys)}}


def _of_whole() -> Iterator[Schema]:
    """Yield what the models check with code, on the whole DAG and on the whole of where it runs."""
    kind, start = "airflow.dag.schedule.kind", "airflow.dag.start_date"
    scheduled = {"required": [kind], "properties": {kind: {"not": {"pattern": '^"|^(?:manual|assets)$'}}}}
    yield {"if": scheduled, "then": {"required": [start]}}
    continuous = {"required": [kind], "properties": {kind: {"const": "continuous"}}}
    runs = {"airflow.dag.max_active_runs": {"anyOf": [{"const": "1"}, {"pattern": '^"'}]}}
    yield {"if": continuous, "then": {"properties": runs}}
    yield {
        "if": {"required": ["airflow.ecs.launch_type"]},
        "then": {"not": _some(r"^airflow\.ecs\.capacity_provider_strategy\.")},
    }
    yield {
        "if": _some(r"^airflow\.ecs\.(?:assign_public_ip$|security_groups\.)"),
        "then": _some(r"^airflow\.ecs\.subnets\."),
    }

"""What the model of the contract demands of each label, read from its own JSON Schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_schema import DagSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

# JSON Schema's keywords (and those that pydantic writes where it validates after its own functions), with the words
# of the message that breaking them gives.
_KEYWORDS = {
    "ge": "expected {} or more",
    "minimum": "expected {} or more",
    "le": "expected {} or less",
    "maximum": "expected {} or less",
    "minLength": "needs at least {} ",
    "minItems": "needs at least {} ",
    "maxLength": "may hold at most {} ",
    "maxItems": "may hold at most {} ",
    "enum": "choose one of",
    "discriminator": "choose one of",
}
_TYPES = {
    "integer": "whole number",
    "boolean": "true or false",
    "number": "expected a number",
    "array": "expected a list",
    "string": "expected a text",
}
_FORMATS = {"date-time": "ISO 8601 with its offset", "duration": "ISO 8601 duration"}


@dataclass(frozen=True, order=True)
class LabelConstraint:
    """One thing that a label must be.

    Attributes:
        pattern: The label; ``*`` is any one part of its key.
        words: Part of the message when it is not so.
    """

    pattern: str
    words: str

    def is_broken_by(self, path: str, message: str) -> bool:
        expression = re.escape(self.pattern).replace(r"\*", r"[^.]+")
        return self.words in message and re.fullmatch(expression, path) is not None


def label_constraints() -> list[LabelConstraint]:
    """Return every constraint of the model, sorted."""
    schema = DagSpec.model_json_schema()
    return sorted(set(_of_node(schema, schema["$defs"], "airflow.dag")))


def _of_node(  # noqa: C901 - one case a type
    node: dict[str, Any], defs: dict[str, Any], path: str
) -> Iterator[LabelConstraint]:
    if "$ref" in node:
        node = defs[node["$ref"].rpartition("/")[2]]
    if {branch.get("type") for branch in node.get("anyOf", ())} == {"string", "array"}:
        yield LabelConstraint(path, "expected a text or a list of texts")
        return
    for branch in [*node.get("anyOf", ()), *node.get("oneOf", ())]:
        yield from _of_node(branch, defs, path)
    for keyword in _KEYWORDS.keys() & node.keys():
        where = f"{path}.kind" if keyword == "discriminator" else path
        yield LabelConstraint(where, _KEYWORDS[keyword].format(node[keyword]))
    match node.get("type"):
        case "object" if "properties" not in node:
            yield LabelConstraint(path, "expected values by name")
            yield LabelConstraint(f"{path}.*", "a name is 1 to 100")
            yield LabelConstraint(path, "may hold at most 100 entries")
            yield from _of_node(node["additionalProperties"], defs, f"{path}.*")
        case "object":
            yield LabelConstraint(f"{path}.*", "unknown field")
            yield from _of_fields(node, defs, path)
        case "array":
            # Tasks stand under their ids, without numbers, so that theirs can't be anything but a list.
            if path != "airflow.tasks":
                yield LabelConstraint(path, _TYPES["array"])
            yield from _of_node(node["items"], defs, f"{path}.*")
        case kind if "format" in node:
            yield LabelConstraint(path, _FORMATS[node["format"]])
        case kind if kind in _TYPES and "enum" not in node:
            yield LabelConstraint(path, _TYPES[kind])


def _of_fields(node: dict[str, Any], defs: dict[str, Any], path: str) -> Iterator[LabelConstraint]:
    for name, child in node["properties"].items():
        room = "airflow" if path == "airflow.dag" and name in {"ecs", "tasks"} else path
        if name == "kind" and "const" in child:
            continue
        # A task's id is in the keys of its labels, unless its groups are in it.
        if name in node.get("required", ()) and name != "tasks" and f"{path}.{name}" != "airflow.tasks.*.task_id":
            yield LabelConstraint(f"{room}.{name}", "this is missing")
        yield from _of_node(child, defs, f"{room}.{name}")

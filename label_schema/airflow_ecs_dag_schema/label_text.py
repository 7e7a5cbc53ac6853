"""How one value is written as the text of a label, and read back; and how flat keys become a tree.

Text stands in a label as it is. Where that would lose something (it has characters other than printable
ASCII, because CloudFormation replaces those by ``?``, or it begins with a double quote) it is written as a JSON string;
so a label that begins with a double quote is always a JSON string.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_ecs_dag_schema.problems import Problem
from airflow_ecs_dag_schema.values import TOKEN_START

PREFIX = "airflow."
_DEEPEST = 10

Tree = dict[str, Any]
"""Nested labels: a part of a key to the text of the label, or to the tree below it."""


def to_text(value: bool | float | datetime | timedelta | str) -> str:  # noqa: FBT001 - the value to be written
    """Return the one spelling of ``value`` in a label.

    Raises:
        ValueError: Text that needs quoting holds a CDK token, whose value is not known yet.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return json.dumps(value).removesuffix(".0")
        case datetime():
            return value.astimezone(UTC).isoformat()
        case timedelta():
            return _duration_text(value)
        case str():
            return _quoted(value)


def from_text(text: str) -> str:
    """Return the text that a label stands for.

    Raises:
        ValueError: It begins with a double quote and is no JSON string.
    """
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, str):
        raise ValueError('a label that begins with a double quote is a JSON string, such as "caf\\u00e9"')  # noqa: TRY004
    if TOKEN_START in value:
        raise ValueError("a quoted text can't hold a CDK token, a value that is not known yet: write the value")
    return value


def read_tree(labels: dict[str, str]) -> tuple[Tree, list[Problem]]:
    """Split the keys of ``labels`` at their dots, below the prefix ``airflow.``; what can't be split is a problem."""
    tree: Tree = {}
    problems = []
    for key, text in sorted(labels.items()):
        parts = key.removeprefix(PREFIX).split(".")
        if not all(parts) or len(parts) > _DEEPEST:
            problems.append(Problem(key, f"a label has 1 to {_DEEPEST} parts, divided by single dots", text))
            continue
        try:
            _put(tree, parts, from_text(text))
        except ValueError as error:
            problems.append(Problem(key, str(error), text))
    return tree, problems


def _put(tree: Tree, parts: list[str], value: str) -> None:
    for part in parts[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise ValueError(f"this label is below another one, which ends in {part}: keep one of the two")  # noqa: TRY004
    tree[parts[-1]] = value


def _quoted(value: str) -> str:
    if all(" " <= character <= "~" for character in value) and not value.startswith('"'):
        return value
    if TOKEN_START in value:
        raise ValueError(
            "a text with a CDK token in it can't have line breaks, characters beyond ASCII or begin with a double quote"
        )
    return json.dumps(value)


def _duration_text(value: timedelta) -> str:
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    return f"P{f'{value.days}D' if value.days else ''}{f'T{clock}' if clock else ''}"

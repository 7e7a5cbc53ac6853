"""CloudFormation's functions as the text that they are known to make before the deployment, tokens for the rest.

``{"Fn::Sub": "${AWS::StackName}-jobs"}`` becomes ``${Token[Ref AWS::StackName]}-jobs``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.source_document import Unquoted
from airflow_ecs_dag_schema.undeployed import token

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_VALUE = {"Ref": "AWS::NoValue"}
_NAMES = ("Ref", "Condition")
_VARIABLE = re.compile(r"\$\{(?P<literal>!)?(?P<name>[^}]*)\}")
_IF_PARTS = 3


def is_function(value: object) -> bool:
    """Tell whether ``value`` is one of CloudFormation's functions, such as ``{"Ref": "Cluster"}``."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    name = next(iter(value))
    return name in _NAMES or name.startswith("Fn::")


def text_of(value: object) -> str | None:
    """Return the text that CloudFormation makes of ``value``, tokens in it; ``None`` if it makes none."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Unquoted():
            return value.text
        case dict() if is_function(value):
            return _function_text(value)
        case _:
            return None


def first_choice(value: Any) -> tuple[Any, str | None]:  # noqa: ANN401 - any part of a template
    """Return what ``Fn::If`` gives when its condition holds (or else the other), and the condition's name.

    Any other value is returned as it is, with ``None``.
    """
    if is_function(value) and isinstance(choices := value.get("Fn::If"), list) and len(choices) == _IF_PARTS:
        condition, first, second = choices
        chosen = second if first == NO_VALUE else first
        return first_choice(chosen)[0], str(condition)
    return value, None


def _function_text(function: Mapping[str, Any]) -> str:
    ((name, argument),) = function.items()
    match name, argument:
        case "Fn::Sub", str():
            return _substituted(argument, {})
        case "Fn::Sub", [str() as text, dict() as values]:
            return _substituted(text, values)
        case "Fn::Join", [str() as between, list() as parts] if None not in (texts := [text_of(p) for p in parts]):
            return between.join(text for text in texts if text is not None)
        case _:
            return token(_described(function))


def _substituted(text: str, values: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match["name"].strip()
        if match["literal"]:
            return f"${{{match['name']}}}"
        known = text_of(values[name]) if name in values else None
        return token(f"{'GetAtt' if '.' in name else 'Ref'} {name}") if known is None else known

    return _VARIABLE.sub(value, text)


def _described(value: object) -> str:
    """Return a function as one short line: ``If IsProd, Ref Large, Ref Small``."""
    if isinstance(value, dict) and is_function(value):
        ((name, argument),) = value.items()
        name = name.removeprefix("Fn::")
        if name == "GetAtt" and isinstance(argument, list):
            return f"GetAtt {'.'.join(map(_described, argument))}"
        return f"{name} {_described(argument)}"
    if isinstance(value, list):
        return ", ".join(map(_described, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}={_described(item)}" for name, item in value.items())
    text = text_of(value)
    return "nothing" if text is None else text

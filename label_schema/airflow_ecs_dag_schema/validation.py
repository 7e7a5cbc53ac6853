"""From pydantic's errors to the project's own problems, in words for a DAG's author."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ValidationError

from airflow_ecs_dag_schema.dag import DagSpec
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.secret_texts import SecretTextError
from airflow_ecs_dag_schema.tasks import TASK_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]

_KIND_ERRORS = frozenset({"union_tag_invalid", "union_tag_not_found", "model_attributes_type"})
_HINTED = 30
"""Problems that get a guess at what was meant; more are not shown anyway, and a guess takes time."""
_EXPECTED = {
    "bool_type": "True or False",
    "datetime_type": "a datetime",
    "float_type": "a number",
    "int_type": "a whole number",
    "literal_error": "one of the texts allowed here",
    "string_type": "a text",
    "time_delta_type": "a timedelta",
    "tuple_type": "a list or a tuple",
}
"""What pydantic's plainest complaints ask for, in words for a DAG's author."""


class _Place(NamedTuple):
    """Where in a model something is.

    Attributes:
        path: As an author wrote it.
        owner: The model that its last part belongs to.
        kinds: The kinds of model that may stand there.
    """

    path: Path
    owner: type[BaseModel]
    kinds: list[str]


def spec_problems(
    error: ValidationError, task_ids: Sequence[str], root: type[BaseModel] = DagSpec
) -> Iterator[Problem]:
    """Yield every problem that pydantic found in a :class:`DagSpec`, with paths such as ``tasks.convert.retries``.

    Args:
        error: What ``root`` raised.
        task_ids: The ids of the tasks in the order in which they were given.
        root: The model that was to be made: the whole spec, or one of the values that it consists of.
    """
    for number, detail in enumerate(error.errors(include_url=False)):
        place = _walk(detail["loc"], root)
        path = place.path
        if detail["type"] in _KIND_ERRORS:
            path = (*path, "kind")
        if len(path) > 1 and path[0] == "tasks" and isinstance(path[1], int):
            path = ("tasks", task_ids[path[1]], *path[2:])
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, DagDefinitionError):
            yield from cause.problems
        else:
            yield Problem(".".join(map(str, path)), _message(detail, place, with_hint=number < _HINTED), _value(detail))


def _walk(location: Path, root: type[BaseModel]) -> _Place:
    """Follow ``location`` into ``root``.

    Where a field holds one of several models told apart by ``kind``, pydantic puts that kind into the location; where
    a name of a map is wrong, it puts ``[key]`` after the name.
    """
    path: list[str | int] = []
    models: dict[str, type[BaseModel]] = {"": root}
    owner = root
    is_entry = False
    for part in location:
        if part == "[key]":
            continue
        if isinstance(part, str) and not is_entry and "" not in models and part in models:
            models = {"": models[part]}
            continue
        path.append(part)
        if is_entry or isinstance(part, int):
            is_entry = False
        elif models:
            owner = next(iter(models.values()))
            models, is_entry = _below(owner, part) if part in owner.model_fields else ({}, False)
    return _Place(tuple(path), owner, sorted(models))


@cache
def _below(owner: type[BaseModel], name: str) -> tuple[dict[str, type[BaseModel]], bool]:
    """Return the models that a field may hold, by kind, and whether it holds values by name."""
    annotation = owner.model_fields[name].annotation
    return dict(_models(annotation)), _is_map(annotation)


def _is_map(annotation: object) -> bool:
    return getattr(annotation, "__origin__", None) is dict


def _models(annotation: object) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the models within a field's type, each with its kind ("" where it has none)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        kind = annotation.model_fields.get("kind")
        yield "" if kind is None else kind.default, annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _message(  # noqa: C901, PLR0912 - one case a kind of error
    detail: ErrorDetails, place: _Place, *, with_hint: bool
) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    kind, got = detail["type"], detail["input"]
    if kind in _EXPECTED and isinstance(got, dict | list | tuple) and kind != "tuple_type":
        return f"expected {_EXPECTED[kind]}, with no fields or items below it: give one value"
    match kind:
        case "extra_forbidden":
            message = _unknown_field(str(detail["loc"][-1]), place.owner, with_hint=with_hint)
        case "missing":
            message = "this is missing and has no default: give it"
        case "value_error":
            message = str(context["error"])
        case "literal_error":
            message = f"choose one of {_bare(context['expected'])}"
        case "union_tag_invalid":
            message = f"unknown kind; choose one of {_bare(context['expected_tags'])}"
        case "union_tag_not_found" | "model_attributes_type":
            message = f"its kind is missing; choose one of {', '.join(place.kinds)}"
        case "model_type":
            message = f"expected the fields of {context['class_name']}, not one value: give each field its own"
        case "greater_than_equal":
            message = f"expected {context['ge']} or more"
        case "less_than_equal":
            message = f"expected {context['le']} or less"
        case "dict_type":
            message = "expected values by name: give each a label or an entry of its own, under its name"
        case "too_short":
            message = (
                f"needs at least {_counted(context['min_length'], detail)}, has {context['actual_length']}: add to it"
            )
        case "too_long":
            most = _counted(context["max_length"], detail)
            message = f"may hold at most {most}, has {context['actual_length']}: shorten it"
        case _ if kind in _EXPECTED:
            message = f"expected {_EXPECTED[kind]}"
        case _:
            message = detail["msg"][:1].lower() + detail["msg"][1:]
    return message


def _bare(quoted: str) -> str:
    return quoted.replace("'", "")


def _counted(number: int, detail: ErrorDetails) -> str:
    got = detail["input"]
    is_text = isinstance(got, str) and len(got) == detail["ctx"]["actual_length"]
    return f"{number} {'character' if is_text else 'item'}{'' if number == 1 else 's'}"


def _unknown_field(name: str, owner: type[BaseModel], *, with_hint: bool) -> str:
    hidden = {"kind", "task_id"} if owner in TASK_KINDS.values() else {"ecs", "tasks"}
    allowed = sorted(set(owner.model_fields) - hidden)
    near = get_close_matches(name, allowed, n=1) if with_hint else []
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown field; {hint}allowed: {', '.join(allowed)}"


def _value(detail: ErrorDetails) -> str | None:
    value = detail["input"]
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, SecretTextError):
        return cause.shown
    if detail["type"] == "union_tag_invalid" and isinstance(value, dict):
        value = value["kind"]
    if detail["type"] == "missing" or isinstance(value, dict | BaseModel):
        return None
    return value if isinstance(value, str) else repr(value)

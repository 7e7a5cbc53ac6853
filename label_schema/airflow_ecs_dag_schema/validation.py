"""From pydantic's errors to the project's own problems, in words for a DAG's author."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from airflow_ecs_dag_schema.dag import DagSpec
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.tasks import TASK_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

    Path = tuple[str | int, ...]


_KIND_ERRORS = frozenset({"union_tag_invalid", "union_tag_not_found", "model_attributes_type"})
_EXPECTED = {
    "bool_type": "True or False",
    "datetime_type": "a datetime",
    "int_type": "a whole number",
    "literal_error": "one of the texts allowed here",
    "string_type": "a text",
    "time_delta_type": "a timedelta",
    "tuple_type": "a list or a tuple",
}
"""What pydantic's plainest complaints ask for, in words for a DAG's author."""


def spec_problems(
    error: ValidationError, task_ids: Sequence[str], root: type[BaseModel] = DagSpec
) -> Iterator[Problem]:
    """Yield every problem that pydantic found in a :class:`DagSpec`, with paths such as ``tasks.convert.retries``.

    Args:
        error: What ``root`` raised.
        task_ids: The ids of the tasks in the order in which they were given.
        root: The model that was to be made: the whole spec, or one of the values that it consists of.
    """
    for detail in error.errors(include_url=False):
        path, owner = _walk(detail["loc"], root)
        if detail["type"] in _KIND_ERRORS:
            path = (*path, "kind")
        if len(path) > 1 and path[0] == "tasks" and isinstance(path[1], int):
            path = ("tasks", task_ids[path[1]], *path[2:])
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, DagDefinitionError):
            yield from cause.problems
        else:
            yield Problem(".".join(map(str, path)), _message(detail, owner, root), _value(detail))


def _walk(location: tuple[str | int, ...], root: type[BaseModel]) -> tuple[Path, type[BaseModel]]:
    """Follow ``location`` into ``root``; return it as an author wrote it, and the model that its last part belongs to.

    Where a field holds one of several models told apart by ``kind``, pydantic puts that kind into the location.
    """
    path: list[str | int] = []
    models: dict[str, type[BaseModel]] = {"": root}
    owner = root
    for part in location:
        if isinstance(part, str) and len(models) > 1 and part in models:
            models = {"": models[part]}
            continue
        path.append(part)
        if isinstance(part, str) and models:
            owner = next(iter(models.values()))
            field = owner.model_fields.get(part)
            models = {} if field is None else dict(_models(field.annotation))
    return tuple(path), owner


def _kinds(location: tuple[str | int, ...], root: type[BaseModel]) -> list[str]:
    """Return the kinds that the field at ``location`` may have."""
    owner = _walk(location, root)[1]
    name = next(part for part in reversed(location) if isinstance(part, str))
    return sorted(kind for kind, _ in _models(owner.model_fields[name].annotation))


def _models(annotation: object) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the models within a field's type, each with its kind ("" where it has none)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        kind = annotation.model_fields.get("kind")
        yield "" if kind is None else kind.default, annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _message(  # noqa: C901, PLR0912 - one case a kind of error
    detail: ErrorDetails, owner: type[BaseModel], root: type[BaseModel]
) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    kind, got = detail["type"], detail["input"]
    if kind in _EXPECTED and isinstance(got, dict | list | tuple) and kind != "tuple_type":
        return f"expected {_EXPECTED[kind]}, with no fields or items below it: give one value"
    match kind:
        case "extra_forbidden":
            message = _unknown_field(str(detail["loc"][-1]), owner)
        case "missing":
            message = "this is missing and has no default: give it"
        case "value_error":
            message = str(context["error"])
        case "literal_error":
            message = f"choose one of {_bare(context['expected'])}"
        case "union_tag_invalid":
            message = f"unknown kind; choose one of {_bare(context['expected_tags'])}"
        case "union_tag_not_found" | "model_attributes_type":
            message = f"its kind is missing; choose one of {', '.join(_kinds(detail['loc'], root))}"
        case "model_type":
            message = f"expected the fields of {context['class_name']}, not one value: give each field its own"
        case "greater_than_equal":
            message = f"expected {context['ge']} or more"
        case "less_than_equal":
            message = f"expected {context['le']} or less"
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


def _unknown_field(name: str, owner: type[BaseModel]) -> str:
    hidden = {"kind", "task_id"} if owner in TASK_KINDS.values() else {"ecs", "tasks"}
    allowed = sorted(set(owner.model_fields) - hidden)
    near = get_close_matches(name, allowed, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown field; {hint}allowed: {', '.join(allowed)}"


def _value(detail: ErrorDetails) -> str | None:
    value = detail["input"]
    if detail["type"] == "union_tag_invalid" and isinstance(value, dict):
        value = value["kind"]
    if detail["type"] == "missing" or isinstance(value, dict | BaseModel):
        return None
    return value if isinstance(value, str) else repr(value)

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


def spec_problems(error: ValidationError, task_ids: Sequence[str]) -> Iterator[Problem]:
    """Yield every problem that pydantic found in a :class:`DagSpec`, with paths such as ``tasks.convert.retries``.

    Args:
        error: What ``DagSpec`` raised.
        task_ids: The ids of the tasks in the order in which they were given.
    """
    for detail in error.errors(include_url=False):
        path, owner = _walk(detail["loc"])
        if len(path) > 1 and path[0] == "tasks" and isinstance(path[1], int):
            path = ("tasks", task_ids[path[1]], *path[2:])
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, DagDefinitionError):
            yield from cause.problems
        else:
            yield Problem(".".join(map(str, path)), _message(detail, owner), _value(detail))


def _walk(location: tuple[str | int, ...]) -> tuple[Path, type[BaseModel]]:
    """Follow ``location`` into the spec; return it as an author wrote it, and the model that its last part belongs to.

    Where a field holds one of several models told apart by ``kind``, pydantic puts that kind into the location.
    """
    path: list[str | int] = []
    models: dict[str, type[BaseModel]] = {"": DagSpec}
    owner: type[BaseModel] = DagSpec
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


def _models(annotation: object) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the models within a field's type, each with its kind ("" where it has none)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        kind = annotation.model_fields.get("kind")
        yield "" if kind is None else kind.default, annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _message(detail: ErrorDetails, owner: type[BaseModel]) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    message = detail["msg"].replace("Input should be ", "expected ")
    match detail["type"]:
        case "extra_forbidden":
            message = _unknown_field(str(detail["loc"][-1]), owner)
        case "missing":
            message = "this is missing: it has no default"
        case "value_error":
            message = str(context["error"])
        case "literal_error":
            message = f"allowed: {context['expected'].replace(chr(39), '')}"
        case "union_tag_invalid":
            message = f"unknown kind; allowed: {context['expected_tags'].replace(chr(39), '')}"
        case "union_tag_not_found":
            message = "its kind is missing: say which kind it is"
        case "too_short":
            message = f"needs at least {context['min_length']}, has {context['actual_length']}"
        case "too_long":
            message = f"may hold at most {context['max_length']}, has {context['actual_length']}"
    return message


def _unknown_field(name: str, owner: type[BaseModel]) -> str:
    hidden = {"kind", "task_id"} if owner in TASK_KINDS.values() else {"ecs", "tasks"}
    allowed = sorted(set(owner.model_fields) - hidden)
    near = get_close_matches(name, allowed, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown field; {hint}allowed: {', '.join(allowed)}"


def _value(detail: ErrorDetails) -> str | None:
    value = detail["input"]
    if detail["type"] == "missing" or isinstance(value, dict | BaseModel):
        return None
    return value if isinstance(value, str) else repr(value)

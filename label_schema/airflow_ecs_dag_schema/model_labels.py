"""The flat labels of version 1, one by one, read from the models of the contract: their keys, their values."""

# ruff: noqa: SLF001 - one package: the checks of the models are the ones that are told of here

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from airflow_ecs_dag_schema import asset_condition, assets, schedule, values
from airflow_ecs_dag_schema.dag import DagSpec
from airflow_ecs_dag_schema.templates import check_template
from airflow_ecs_dag_schema.value_patterns import (
    cron_pattern,
    integer_pattern,
    key_part,
    number_pattern,
    uri_pattern,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX = r"(?:0|[1-9][0-9]{0,4})"
TASK_KEY = "[A-Za-z0-9_-]+"
"""What stands for a task in the keys of its labels: its id, or any other text where the label ``task_id`` has that."""
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+(?:\n {8,}.+)*)", re.MULTILINE)
_PLAIN_TEXT = {"pattern": r"^[^\u0000-\u0008\u000b-\u001f\u007f]*$"}
_ONE_LINE = {"pattern": r"^[^\n\t]*$"}


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label, or many that differ in numbers, names and task keys.

    Attributes:
        parts: Of its key, from ``airflow`` on: each a text, or a regular expression where ``is_fixed`` is false.
        is_fixed: Whether the parts are the key itself.
        plain: The JSON Schema of its value, where that is not written as a JSON string.
        description: What it says.
    """

    parts: tuple[str, ...]
    is_fixed: bool
    plain: dict[str, Any]
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Fields that stand or fall together: those of a model that may be left out, or of one item of a list.

    Attributes:
        parts: What their keys begin with; ``is_fixed`` is as in :class:`Label`.
        required: The fields that must be there as soon as one is.
        fields_by_kind: For each ``kind`` the fields that it may have and those it must; empty if there are no kinds.
    """

    parts: tuple[str, ...]
    is_fixed: bool
    required: tuple[str, ...] = ()
    fields_by_kind: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Items:
    """A list. ``most`` is the number of items it may have, ``None`` for any."""

    parts: tuple[str, ...]
    is_fixed: bool
    most: int | None
    of_models: bool


def label_parts() -> tuple[list[Label], list[Group], list[Items]]:
    """Return the labels of version 1, the groups they form and the lists, in the order of the models."""
    found: list[Label | Group | Items] = list(_of_fields(DagSpec, ("airflow", "dag"), is_fixed=True))
    labels: dict[tuple[str, ...], Label] = {}
    for label in found:
        if isinstance(label, Label):
            labels[label.parts] = _either(labels[label.parts], label) if label.parts in labels else label
    groups = {each.parts: each for each in found if isinstance(each, Group)}
    lists = {each.parts: each for each in found if isinstance(each, Items)}
    return list(labels.values()), list(groups.values()), list(lists.values())


def _either(one: Label, other: Label) -> Label:
    """Return the label that is, by the kind of its model, one or the other."""
    plains = one.plain["anyOf"] if one.plain.keys() == {"anyOf"} else [one.plain]
    if other.plain not in plains:
        plains = [*plains, other.plain]
    return replace(
        one,
        plain=plains[0] if len(plains) == 1 else {"anyOf": plains},
        description=one.description or other.description,
    )


def _of_fields(
    model: type[BaseModel], parts: tuple[str, ...], *, is_fixed: bool, without: tuple[str, ...] = ()
) -> Iterator[Label | Group | Items]:
    descriptions = {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(inspect.getdoc(model) or "")}
    for name, info in model.model_fields.items():
        if name in without:
            continue
        metadata = [*info.metadata]
        place = (*parts, name)
        if model is DagSpec and name in {"ecs", "tasks"}:
            place = ("airflow", name)
        yield from _of_type(info.annotation, metadata, place, is_fixed=is_fixed, says=descriptions.get(name, ""))


def _of_type(
    annotation: Any,  # noqa: ANN401 - any annotation
    metadata: list[Any],
    parts: tuple[str, ...],
    *,
    is_fixed: bool,
    says: str = "",
) -> Iterator[Label | Group | Items]:
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        metadata = [*metadata, *more]
    members = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    members = tuple(each for each in members if each is not NoneType)
    models = [each for each in members if isinstance(each, type) and issubclass(each, BaseModel)]
    if models:
        yield from _of_models(models, parts, is_fixed=is_fixed)
    elif len(members) == 1 and members[0] is not annotation:
        yield from _of_type(members[0], metadata, parts, is_fixed=is_fixed, says=says)
    elif values._read_argument in _functions(metadata, BeforeValidator):
        yield from _of_argument(parts, is_fixed=is_fixed, says=says)
    elif get_origin(annotation) is dict:
        key, value = get_args(annotation)
        yield from _of_type(value, [], (*parts, _name_in_key(key)), is_fixed=False, says=says)
    elif get_origin(annotation) is tuple:
        yield from _of_list(get_args(annotation)[0], _limits(metadata), parts, is_fixed=is_fixed, says=says)
    else:
        yield Label(parts=parts, is_fixed=is_fixed, plain=_plain(annotation, metadata), description=says)


def _of_models(
    models: list[type[BaseModel]], parts: tuple[str, ...], *, is_fixed: bool
) -> Iterator[Label | Group | Items]:
    kinds = [model.model_fields["kind"].default for model in models if "kind" in model.model_fields]
    is_task = parts[:2] == ("airflow", "tasks")
    if kinds:
        yield Label(parts=(*parts, "kind"), is_fixed=is_fixed, plain={"enum": sorted(kinds)})
    for model in models:
        yield from _of_fields(model, parts, is_fixed=is_fixed, without=("kind",))
    if len(models) == 1:
        yield Group(parts=parts, is_fixed=is_fixed, required=_required(models[0]))
    else:
        by_kind = {
            kind: (tuple(model.model_fields), _required(model)) for kind, model in zip(kinds, models, strict=True)
        }
        # Without a kind a task is an ECS task; everything else must say what it is.
        yield Group(parts=parts, is_fixed=is_fixed, required=() if is_task else ("kind",), fields_by_kind=by_kind)


def _required(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, info in model.model_fields.items() if info.is_required())


def _of_list(
    item: Any,  # noqa: ANN401 - any annotation
    limits: dict[str, int],
    parts: tuple[str, ...],
    *,
    is_fixed: bool,
    says: str,
) -> Iterator[Label | Group | Items]:
    is_task = parts == ("airflow", "tasks")
    most = limits.get("max_length")
    if is_task:
        index = TASK_KEY
    else:
        index = INDEX if most is None else number_pattern(0, most - 1)
        if not limits.get("min_length"):
            yield Label(parts=parts, is_fixed=is_fixed, plain={"const": values.EMPTY_LIST}, description=says)
    found = list(_of_type(item, [], (*parts, index), is_fixed=False, says=says))
    yield from found
    if not is_task:
        of_models = any(isinstance(each, Group) for each in found)
        yield Items(parts=parts, is_fixed=is_fixed, most=most, of_models=of_models)


def _of_argument(parts: tuple[str, ...], *, is_fixed: bool, says: str) -> Iterator[Label]:
    """Yield the labels of an operator's argument: a text, or a list of texts."""
    for place in (parts, (*parts, number_pattern(0, values._MOST_TEXTS - 1))):
        yield Label(parts=place, is_fixed=is_fixed, plain=_PLAIN_TEXT, description=says)


def _plain(annotation: Any, metadata: list[Any]) -> dict[str, Any]:  # noqa: ANN401, PLR0911 - any type; a line each
    """Return the JSON Schema of a value's text.

    Raises:
        TypeError: The models hold a type or a check that is not known here.
    """
    limits = _limits(metadata)
    if get_origin(annotation) is Literal:
        return {"enum": sorted(get_args(annotation))}
    if annotation is bool:
        return {"enum": ["false", "true"]}
    if annotation is int:
        return {"pattern": whole(integer_pattern(limits["ge"], limits["le"]))}
    if annotation is float:
        return {"pattern": whole(values._NUMBER.pattern)}
    if annotation is datetime:
        return {"pattern": whole(values._MOMENT.pattern)}
    if annotation is timedelta:
        return {"pattern": whole(rf"(?=.*[1-9])(?!.*[PT]$){values._DURATION.pattern}")}
    if annotation is not str:
        raise TypeError(f"no JSON Schema is known for a label of type {annotation!r}: add one to _plain")
    checks = [check for validator in _functions(metadata) if (check := _text_check(validator))]
    lengths = {
        name: limits[key] for name, key in (("minLength", "min_length"), ("maxLength", "max_length")) if key in limits
    }
    if len(checks) == 1:
        return {**checks[0], **lengths}
    return {**({"allOf": checks} if checks else {}), **lengths}


def _text_check(validator: Any) -> dict[str, Any]:  # noqa: ANN401 - any function
    known: dict[Any, dict[str, Any]] = {
        values._plain_text: _PLAIN_TEXT,
        values._one_line: _ONE_LINE,
        schedule._check_cron: {"pattern": _cron()},
        schedule._check_timezone: {"enum": sorted(schedule._TIMEZONES)},
        schedule._check_condition: {"pattern": whole(asset_condition._CHARACTERS.pattern)},
        assets._check_uri: {"pattern": uri_pattern(assets._SCHEMES.pattern, reserved="airflow")},
        check_template: {},
    }
    if validator in known:
        return known[validator]
    closure = inspect.getclosurevars(validator).nonlocals
    if "compiled" not in closure:
        raise TypeError(f"no JSON Schema is known for the check {validator!r}: add one to _text_check")
    lengths = {"maxLength": closure["longest"]} if "longest" in closure else {}
    return {"pattern": whole(closure["compiled"].pattern), **lengths}


def _cron() -> str:
    words = [word for word in schedule._CRON_WORDS.pattern.removeprefix("(?:").split("|") if word.isalpha()]
    return cron_pattern(schedule._CRON.pattern, words, list(schedule.PRESETS))


def _name_in_key(key: Any) -> str:  # noqa: ANN401 - any annotation
    """Return the expression of the names of a map, as one part of a label's key."""
    (validator,) = _functions(list(get_args(key)[1:]))
    closure = inspect.getclosurevars(validator).nonlocals
    return key_part(closure["compiled"].pattern.removesuffix(r"\Z"), closure["longest"])


def _functions(metadata: list[Any], when: type[AfterValidator | BeforeValidator] = AfterValidator) -> list[Any]:
    return [each.func for each in metadata if isinstance(each, when)]


def _limits(metadata: list[Any]) -> dict[str, int]:
    """Return the narrowest of each limit: ``ge``, ``le``, ``min_length``, ``max_length``."""
    limits: dict[str, int] = {}
    for each in metadata:
        for constraint in each.metadata if isinstance(each, FieldInfo) else [each]:
            for name, narrower in (("ge", max), ("le", min), ("min_length", max), ("max_length", min)):
                value = getattr(constraint, name, None)
                if isinstance(value, int):
                    limits[name] = narrower(limits.get(name, value), value)
    return limits

"""Each kind of the contract as a pair: a DAG from labels, and the same DAG written by hand, as Airflow stores both.

Airflow stores little of an operator's own arguments, so these are compared as the operators hold them.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.serialization.serialized_objects import DagSerialization
from pydantic import BaseModel

from airflow_ecs_dag_loader.dag_builder import build_dag
from airflow_ecs_dag_schema import DagSpec, decode, encode
from airflow_ecs_dag_schema.operators import BUILT_IN
from airflow_ecs_dag_schema.tasks import OperatorSpec, TriggerRule
from loader.pair_files import PAIRS
from loader.pairs import hand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import DAG

_PLACES = {"fileloc", "relative_fileloc", "_processor_dags_folder"}
_OURS = {
    "airflow_ecs_dag_loader.standard_operators": "airflow.providers.standard",
    "airflow_ecs_dag_loader.aws_sensors": "airflow.providers.amazon",
}
"""Modules whose classes stand for Airflow's own of the same name."""


def stored(dag: DAG) -> Any:
    """Return what Airflow's database gets of ``dag``."""
    whole = json.loads(json.dumps(DagSerialization.to_dict(dag), default=str))["dag"]
    for task in whole["tasks"]:
        module = task["__var"]["_task_module"]
        task["__var"]["_task_module"] = _OURS.get(module, ".".join(module.split(".")[:3]))
        task["__var"].pop("template_ext", None)  # of our classes, none
    whole["tasks"].sort(key=lambda task: task["__var"]["task_id"])
    return {name: value for name, value in whole.items() if name not in _PLACES}


def held(dag: DAG) -> dict[str, Any]:
    """Return the plain arguments that each operator of ``dag`` holds, mapped or not."""
    tasks = {}
    for task in dag.tasks:
        held_by_task = dict(task.partial_kwargs if isinstance(task, MappedOperator) else vars(task))
        tasks[task.task_id] = {
            name: value for name, value in held_by_task.items() if not name.startswith("_") and _is_plain(value)
        }
    return tasks


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or isinstance(value, str | int | float | timedelta)


@pytest.mark.parametrize("name", PAIRS)
def test_a_dag_from_labels_is_the_dag_written_by_hand(name: str) -> None:
    pair = PAIRS[name]
    source = getattr(pair, "SOURCE", hand.SOURCE)
    built = build_dag(decode(encode(pair.SPEC)), source)
    by_hand = pair.by_hand()
    assert stored(built) == stored(by_hand)
    assert held(built) == held(by_hand)


def said(value: object) -> Iterator[tuple[str, str]]:
    """Yield each field, as the model that declares it and its name, in which ``value`` says something."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            part = getattr(value, name)
            if part != field.get_default(call_default_factory=True):
                yield declaring(type(value), name), name
            yield from said(part)
    elif isinstance(value, dict | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from said(part)


def declaring(model: type[BaseModel], name: str) -> str:
    """Return the model that declares the field ``name``, which others inherit."""
    return next(each.__name__ for each in reversed(model.__mro__) if name in getattr(each, "__annotations__", {}))


def declared(annotation: object) -> Iterator[tuple[str, str]]:
    """Yield each field of the models that ``annotation`` is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if name != "kind":
                yield declaring(annotation, name), name
            yield from declared(field.annotation)
    else:
        for part in get_args(annotation):
            yield from declared(part)


def test_the_pairs_say_something_in_every_field_of_the_contract() -> None:
    covered = {field for pair in PAIRS.values() for field in said(pair.SPEC)}
    assert set(declared(DagSpec)) - covered == set()


def test_the_pairs_have_every_built_in_operator_with_every_argument() -> None:
    tasks = [task for pair in PAIRS.values() for task in pair.SPEC.tasks if isinstance(task, OperatorSpec)]
    given = {(task.operator, name) for task in tasks for name in task.arguments}
    assert {(operator, name) for operator, signature in BUILT_IN.items() for name in signature.arguments} <= given
    assert BUILT_IN.keys() <= {task.operator for task in tasks}


def test_the_pairs_have_every_trigger_rule() -> None:
    assert {task.trigger_rule for pair in PAIRS.values() for task in pair.SPEC.tasks} == set(get_args(TriggerRule))


def test_the_pairs_have_every_kind() -> None:
    kinds = {type(part).__name__ for pair in PAIRS.values() for part in parts(pair.SPEC)}
    assert {model.__name__ for model in models(DagSpec)} <= kinds


def parts(value: object) -> Iterator[BaseModel]:
    """Yield ``value`` and all models in it."""
    if isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from parts(getattr(value, name))
    elif isinstance(value, dict | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from parts(part)


def models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that ``annotation`` is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    else:
        for part in get_args(annotation):
            yield from models(part)

"""A map of the contract is a value: it does not change, has a hash, and can be copied."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_schema import EcsTaskSpec
from airflow_ecs_dag_schema.frozen_map import FrozenMap

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRIES = {"B": "2", "A": "1"}


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: entries.__setitem__("A", "x"),
        lambda entries: entries.__delitem__("A"),
        lambda entries: entries.update(A="x"),
        lambda entries: entries.setdefault("C", "x"),
        lambda entries: entries.pop("A"),
        lambda entries: entries.popitem(),
        lambda entries: entries.clear(),
        lambda entries: entries.__ior__({"A": "x"}),
    ],
)
def test_it_does_not_change(change: Callable[[FrozenMap[str, str]], object]) -> None:
    entries = FrozenMap(ENTRIES)
    with pytest.raises(TypeError, match="does not change"):
        change(entries)
    assert entries == ENTRIES


def test_equal_maps_have_one_hash_and_copies_are_equal() -> None:
    entries = FrozenMap(ENTRIES)
    assert hash(entries) == hash(FrozenMap(sorted(ENTRIES.items())))
    for again in (copy.copy(entries), copy.deepcopy(entries), pickle.loads(pickle.dumps(entries))):  # noqa: S301 - our own
        assert type(again) is FrozenMap
        assert again == entries


def test_a_task_with_maps_is_a_value() -> None:
    one, other = (
        EcsTaskSpec(task_id="a", environment=dict(items)) for items in (ENTRIES.items(), sorted(ENTRIES.items()))
    )
    assert {one: 1}[other] == 1
    assert list(one.environment) == ["A", "B"]
    assert EcsTaskSpec.model_validate(one.model_dump()) == one
    assert one.model_dump_json()

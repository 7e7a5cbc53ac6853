"""`decode(encode(spec)) == spec`, for any DAG and any order of its labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, decode, encode, labels_v1
from airflow_ecs_dag_schema.limits import compact_size
from airflow_ecs_dag_schema.packed import is_packed, packed
from airflow_ecs_dag_schema.values import TOKEN_START
from schema.spec_strategies import specs

if TYPE_CHECKING:
    import random

_PRINTABLE_ASCII = re.compile(r"[ -~]*\Z")
_KEY = re.compile(r"[A-Za-z0-9._-]+\Z")
_ROUND_TRIPS = {"ci": 1_000}.get(settings.get_current_profile_name(), settings().max_examples)
"""A tenth in CI of what the profile ``soak`` tries."""


@settings(max_examples=_ROUND_TRIPS)
@given(specs(), st.randoms(use_true_random=False))
def test_decode_gives_back_what_encode_was_given(spec: DagSpec, order: random.Random) -> None:
    labels = list(encode(spec).items())
    order.shuffle(labels)
    assert decode(dict(labels)) == spec


@given(specs(), st.randoms(use_true_random=False))
def test_the_packed_form_means_the_same(spec: DagSpec, order: random.Random) -> None:
    labels = list(packed(labels_v1.write(spec)).items())
    order.shuffle(labels)
    assert decode(dict(labels)) == spec


def test_labels_are_packed_only_where_flat_ones_do_not_fit() -> None:
    spec = DagSpec(dag_id="a", tasks=[EcsTaskSpec(task_id=f"t{number}", args=["{{ ds }}"]) for number in range(50)])
    flat = labels_v1.write(spec)
    size = compact_size(flat)
    assert encode(spec, room=size) == flat
    smaller = encode(spec, room=size - 1)
    assert is_packed(smaller)
    assert compact_size(smaller) < size / 4
    assert decode(smaller) == spec


def test_a_token_stays_whole_in_a_label_of_its_own() -> None:
    token = f"s3://{TOKEN_START}TOKEN.1]}}/{{{{ ds }}}}"
    tasks = [EcsTaskSpec(task_id=f"t{number}", args=["x" * 500, "y" * 500]) for number in range(100)]
    spec = DagSpec(dag_id="a", tasks=[*tasks, EcsTaskSpec(task_id="own", environment={"BUCKET": token})])
    labels = encode(spec)
    assert is_packed(labels)
    assert labels["airflow.tasks.own.environment.BUCKET"] == token
    assert decode({key: text.replace(token, "s3://b") for key, text in labels.items()}).tasks[0] == EcsTaskSpec(
        task_id="own", environment={"BUCKET": "s3://b"}
    )


@given(specs())
def test_labels_are_what_ecs_takes(spec: DagSpec) -> None:
    labels = encode(spec)
    for key, text in labels.items():
        assert _KEY.match(key)
        assert _PRINTABLE_ASCII.match(text)
        assert len(key) + len(text) <= 4_000
    assert sum(len(key) + len(text) for key, text in labels.items()) <= 60_000


@given(specs())
def test_encode_is_deterministic(spec: DagSpec) -> None:
    written = list(encode(spec).items())
    assert list(encode(DagSpec.model_validate(spec.model_dump())).items()) == written
    assert list(encode(decode(dict(reversed(written)))).items()) == written


@given(specs(), st.dictionaries(st.text(max_size=20).filter(lambda key: not key.startswith("airflow.")), st.text()))
def test_labels_of_others_change_nothing(spec: DagSpec, others: dict[str, str]) -> None:
    assert decode(others | encode(spec)) == spec


@given(specs())
def test_a_spec_is_a_value(spec: DagSpec) -> None:
    again = decode(encode(spec))
    assert hash(again) == hash(spec)
    assert len({spec, again}) == 1

"""`decode` gives a DAG or a `LabelError`, whatever the labels hold: never anything else, never late, never large."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_ecs_dag_schema import LabelError, decode, encode
from schema.label_mutations import mutate
from schema.nasty_texts import NASTY_PARTS, NASTY_TEXTS
from vectors.vector_files import read_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = int(os.environ.get("LABEL_FUZZ_SEED", "20191204"))
CASES = int(os.environ.get("LABEL_FUZZ_CASES", "20000"))
_SHARES = 4
_VALID = [vector.labels for version in ("v1", "2019") for _, vector in read_vectors(version) if vector.valid]
_LONGEST_MESSAGE = 3_000
_LONGEST_ERROR = 150_000


def check(labels: Mapping[str, str]) -> bool:
    """Return whether ``labels`` are a DAG; fail where they do anything but that or a proper refusal."""
    try:
        spec = decode(labels)
    except LabelError as error:
        check_refusal(error)
        return False
    try:
        assert decode(encode(spec)) == spec
    except LabelError as error:
        check_refusal(error, words="fit")  # escapes make text beyond ASCII up to six times as long
    return True


def check_refusal(error: LabelError, words: str = "") -> None:
    assert len(str(error)) < _LONGEST_ERROR
    for problem in error.problems:
        line = str(problem)
        assert line.isprintable()
        assert len(line) < _LONGEST_MESSAGE
        assert problem.path.startswith("airflow")
        assert words in problem.message


@pytest.mark.parametrize("share", range(_SHARES))
def test_mutated_labels(share: int, record_property: Any) -> None:
    chance = random.Random(f"{SEED}-{share}")  # noqa: S311 - repeatable on purpose
    accepted, slowest, slowest_labels = 0, 0.0, {}
    for number in range(CASES // _SHARES):
        labels = mutate(chance.choice(_VALID), chance)
        began = time.perf_counter()
        try:
            accepted += check(labels)
        except BaseException:
            print(f"LABEL_FUZZ_SEED={SEED}, share {share}, case {number}: {labels!r}")  # noqa: T201 - to repeat it
            raise
        took = time.perf_counter() - began
        if took > slowest:
            slowest, slowest_labels = took, labels
    record_property("slowest_decode_seconds", round(slowest, 4))
    print(  # noqa: T201 - read with pytest -rP
        f"seed {SEED}, share {share}: {accepted} of {CASES // _SHARES} accepted, slowest {slowest:.3f} s, "
        f"{len(slowest_labels)} labels"
    )
    assert 0 < accepted < CASES // _SHARES


@given(
    st.dictionaries(
        st.lists(st.sampled_from(NASTY_PARTS), max_size=5).map(lambda parts: ".".join(["airflow", *parts])),
        st.one_of(st.text(), st.sampled_from(NASTY_TEXTS)),
        max_size=12,
    ),
    st.sampled_from([{}, {"airflow.schema_version": "1"}]),
)
def test_arbitrary_labels(labels: dict[str, str], version: dict[str, str]) -> None:
    check(labels | version)


@given(st.dictionaries(st.text(), st.text(), max_size=5))
def test_arbitrary_texts(labels: dict[str, str]) -> None:
    check(labels)


@pytest.mark.parametrize("value", [None, 3, True, b"1", ["1"], {"a": "b"}])
def test_a_value_that_is_no_text_is_a_problem(value: object) -> None:
    with pytest.raises(LabelError) as caught:
        decode(cast("dict[str, str]", {"airflow.dag.owner": value}))
    (problem,) = caught.value.problems
    assert (problem.path, problem.value) == ("airflow.dag.owner", repr(value))


def test_keys_that_are_no_texts_are_passed_over() -> None:
    labels = {3: "x", None: "y"} | _VALID[0]
    assert decode(cast("dict[str, str]", labels)) == decode(_VALID[0])

"""A seeded tenth of the fuzzing that `make soak` does, and the parts that it is made of."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_schema import LabelError, Problem, decode
from fuzz.label_bytes import from_bytes, to_bytes
from fuzz.label_campaign import SEED, WHOLE, campaign, environment, measured_alone
from fuzz.label_costs import MOST_BYTES, MOST_SECONDS, Cost, cost
from fuzz.label_grammar import new_cron, new_key, new_template, new_text, seeds
from fuzz.label_mutator import cross_bytes, mutate_bytes
from fuzz.label_verdicts import BadVerdictError, check_problem, judge, policy_for
from required import missing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNS = int(os.environ.get("LABEL_FUZZ_RUNS", str(WHOLE // 10 if os.environ.get("CI") else WHOLE // 100)))
"""Label sets: a tenth of the soak's in CI, a hundredth on a developer's machine."""
SEEDS = seeds()
NO_FUZZER = "atheris, the fuzzer, is not installed; it has wheels for Linux on x86-64"


@pytest.mark.timeout(1_800)  # 90 s on two free cores
@pytest.mark.skipif(RUNS == 0, reason="LABEL_FUZZ_RUNS=0 asks for none")
def test_nothing_but_refusals_comes_out(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        missing("fuzzer", NO_FUZZER)
    outcome = campaign(tmp_path, runs=RUNS, processes=min(2, os.cpu_count() or 1))
    print("\n".join([f"seed {SEED}", *outcome.lines()]))  # noqa: T201 - read with pytest -rP
    assert not outcome.failures, "\n".join(outcome.lines())
    assert not outcome.breaches, "\n".join(outcome.lines())
    assert outcome.runs == RUNS
    assert RUNS / 100 < outcome.admitted < RUNS / 2
    assert 0 < outcome.broken < outcome.admitted
    assert 0 < outcome.built <= outcome.admitted


@pytest.mark.parametrize(
    "labels", [{}, {"airflow.dag.owner": "\ud800\x00é\u2028"}, {"": "", "b": "1", "a": "2"}, {"x" * 9_000: "y" * 9_000}]
)
def test_labels_as_bytes_and_back(labels: dict[str, str]) -> None:
    assert list(from_bytes(to_bytes(labels)).items()) == list(labels.items())


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"[]", b"3", b'{"a": 1, "b": null}', b"\x00"])
def test_bytes_that_hold_no_labels(data: bytes) -> None:
    assert from_bytes(data) == {}


@pytest.mark.parametrize("seed", range(200))
def test_a_change_can_be_repeated_and_fits(seed: int) -> None:
    data, other = to_bytes(SEEDS[seed % len(SEEDS)]), to_bytes(SEEDS[-1 - seed % len(SEEDS)])
    for size in (250_000, 4_000):
        changed = mutate_bytes(data, size, seed)
        assert changed == mutate_bytes(data, size, seed)
        assert len(changed) <= size
        assert to_bytes(from_bytes(changed)) == changed
        crossed = cross_bytes(data, other, size, seed)
        assert crossed == cross_bytes(data, other, size, seed)
        assert len(crossed) <= size


def test_changes_differ_and_reach_all_kinds_of_labels() -> None:
    data = to_bytes(SEEDS[0])
    changed = {mutate_bytes(data, 250_000, seed) for seed in range(2_000)}
    assert len(changed) > 1_000
    sizes = sorted(len(from_bytes(each)) for each in changed)
    assert sizes[0] <= 2
    assert sizes[-1] >= 500
    keys = {new_key(Random(seed)) for seed in range(5_000)}  # noqa: S311 - repeatable on purpose
    assert {key for labels in SEEDS[:1] for key in labels if key.startswith("airflow.dag.")} <= keys


@pytest.mark.parametrize("make", [new_cron, new_template])
def test_the_grammars_make_good_and_bad_texts(make: Callable[[Random], str]) -> None:
    verdicts = set()
    for seed in range(400):
        text = make(Random(seed))  # noqa: S311 - repeatable on purpose
        labels = {
            "airflow.schema_version": "1",
            "airflow.dag.dag_id": "d",
            "airflow.dag.start_date": "2026-01-31T03:00:00+00:00",
            "airflow.dag.schedule.kind": "cron_trigger",
            "airflow.dag.schedule.cron": text if make is new_cron else "@daily",
            "airflow.tasks.a.args.0": text if make is new_template else "x",
        }
        try:
            decode(labels)
            verdicts.add("a DAG")
        except LabelError as error:
            verdicts.add(error.problems[0].message)
    assert "a DAG" in verdicts
    assert len(verdicts) > 3


def test_a_text_is_drawn_for_any_key() -> None:
    for seed in range(300):
        random = Random(seed)  # noqa: S311 - repeatable on purpose
        assert isinstance(new_text(random.choice((new_key(random), "", "airflow", "x.0.1")), random), str)


def test_what_label_sets_cost(tmp_path: Path) -> None:
    file = tmp_path / "sets.json"
    file.write_text(json.dumps(SEEDS[::7]), encoding="ascii")
    command = measured_alone(sys.executable, "-m", "fuzz.label_costs", str(file))
    done = subprocess.run(command, env=environment(tmp_path), stdout=subprocess.PIPE, check=True)
    costs = [Cost(**each) for each in json.loads(done.stdout)]
    assert len(costs) == len(SEEDS[::7])
    assert [each.failure for each in costs if each.failure] == []
    assert all(each.seconds > 0 and 1_000 < each.memory < MOST_BYTES for each in costs)


def test_too_much_is_over_either_limit() -> None:
    assert not Cost(MOST_SECONDS, MOST_BYTES).too_much
    assert Cost(MOST_SECONDS * 1.01, 0).too_much
    assert Cost(0, MOST_BYTES + 1).too_much


def test_memory_is_that_of_the_label_set() -> None:
    small, large = SEEDS[0], SEEDS[0] | {f"airflow.tasks.t{number}.kind": "ecs" for number in range(900)}
    assert cost(large).memory > cost(small).memory + 900 * 100


def test_the_verdict_is_that_of_the_contract() -> None:
    verdicts = [judge(labels, policy_for(labels)) for labels in SEEDS]
    assert {verdict.spec is None for verdict in verdicts} == {True, False}
    assert any(verdict.broken for verdict in verdicts)


@pytest.mark.parametrize(
    ("path", "message"), [("airflow.dag", "line\nbreak"), ("dag.owner", "no label"), ("airflow", "x" * 4_000)]
)
def test_a_bad_problem_is_noticed(path: str, message: str) -> None:
    with pytest.raises(BadVerdictError):
        check_problem(Problem(path, message))


def test_a_process_is_not_given_the_memory_of_the_one_that_starts_it() -> None:
    held = bytearray(os.urandom(1)) * (300 * 2**20)
    peak = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run(measured_alone(sys.executable, "-c", peak), stdout=subprocess.PIPE, check=True)
    assert int(done.stdout) * 1024 < len(held)


def test_a_process_that_dies_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("atheris") is None:
        missing("fuzzer", NO_FUZZER)
    monkeypatch.setattr(json, "dumps", lambda *_, **__: "no plan")
    outcome = campaign(tmp_path, runs=10, processes=1, build_each=0)
    assert not outcome.goals_are_met
    assert outcome.runs == 0
    assert "JSONDecodeError" in "".join(outcome.failures.values())

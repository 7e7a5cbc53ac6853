"""The policy's rules by themselves, without Airflow and the CDK: what they find, and in which words."""

from __future__ import annotations

import pytest

from airflow_ecs_dag_schema.violations import RULES, Violation
from policy.case_files import read_cases
from policy.rule_words import known_words, violations, words

CASES = {case.name: case for case in read_cases() if not case.synth and "labels.invalid" not in str(case.breaks)}
WORDS = known_words()
NOT_OF_ONE_DAG = {"dag-id.source-prefix", "dag-id.taken", "labels.invalid", "source.too-many-dags"}
"""Rules that need more than a DAG and a policy, or no policy at all."""


@pytest.mark.parametrize("name", CASES)
def test_rule_and_label(name: str) -> None:
    assert [f"{each.rule} @ {each.path}" for each in violations(CASES[name])] == CASES[name].breaks


@pytest.mark.parametrize("name", WORDS)
def test_words(name: str) -> None:
    assert [words(each) for each in violations(CASES[name])] == WORDS[name]


def test_each_rule_has_its_words() -> None:
    assert {found[0] for each in WORDS.values() for found in each} == set(RULES) - NOT_OF_ONE_DAG


@pytest.mark.parametrize(
    ("rule", "warn"), [("schedule.too-often", False), ("labels.invalid", True), ("operator.not-allowed", True)]
)
def test_what_refuses_a_dag_in_which_mode(rule: str, *, warn: bool) -> None:
    violation = Violation(rule, "airflow.dag", None, "wrong", "mend it")
    assert violation.refuses("enforce")
    assert violation.refuses("warn") is warn

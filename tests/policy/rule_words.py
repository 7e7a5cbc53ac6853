"""What an author reads when a DAG breaks a rule: each violation of the policy cases, word for word.

`words.yaml` beside this file holds them; `python -m policy.rule_words` prints them anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from airflow_ecs_dag_schema import Facts, LabelError, check, decode
from airflow_ecs_dag_schema.policy_rules import invalid_labels, label_bytes
from policy.case_files import read_cases

if TYPE_CHECKING:
    from airflow_ecs_dag_schema import Violation
    from policy.case_files import Case

FILE = Path(__file__).parent / "words.yaml"


def violations(case: Case) -> tuple[Violation, ...]:
    """Return what the rules find in the case's DAG where the loader would have found it."""
    labels = case.the_labels
    try:
        spec = decode(labels)
    except LabelError as error:
        return invalid_labels(error.problems)
    facts = Facts(
        deployed_at=datetime(2026, 3, 1, tzinfo=UTC),
        label_bytes=label_bytes(labels),
        account="123456789012",
        region="eu-west-1",
    )
    return check(spec, case.the_policy, facts)


def words(violation: Violation) -> list[str | None]:
    return [violation.rule, violation.path, violation.value, violation.message, violation.remedy]


def known_words() -> dict[str, list[list[str | None]]]:
    found: dict[str, list[list[str | None]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    table = {case.name: [words(each) for each in violations(case)] for case in read_cases() if not case.synth}
    broken = {name: found for name, found in table.items() if found and "labels.invalid" not in str(found)}
    print(yaml.safe_dump(broken, sort_keys=False, width=110, allow_unicode=False), end="")  # noqa: T201 - what it is for

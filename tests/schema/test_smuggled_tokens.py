"""A token stands for a value that is not known yet, so it passes checks: no label may make one of a quoted text."""

from __future__ import annotations

import pytest

from airflow_ecs_dag_schema import LabelError, decode

BASE = {"airflow.schema_version": "1", "airflow.dag.dag_id": "reports", "airflow.tasks.build.kind": "ecs"}
OLD = {"airflow.dag.name": "reports", "airflow.dag.start_date": "2019-12-04", "airflow.tasks.build.command": "build"}
ESCAPED = r"\u0024{Token[a]}"


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("airflow.dag.owner_link", f'"javascript://x/%0aalert(1)//{ESCAPED}"'),
        ("airflow.ecs.cluster", f'"{ESCAPED}"'),
        ("airflow.ecs.subnets.0", r'"$\u007bToken[a]}"'),
        ("airflow.tasks.build.task_definition", f'"a b {ESCAPED}"'),
        ("airflow.tasks.build.args.0", f'"{ESCAPED}"'),
    ],
)
def test_no_quoted_label_becomes_a_token(label: str, text: str) -> None:
    with pytest.raises(LabelError) as caught:
        decode({**BASE, label: text})
    assert [problem.path for problem in caught.value.problems] == [label]
    assert "can't hold a CDK token" in str(caught.value)


@pytest.mark.parametrize("label", ["airflow.dag.email", "airflow.dag.owner", "airflow.tasks.build.args.0"])
def test_no_quoted_label_of_2019_becomes_a_token(label: str) -> None:
    labels = {**OLD, label: f'"boss@example.com,{ESCAPED}"'}
    try:
        spec = decode(labels)
    except LabelError:
        return
    assert "${Token[" not in spec.model_dump_json()

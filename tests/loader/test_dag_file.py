"""The files that Airflow parses: data that can't become code, and errors that say why."""

from __future__ import annotations

import ast
from dataclasses import asdict, replace
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_ecs_dag_loader import airflow_assets
from airflow_ecs_dag_loader.dag_file import DagRefusedError, dag_file, dag_from_record, refusal_file
from airflow_ecs_dag_loader.definition import Container, Definition
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema.troubleshooting import where_told
from loader.ecs_account import dag_labels
from loader.sources import SOURCE, found

HOSTILE = [
    "'", '"', "'''", '"""', "\\", "\\'", "\n", "\r\n", "\u2028", "\x00", "\x1a", "#", "{0}", "%s", "\N{GRINNING FACE}",
    "é", "\ud800", "'} + __import__('os').system('id') + {'", '"""\nimport os\n"""', "\\N{DIGIT ONE}", "\\x27",
]  # fmt: skip
texts = st.one_of(st.sampled_from(HOSTILE), st.text(), st.lists(st.sampled_from(HOSTILE)).map("".join))
definitions = st.builds(
    Definition,
    arn=st.just(found().arn),
    labels=st.dictionaries(texts, texts),
    labelled_container=texts,
    containers=st.lists(st.builds(Container, name=texts)).map(tuple),
)


def values_of(text: str) -> dict[str, Any]:
    """Read the literals of a file; a file with anything else than its one call fails."""
    head, definition, source, call = ast.parse(text).body
    assert isinstance(head, ast.ImportFrom)
    assert isinstance(definition, ast.Assign)
    assert isinstance(source, ast.Assign)
    assert ast.unparse(call) == "dag = dag_from_record(DEFINITION, SOURCE)"
    return {"definition": ast.literal_eval(definition.value), "source": ast.literal_eval(source.value)}


parts = st.dictionaries(texts, st.dictionaries(texts, texts | st.none() | st.booleans() | st.lists(texts)))
sources = st.builds(
    RegistrySource,
    cluster=st.none() | texts,
    aws_conn_id=st.none() | texts,
    alert_profiles=parts,
    operators=parts,
)


@given(definitions, sources)
def test_no_text_leaves_its_quotes(definition: Definition, source: RegistrySource) -> None:
    text = dag_file(definition, source)
    assert text.isascii()
    values = values_of(text)
    assert Definition.from_json(values["definition"]) == definition
    assert RegistrySource(**values["source"]) == source


@given(texts)
@example("\N{GRINNING FACE} as a label's key")
def test_a_refusal_says_its_reason_and_runs_nothing(reason: str) -> None:
    text = refusal_file(found(), reason)
    assert text.isascii()
    with pytest.raises(DagRefusedError) as raised:
        exec(compile(text, "refusal", "exec"), {})  # noqa: S102 - what Airflow does with the file
    assert str(raised.value) == f"{reason}\n{where_told(reason)}"


def test_the_file_makes_the_dag() -> None:
    names: dict[str, Any] = {}
    exec(compile(dag_file(found("reports"), SOURCE), "reports.py", "exec"), names)  # noqa: S102 - as above
    assert names["dag"].dag_id == "reports"
    assert names["dag"] == dag_from_record(found("reports").to_json(), asdict(SOURCE))


def test_what_only_airflow_can_tell_is_an_error_in_its_authors_words(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = dag_labels(tasks__build__outlets__0__uri="redshift://host/only/two/parts")
    monkeypatch.setattr(airflow_assets, "Asset", Mock(side_effect=ValueError("a rule that only Airflow knows")))
    with pytest.raises(DagRefusedError, match=r"task definition reports, revision 1 .*\n.*outlets.0: (?s:.*)deploy it"):
        dag_from_record(found(labels=labels).to_json(), asdict(SOURCE))


def test_whatever_else_airflow_raises_is_one_familys_error() -> None:
    source = asdict(SOURCE) | {"alert_profiles": {"night": {"kind": "of another version"}}}
    with pytest.raises(DagRefusedError, match=r"(?s)task definition reports, revision 1 .*Airflow refuses it \(Valid"):
        dag_from_record(found().to_json(), source)


def test_a_person_reads_the_labels_in_it() -> None:
    text = dag_file(found("reports"), SOURCE)
    assert "'airflow.dag.dag_id': 'reports',\n" in text
    assert "task definition reports, revision 1" in text


def test_the_heads_hold_nothing_that_a_project_writes() -> None:
    hostile = replace(found(), labels={"airflow.dag.dag_id": "\nimport os"}, labelled_container="\nimport os")
    for text in (dag_file(hostile, SOURCE), refusal_file(hostile, "\nimport os")):
        assert "\nimport os" not in text

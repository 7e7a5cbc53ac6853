"""docs/troubleshooting.md has every message of the software's errors, below a paragraph that says what to do."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from traceback import format_exception
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli import paragraphs
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_cli.named_values import NamedValuesError, read_named_values
from airflow_ecs_dag_loader.dag_file import DagRefusedError
from airflow_ecs_dag_loader.source_config import read_source_configs
from airflow_ecs_dag_schema import LabelError, Policy, decode
from airflow_ecs_dag_schema.problems import DagDefinitionError
from airflow_ecs_dag_schema.troubleshooting import VARIABLE, where_raised
from documents.error_messages import PAGE, PLACES, Message, anchor, listed, messages, places, with_lists
from vectors.vector_files import read_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXT = PAGE.read_text()
ANCHORS = [anchor(heading) for heading in re.findall(r"^##+ (.*)$", TEXT, re.MULTILINE)]
TOLD = "what it means, and what to do: docs/troubleshooting.md#"
LEAST_FIXED = 8
"""Letters of a message that are not filled in, for it to say anything."""


def pattern(message: Message) -> re.Pattern[str] | None:
    fixed = message.text.split("…")
    return re.compile(".*".join(map(re.escape, fixed)), re.DOTALL) if sum(map(len, fixed)) > LEAST_FIXED else None


def told(message: str) -> bool:
    return any(each.search(message) for each in PATTERNS)


PATTERNS = [found for message in messages() if (found := pattern(message))]


def test_the_lists_are_what_the_sources_say() -> None:
    assert with_lists(TEXT) == TEXT, "call PYTHONPATH=tests python -m documents.error_messages"


def test_the_places_are_those_of_the_page() -> None:
    assert PLACES.read_text() == places(TEXT), "call PYTHONPATH=tests python -m documents.error_messages"
    assert len(ANCHORS) == len(set(ANCHORS))


@pytest.mark.parametrize("place", [paragraphs.UNREADABLE_FILE, paragraphs.NOT_IMPORTED, paragraphs.FOUND])
def test_a_command_leads_to_a_paragraph(place: str) -> None:
    assert place in ANCHORS


@pytest.mark.parametrize(
    ("read", "text", "place"),
    [
        (lambda file: decode({"airflow.dag.x": file.read_text()}), "y", "in-a-label-or-at-synth-one-value"),
        (Policy.read, "no: field", "the-policy-file-is-wrong"),
        (read_source_configs, "- {name: '!'}", "the-bundles-configuration-is-wrong"),
    ],
)
def test_a_traceback_ends_with_the_place(read: Callable[[Path], object], text: str, place: str, tmp_path: Path) -> None:
    assert place in ANCHORS
    file = tmp_path / "file.yaml"
    file.write_text(text)
    with pytest.raises(DagDefinitionError) as caught:
        read(file)
    assert "".join(format_exception(caught.value)).splitlines()[-1] == TOLD + place
    assert TOLD not in str(caught.value)


def test_an_error_leads_to_the_paragraph_of_the_module_that_raised_it() -> None:
    with pytest.raises(NamedValuesError) as caught:
        read_named_values(Path("values.ini"))
    assert where_raised(caught.value) == TOLD + "a-file-of-connections-variables-or-secrets-is-wrong"
    with pytest.raises(ZeroDivisionError) as other:
        _ = 1 / 0
    assert where_raised(other.value) is None
    assert where_raised(ValueError("never raised")) is None


def test_a_command_that_fails_says_where_it_is_told_of(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", "9"], env={"NO_COLOR": "1"})
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == TOLD + "an-option-or-an-argument-is-wrong"
    result = CliRunner().invoke(app, ["validate", str(tmp_path / "none.json")], env={"NO_COLOR": "1"})
    assert result.stdout.splitlines()[-2] == TOLD + "a-file-cant-be-read-or-has-no-dag"


def test_each_module_with_messages_is_below_one_paragraph() -> None:
    counted = Counter(module for modules, _ in listed(TEXT) for module in modules)
    assert {module for module, number in counted.items() if number > 1} == set()
    assert set(counted) == {message.module for message in messages()}, (
        "give the module a list in docs/troubleshooting.md"
    )


def test_each_list_has_a_heading_and_says_what_to_do() -> None:
    headings = []
    for section in re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]:
        heading, _, rest = section.partition("\n")
        said, mark, lines = rest.partition("<!-- messages:")
        headings.append(heading)
        assert mark, heading
        assert len(said.split()) > 8, heading
        assert lines.count("\n- `") >= 1, heading
    assert len(headings) == len(set(headings)) == len(list(listed(TEXT)))


def problems_of_vectors() -> Iterator[str]:
    for version in ("v1", "2019"):
        for _, vector in read_vectors(version):
            try:
                decode(vector.labels)
            except LabelError as error:
                yield from (problem.message for problem in error.problems)


def test_each_problem_of_each_vector_is_told() -> None:
    found = list(problems_of_vectors())
    assert len(found) > 500
    assert [message for message in found if not told(message)] == []


@pytest.mark.parametrize(
    ("reason", "place"),
    [
        ("1 problem:\n  - airflow.dag.owner: [owner.not-allowed] this owner is not allowed", "the-platforms-policy"),
        ("1 problem:\n  - airflow: Airflow refuses it (ValueError: x)", "airflow-cant-make-the-dag-of-good-labels"),
        ("1 problem:\n  - airflow.dag.x: unknown field (got '[a-z.]')", "in-a-label-or-at-synth-one-value"),
    ],
)
def test_an_import_error_leads_to_its_place(reason: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place in ANCHORS
    monkeypatch.delenv(VARIABLE, raising=False)
    text = str(DagRefusedError(reason))
    assert text == f"{reason}\nwhat it means, and what to do: docs/troubleshooting.md#{place}"
    monkeypatch.setenv(VARIABLE, "https://docs.example.com/troubleshooting.html")
    assert str(DagRefusedError(reason)).endswith(f"https://docs.example.com/troubleshooting.html#{place}")


@pytest.mark.parametrize(
    "address", ["", "javascript:alert(1)", "https://docs.example.com/\n<b>", "https://" + "x" * 501]
)
def test_what_is_no_address_is_not_shown(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, address)
    assert (
        str(DagRefusedError("x")).splitlines()[1].startswith("what it means, and what to do: docs/troubleshooting.md#")
    )


@pytest.mark.parametrize("message", ["", "everything is well", "no such words are anywhere in it"])
def test_what_is_no_message_is_not_told(message: str) -> None:
    assert not told(message)

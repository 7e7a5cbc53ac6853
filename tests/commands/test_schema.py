"""``airflow-ecs-dag schema``: the JSON Schema of the labels agrees with the reader, as far as JSON Schema can."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # its types are a package of their own
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_schema import DagSpec, encode
from airflow_ecs_dag_schema.json_schema import label_schema, schema_text
from airflow_ecs_dag_schema.value_patterns import number_pattern
from commands.files import GOLDEN, LABELS
from schema.spec_strategies import specs
from vectors.vector_files import FOLDER, read_vectors

PUBLISHED = FOLDER.parents[1] / "docs" / "schema" / "labels-v1.schema.json"
VALIDATOR = Draft202012Validator(label_schema())
VECTORS = dict(read_vectors("v1"))

_TOGETHER = "it compares values, or keys with values, of several labels"
_TASK = "a rule for the fields of one task would need the task's id, which is any text"
_CALENDAR = "no expression can add durations or knows the calendar"
_CRON = "what a cron expression means is no matter of its characters"
_TEMPLATE = "a template's language is not a regular one"
_QUOTED = "what a JSON string holds inside a text is not looked at"
_SIZE = "bytes and their sums can't be said, only the characters of one value"
BEYOND = {
    "v1/alerts.json: an address with a line break": _QUOTED,
    "v1/alerts.json: an event twice": _TOGETHER,
    "v1/dag.json: a carriage return in a text": _QUOTED,
    "v1/dag.json: a control character in a text": _QUOTED,
    "v1/dag.json: a duration over 366 days": _CALENDAR,
    "v1/dag.json: a start date before the year 1 in UTC": _CALENDAR,
    "v1/dag.json: a start date in no calendar": _CALENDAR,
    "v1/dag.json: a tag twice": _TOGETHER,
    "v1/dag.json: an end before the start": _TOGETHER,
    "v1/dag.json: an owner of two lines": _QUOTED,
    "v1/dag.json: half a surrogate pair in a text": _QUOTED,
    "v1/ecs.json: one of security_groups twice": _TOGETHER,
    "v1/ecs.json: one of subnets twice": _TOGETHER,
    "v1/labels.json: a label over 4,000 bytes": _SIZE,
    "v1/labels.json: all labels together over 60,000 bytes": _SIZE,
    "v1/schedule.json: a cron expression below zero": _CRON,
    "v1/schedule.json: a cron expression for a day that never comes": _CRON,
    "v1/schedule.json: a cron expression out of range": _CRON,
    "v1/schedule.json: a cron expression with a line break": _QUOTED,
    "v1/schedule.json: a cron expression with a step of zero": _CRON,
    "v1/tasks.json: a command for a task that runs no container": _TASK,
    "v1/tasks.json: a control character in args": _QUOTED,
    "v1/tasks.json: a control character in command": _QUOTED,
    "v1/tasks.json: a task after itself": _TOGETHER,
    "v1/tasks.json: a task after one that is not there": _TOGETHER,
    "v1/tasks.json: a template that does not end": _TEMPLATE,
    "v1/tasks.json: a template that is refused in args": _TEMPLATE,
    "v1/tasks.json: a template that is refused in command": _TEMPLATE,
    "v1/tasks.json: a template that nests as deeply as it is long": _TEMPLATE,
    "v1/tasks.json: a template with a bare unknown variable": _TEMPLATE,
    "v1/tasks.json: a template with a statement": _TEMPLATE,
    "v1/tasks.json: a template with a width in a date format": _TEMPLATE,
    "v1/tasks.json: a template with a width in macros.ds_format": _TEMPLATE,
    "v1/tasks.json: a template with an unknown filter": _TEMPLATE,
    "v1/tasks.json: a template with an unknown variable": _TEMPLATE,
    "v1/tasks.json: more tasks than fit": _TASK,
    "v1/tasks.json: the same arrow twice": _TOGETHER,
    "v1/tasks.json: two tasks in a circle": _TOGETHER,
}
"""The invalid vectors that JSON Schema takes, and why it can't do otherwise; ``validate`` refuses them."""


def test_it_is_a_schema_of_draft_2020_12() -> None:
    Draft202012Validator.check_schema(label_schema())


def test_the_published_file_is_what_the_models_say() -> None:
    assert PUBLISHED.read_text() == schema_text()
    assert CliRunner().invoke(app, ["schema"]).stdout == schema_text()


@pytest.mark.parametrize("name", [name for name, vector in VECTORS.items() if vector.valid])
def test_valid_labels_are_taken(name: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(VECTORS[name].labels)] == []


def test_invalid_labels_are_refused_but_for_those_that_a_schema_can_not_tell() -> None:
    taken = {name for name, vector in VECTORS.items() if not vector.valid and VALIDATOR.is_valid(vector.labels)}
    assert taken == set(BEYOND)
    refused = [name for name, vector in VECTORS.items() if not vector.valid and name not in BEYOND]
    assert len(refused) > 3 * len(BEYOND)


def test_what_the_sample_writes_is_taken() -> None:
    labels = {key: text if isinstance(text, str) else "jobs" for key, text in json.loads(GOLDEN.read_text()).items()}
    labels |= {"airflow.ecs.subnets.0": "subnet-1", "airflow.ecs.subnets.1": "subnet-2"}
    assert VALIDATOR.is_valid(labels)


@settings(max_examples=60, deadline=None)
@given(spec=specs())
def test_whatever_is_written_is_taken(spec: DagSpec) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(encode(spec))] == []


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("airflow.dag.max_active_task", "3"),
        ("airflow.job.name", "x"),
        ("airflow.dag.owner", 3),
        ("airflow.dag.tags.50", "x"),
        ("airflow.dag.tags.1", "x"),
        ("airflow.dag.schedule.every", "PT1H"),
        ("airflow.dag.schedule.timezone", "Europe/Atlantis"),
        ("airflow.tasks.a.b.kind", "ecs"),
        ("airflow.dag.owner", "${Token[TOKEN.1]}"),
    ],
)
def test_one_label_too_many_is_refused(label: str, text: object) -> None:
    assert VALIDATOR.is_valid(LABELS)
    assert not VALIDATOR.is_valid({**LABELS, label: text})
    assert VALIDATOR.is_valid({**LABELS, "com.example.team": "x"})


@pytest.mark.parametrize(("least", "most"), [(0, 4), (0, 49), (1, 100), (0, 999), (1, 1_000), (7, 365), (23, 118)])
def test_a_range_of_numbers_as_an_expression(least: int, most: int) -> None:
    expression = re.compile(number_pattern(least, most))
    found = [number for number in range(2_000) if expression.fullmatch(str(number))]
    assert found == list(range(least, most + 1))
    assert expression.fullmatch("007") is None

"""``airflow-ecs-dag schema``: the JSON Schema of the labels agrees with the reader, as far as JSON Schema can."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # its types are a package of their own
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_schema import DagDefinitionError, DagSpec, assets, encode
from airflow_ecs_dag_schema.json_schema import label_schema, schema_text
from airflow_ecs_dag_schema.model_labels import label_parts
from airflow_ecs_dag_schema.value_patterns import integer_pattern, number_pattern, uri_pattern
from commands.files import GOLDEN, LABELS
from schema.spec_strategies import specs
from vectors.vector_files import FOLDER, read_vectors

PUBLISHED = FOLDER.parents[1] / "docs" / "schema" / "labels-v1.schema.json"
VALIDATOR = Draft202012Validator(label_schema())
VECTORS = dict(read_vectors("v1"))

BEYOND = {
    "whether a text looks like a secret is for validate to say, and for the loader": {
        "exchange.json: an input that looks like a secret",
        "secrets.json: refused: an AWS access key id",
        "secrets.json: refused: an AWS secret key under its name",
        "secrets.json: refused: a private key",
        "secrets.json: refused: a GitHub token",
        "secrets.json: refused: a GitLab token",
        "secrets.json: refused: a Slack token",
        "secrets.json: refused: a Slack webhook",
        "secrets.json: refused: a Stripe key",
        "secrets.json: refused: a Google API key",
        "secrets.json: refused: a JSON Web Token",
        "secrets.json: refused: an address with a password",
        "secrets.json: refused: an address with a password in the description",
        "secrets.json: refused: an option with a password",
        "secrets.json: refused: an option and its password in one text",
        "secrets.json: refused: an option and its password, one after the other",
        "secrets.json: refused: an option in the command and its password in the arguments",
        "secrets.json: refused: a header with a bearer token",
        "secrets.json: refused: an Azure storage key",
        "secrets.json: refused: a password before a template",
        "secrets.json: refused: a GitHub token as the owner",
    },
    "what a JSON string holds inside a text is not looked at": {
        "alerts.json: an address with a line break",
        "dag.json: a carriage return in a text",
        "dag.json: a control character in a text",
        "dag.json: a display name of two lines",
        "dag.json: an owner of two lines",
        "dag.json: half a surrogate pair in a text",
        "ecs_tasks.json: an environment variable with a control character",
        "schedule.json: a cron expression with a line break",
        "tasks.json: a control character in args",
        "tasks.json: a control character in command",
    },
    "it compares values, or keys with values, of several labels": {
        "exchange.json: an input with {{ item }} in a task that is not mapped",
        "exchange.json: inputs without an exchange",
        "alerts.json: a deadline that nobody is told of",
        "alerts.json: an alert for a deadline that is not there",
        "alerts.json: an event twice",
        "assets.json: a condition that leaves an asset out",
        "assets.json: a condition that nests too deeply",
        "assets.json: a condition with a parenthesis too many",
        "assets.json: a condition with an asset that is not there",
        "assets.json: an asset twice",
        "branching.json: a branch by the output of a task that is not there",
        "branching.json: a branch with nothing to choose from",
        "branching.json: a short circuit by the output of a task that does not run before",
        "branching.json: a short circuit by the output of a task that has none",
        "dag.json: a tag twice",
        "dag.json: an end before the start",
        "ecs.json: one of security_groups twice",
        "ecs.json: one of subnets twice",
        "ecs_tasks.json: the same exit code twice",
        "groups.json: a group twice",
        "groups.json: a group without tasks",
        "groups.json: a key for another one's id",
        "groups.json: a task and a group of the same id",
        "groups.json: an arrow to a key in place of an id",
        "groups.json: two keys for one id",
        "groups.json: words on an arrow that is not there",
        "groups.json: words on one arrow twice",
        "mapping.json: an expansion over the output of a task that does not run before",
        "mapping.json: an expansion over the output of a task that is mapped itself",
        "mapping.json: an expansion over the output of a task that is not there",
        "mapping.json: an item where nothing is mapped",
        "mapping.json: texts of a param of another kind",
        "mapping.json: texts of a param that is not there",
        "operators.json: a glue_job_sensor for the output of a task that does not run before",
        "operators.json: a param of no DAG in an argument",
        "outputs.json: an output of a task that does not run before",
        "outputs.json: an output of a task that has none",
        "outputs.json: an output of a task that is not there",
        "outputs.json: an output of a task that runs after",
        "outputs.json: an output of the task itself",
        "params.json: a DAG with a schedule and a param that somebody would have to fill in",
        "params.json: a default above the maximum",
        "params.json: a default below the minimum",
        "params.json: a default that is none of the choices",
        "params.json: a default that is too long",
        "params.json: a default that is too short",
        "params.json: a maximum below the minimum",
        "params.json: a param that is used and not declared",
        "params.json: dag.params.maximum below -999999999 in a param of kind integer",
        "schedule.json: the same event twice, in two offsets",
        "setup.json: a task right after a setup with a trigger rule of its own",
        "setup.json: a teardown in a DAG that fails fast",
        "setup.json: a trigger rule in a DAG that fails fast",
        "tasks.json: a task after itself",
        "tasks.json: a task after one that is not there",
        "tasks.json: the same arrow twice",
        "tasks.json: two tasks in a circle",
    },
    "no expression can add durations or knows the calendar": {
        "dag.json: a duration over 366 days",
        "dag.json: a start date before the year 1 in UTC",
        "dag.json: a start date in no calendar",
        "params.json: a day in no calendar",
    },
    "bytes and their sums can't be said, only the characters of one value": {
        "labels.json: a label over 4,000 bytes",
        "labels.json: all labels together over 60,000 bytes",
    },
    "what a cron expression means is no matter of its characters": {
        "schedule.json: a cron expression below zero",
        "schedule.json: a cron expression for a day that never comes",
        "schedule.json: a cron expression out of range",
        "schedule.json: a cron expression with a step of zero",
    },
    "a rule for the fields of one task would need the task's key, which is any text": {
        "exchange.json: more inputs than fit",
        "assets.json: tasks.outlets.uri that is missing",
        "branching.json: a branch that knows how a short circuit skips",
        "branching.json: a short circuit that runs a container",
        "branching.json: tasks.output that is missing",
        "branching.json: tasks.output.task_id that is missing",
        "ecs_tasks.json: a launch type and a strategy for one task",
        "ecs_tasks.json: tasks.capacity_provider_strategy.name that is missing",
        "ecs_tasks.json: tasks.environment more than fit",
        "ecs_tasks.json: tasks.tags.key that is missing",
        "groups.json: an id that Airflow uses within groups",
        "groups.json: tasks.edge_labels.label that is missing",
        "groups.json: tasks.edge_labels.upstream that is missing",
        "mapping.json: a mapped task that runs no container",
        "mapping.json: a name for instances where nothing is mapped",
        "mapping.json: an expansion over items and an output",
        "mapping.json: an expansion without its kind",
        "mapping.json: items with a gap",
        "mapping.json: tasks.expand.items that is missing",
        "mapping.json: tasks.expand.task_id that is missing",
        "mapping.json: tasks.param that is missing",
        "operators.json: a connection that a project would choose",
        "operators.json: a date_time_sensor without its moment",
        "operators.json: a duration of time_delta_sensor in minutes",
        "operators.json: a list where sagemaker_training_sensor takes one text",
        "operators.json: a number of sqs_sensor in words",
        "operators.json: a run that external_task_sensor takes for skipped",
        "operators.json: a state that external_task_sensor does not know",
        "operators.json: a state that external_task_sensor waits for and fails at",
        "operators.json: a template where external_task_sensor takes none",
        "operators.json: an approval of nothing",
        "operators.json: an approval whose flag is no flag",
        "operators.json: an argument's list with a gap",
        "operators.json: an unknown argument of empty",
        "operators.json: one state of external_task_sensor twice",
        "operators.json: one text where s3_key_sensor takes a list",
        "operators.json: s3_key_sensor with no keys",
        "operators.json: tasks.arguments more than fit",
        "operators.json: tasks.operator that is missing",
        "operators.json: trigger_dag_run of nothing",
        "setup.json: a failure that counts, of a task that is no teardown",
        "setup.json: a setup that is a teardown, too",
        "setup.json: a teardown with a trigger rule of its own",
        "tasks.json: a command for a task that runs no container",
        "tasks.json: a task id that is too long",
        "tasks.json: more tasks than fit",
    },
    "a template's language is not a regular one": {
        "exchange.json: an input with a template that is not allowed",
        "ecs_tasks.json: an environment variable with a wrong template",
        "mapping.json: a template as an item that is wrong for its task",
        "operators.json: an argument with a wrong template, of an operator that only the platform knows",
        "operators.json: s3_key_sensor with an unknown variable in a key",
        "outputs.json: an attribute of an output",
        "outputs.json: an entry of an output by a computed key",
        "outputs.json: an output of another DAG",
        "outputs.json: an output under another key than its own",
        "outputs.json: another method of the task instance",
        "outputs.json: outputs of several tasks at once",
        "outputs.json: the task instance itself",
        "params.json: all params at once in a template",
        "tasks.json: a template that does not end",
        "tasks.json: a template that is refused in args",
        "tasks.json: a template that is refused in command",
        "tasks.json: a template that nests as deeply as it is long",
        "tasks.json: a template with a bare unknown variable",
        "tasks.json: a template with a statement",
        "tasks.json: a template with a width in a date format",
        "tasks.json: a template with a width in macros.ds_format",
        "tasks.json: a template with an unknown filter",
        "tasks.json: a template with an unknown variable",
    },
    "which brackets make no host is no matter of characters": {
        "assets.json: an asset whose place is a bracket",
    },
    "the size of a number with a fraction is no matter of its characters": {
        "dag.json: dag.defaults.retry_exponential_backoff below 1",
        "dag.json: dag.defaults.retry_exponential_backoff over 10",
        "ecs_tasks.json: a back-off below one",
        "ecs_tasks.json: a back-off that is infinite",
        "ecs_tasks.json: tasks.retry_exponential_backoff below 1",
        "ecs_tasks.json: tasks.retry_exponential_backoff over 10",
        "params.json: a number too large for any double",
    },
    "what is packed can't be looked into": {
        "packed.json: a few pieces that would unpack to megabytes",
        "packed.json: a key twice in the packed object",
        "packed.json: a label of somebody else packed",
        "packed.json: a label packed and by itself",
        "packed.json: a list in place of an object",
        "packed.json: a number as the value of a packed label",
        "packed.json: a packed label with a key that ECS may not take",
        "packed.json: a problem of a packed label names it as if it stood by itself",
        "packed.json: an unresolved token in a packed label",
        "packed.json: lists within lists",
        "packed.json: packed labels that begin with the second piece",
        "packed.json: packed labels with a gap",
        "packed.json: packed labels within packed labels",
        "packed.json: pieces that are cut short",
        "packed.json: pieces that are not compressed",
        "packed.json: pieces with one byte changed",
        "packed.json: pieces with something after them",
    },
    "a rule for the fields of one param, or for their number, would need its name, which is any text": {
        "params.json: a day that is a moment",
        "params.json: a moment without its offset as default",
        "params.json: a number in hexadecimal",
        "params.json: a param without its kind",
        "params.json: a whole number with a fraction as default",
        "params.json: choices of a param that is no text",
        "params.json: dag.params more than fit",
        "params.json: dag.params.default as one label in a param of kind string_list",
        "params.json: dag.params.default below -999999999 in a param of kind integer",
        "params.json: dag.params.default in other words in a param of kind boolean",
        "params.json: dag.params.default in words in a param of kind integer",
        "params.json: dag.params.default over 999999999 in a param of kind integer",
        "params.json: dag.params.default that is no moment in a param of kind datetime",
        "params.json: dag.params.default that is no number in a param of kind number",
        "params.json: dag.params.maximum over 999999999 in a param of kind integer",
        "params.json: dag.params.minimum below -999999999 in a param of kind integer",
        "params.json: dag.params.minimum over 999999999 in a param of kind integer",
    },
}
"""The invalid vectors that JSON Schema takes, by the reason why it can't do otherwise; ``validate`` refuses them."""


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
    beyond = {f"v1/{name}" for names in BEYOND.values() for name in names}
    assert taken == beyond
    refused = [name for name, vector in VECTORS.items() if not vector.valid and name not in beyond]
    assert len(refused) > 2 * len(beyond)


def test_the_page_of_the_labels_names_every_field() -> None:
    page = (FOLDER.parents[1] / "docs" / "labels.md").read_text()
    labels, _, _ = label_parts()
    fields = {part for label in labels for part in label.parts[2:] if re.fullmatch("[a-z_]+", part)}
    assert len(fields) > 90
    assert {field for field in fields if not re.search(rf"[`.]{field}(?:\.N|\.NAME)*\.?[`.]", page)} == set()


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


@pytest.mark.parametrize(("least", "most"), [(-1, 0), (-12, 345), (-1_000, 1_000), (0, 99), (5, 60)])
def test_a_range_of_whole_numbers_as_an_expression(least: int, most: int) -> None:
    expression = re.compile(integer_pattern(least, most))
    assert [number for number in range(-1_100, 1_100) if expression.fullmatch(str(number))] == [*range(least, most + 1)]
    assert (expression.fullmatch("-0") is not None) == (least <= 0)
    with pytest.raises(ValueError, match="a range that reaches zero, got -3 to -2"):
        integer_pattern(-3, -2)


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("s3://data/a", True),
        ("s3://data", True),
        ("x-y.z+1://a?b=1", True),
        ("s3:///a", False),
        ("data/a", False),
        ("1s://a", False),
        ("Airflow://a", False),
        ("airflows://a", True),
        ("s3://me@data/a", False),
        ("s3://data/me@a", True),
        ("s3:data", False),
    ],
)
def test_uris_that_name_a_place_as_an_expression(uri: str, named: bool) -> None:  # noqa: FBT001 - a case
    expression = re.compile(uri_pattern(assets._SCHEMES.pattern, reserved="airflow"))
    assert (expression.search(uri) is not None) is named
    if named:
        assert assets.Asset(uri=uri).uri == uri
    else:
        with pytest.raises(DagDefinitionError):
            assets.Asset(uri=uri)

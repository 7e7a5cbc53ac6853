"""The value that a problem shows, the words of the rarer ones, and the limits at which they begin."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest
from pydantic import BaseModel, ValidationError

from airflow_ecs_dag_schema import (
    DagDefinitionError,
    DagSpec,
    EcsTaskSpec,
    LabelError,
    Problem,
    Schedule,
    decode,
    encode,
)
from airflow_ecs_dag_schema.codec import dag_id_label
from airflow_ecs_dag_schema.label_text import to_text
from airflow_ecs_dag_schema.limits import LABEL_BYTES, TASK_DEFINITION_BYTES
from airflow_ecs_dag_schema.policy_rules import invalid_labels
from airflow_ecs_dag_schema.templates import check_template
from airflow_ecs_dag_schema.undeployed import token
from airflow_ecs_dag_schema.validation import spec_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

V1 = {"airflow.schema_version": "1", "airflow.dag.dag_id": "reports", "airflow.tasks.build.kind": "ecs"}
OLD = {"airflow.dag.name": "reports", "airflow.tasks.build.command": "build"}


def problems(labels: dict[str, str]) -> list[Problem]:
    with pytest.raises(LabelError) as caught:
        decode(labels)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("base", "key", "text", "starts", "ends"),
    [
        (V1, "airflow.dag.a..b", "x", "a label has 1 to 10 parts, divided by single dots", ""),
        (V1, "airflow.dag.a.b.c.d.e.f.g.h.i.j", "x", "a label has 1 to 10 parts, divided by single dots", ""),
        (V1, "airflow.dag.owner", '"half', "a label that begins with a double quote is a JSON string", ""),
        (V1, "airflow.dag", "x", "this is no label of its own: its fields are below it", ""),
        (V1, "airflow.dag.owner", token("x"), "this is an unresolved CDK token, the labels", "deploy it with the CDK"),
        (V1, "airflow.dag.owner", "x" * LABEL_BYTES, "key and value are 4017 bytes together, at most 4000 fit: ",
         "move the value into the container's image, its environment or S3"),
        (V1, "airflow.dag.own er", "x", "a label's key is 1 to 1,000 of A-Z a-z 0-9 . _ -: rename the label", ""),
        (OLD, "airflow.pool", "x", "unknown label; those of 2019 are airflow.dag.<field>", "airflow.schema_version"),
        (OLD, "airflow.dag.emial", "x", "unknown label of 2019; did you mean email? allowed: catchup, ", ""),
        (OLD, "airflow.dag.tag", "x", "unknown label of 2019; did you mean tags? allowed: ", ""),
        (OLD, "airflow.dag.zzzz", "x", "unknown label of 2019; allowed: catchup, ", ""),
        (OLD, "airflow.tasks.build.clas", "x", "unknown label of 2019; did you mean class? allowed: args, class, ", ""),
        (OLD, "airflow.tasks.build.class", "os.system", "this class can't be used; allowed: airflow.operators.latest",
         ".LatestOnlyOperator; remove the label to run the container"),
        (OLD, "airflow.dag.email_on_retry", "maybe", "expected true or false", ""),
    ],
)  # fmt: skip
def test_the_value_got_is_shown(base: dict[str, str], key: str, text: str, starts: str, ends: str) -> None:
    (found,) = (problem for problem in problems(base | {key: text}) if problem.path == key)
    assert found.message.startswith(starts)
    assert found.message.endswith(ends)
    assert found.value == (key if starts.startswith("a label's key") else text)


def test_the_classes_that_can_be_used_are_named() -> None:
    found = next(each for each in problems(OLD | {"airflow.tasks.build.class": "os.system"}) if each.value)
    assert ".LatestOnlyOperator, airflow.operators.latest_only_operator." in found.message


def test_an_unknown_room_says_which_there_are() -> None:
    (found,) = problems(V1 | {"airflow.pool": "x"})
    assert found == Problem(
        "airflow.pool",
        "unknown label; those of version 1 are airflow.dag.<field>, airflow.ecs.<field> and "
        "airflow.tasks.<task id>.<field>: rename or remove it",
    )


def test_two_ways_to_write_addresses_exclude_each_other() -> None:
    both = {"airflow.dag.email": "a@example.com", "airflow.dag.email.0": "b@example.com"}
    (found,) = (problem for problem in problems(OLD | both) if problem.path == "airflow.dag.email")
    assert found.value == "a@example.com"


@pytest.mark.parametrize("value", [None, 3, ["1"]])
def test_a_value_that_is_no_text_is_to_be_quoted(value: object) -> None:
    (found,) = problems(cast("dict[str, str]", V1 | {"airflow.dag.owner": value}))
    assert found.message == "a label's value is a text: quote it"


def test_ten_parts_are_not_too_many() -> None:
    (found,) = problems(V1 | {"airflow.dag.a.b.c.d.e.f.g.h.i": "x"})
    assert found.message.startswith("unknown field; ")


def filled(size: int) -> dict[str, str]:
    """Return labels of version 1 that have `size` bytes together, none of them too large."""
    labels = dict(V1)
    for number in range(100):
        left = size - sum(len(key) + len(text) for key, text in labels.items())
        key = f"airflow.tasks.build{number}.args.0"
        if left <= LABEL_BYTES:
            return labels | {key: "x" * (left - len(key))}
        labels[key] = "x" * (LABEL_BYTES - len(key) - 100)
    raise AssertionError(size)


def test_all_labels_together_may_be_so_large_and_no_larger() -> None:
    assert decode(filled(TASK_DEFINITION_BYTES)).dag_id == "reports"
    (found,) = problems(filled(TASK_DEFINITION_BYTES + 1))
    assert found.message.startswith("the task definition is 60001 bytes, at most 60000 fit; the largest labels: ")
    assert found.message.endswith(". Shorten them or divide the DAG over two task definitions")


def test_the_largest_labels_come_first_then_by_name() -> None:
    large = {f"airflow.tasks.{name}.args.{number}": "x" * 2_000 for number in range(5) for name in "fedcba"}
    (found,) = problems(V1 | large | {"airflow.tasks.b.args.5": "x" * 2_000})
    sizes = "airflow.tasks.b 12174 bytes, " + ", ".join(f"airflow.tasks.{name} 10145 bytes" for name in "acde")
    assert f"the largest labels: {sizes}. " in found.message


def test_each_way_a_token_can_not_be_written_is_named() -> None:
    spec = DagSpec(
        dag_id="reports",
        tasks=[EcsTaskSpec(task_id="build", args=[f"é{token('A')}", token("B"), f"\n{token('C')}", f'"{token("D")}'])],
    )
    with pytest.raises(LabelError) as caught:
        encode(spec)
    assert [problem.path for problem in caught.value.problems] == [f"airflow.tasks.build.args.{n}" for n in (0, 2, 3)]
    assert caught.value.problems[0].value == f"é{token('A')}"
    assert {problem.message for problem in caught.value.problems} == {
        "a text with a CDK token in it can't have line breaks, characters beyond ASCII or begin with a double quote"
    }


def test_a_tilde_needs_no_quotes() -> None:
    assert to_text("~ !") == "~ !"


@pytest.fixture
def far_away() -> Iterator[None]:
    """A machine whose own timezone is not UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Kathmandu"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("far_away")
def test_the_timezone_of_the_machine_says_nothing() -> None:
    labels = V1 | {"airflow.dag.start_date": "2026-01-31T03:00:00+02:00"}
    spec = decode(labels)
    assert spec.start_date is not None
    assert spec.start_date.utcoffset() == timedelta(0)
    assert encode(spec)["airflow.dag.start_date"] == "2026-01-31T01:00:00+00:00"
    assert to_text(datetime(2026, 1, 31, tzinfo=UTC)) == "2026-01-31T00:00:00+00:00"
    old = decode(OLD | {"airflow.dag.start_date": "2026-01-31"})
    assert old.start_date == datetime(2026, 1, 31, tzinfo=UTC)


def test_labels_that_are_no_dag_are_a_rule_of_their_own() -> None:
    (found,) = invalid_labels([Problem("airflow.dag.owner", "no", "x")])
    assert (found.rule, found.path, found.value, found.message) == ("labels.invalid", "airflow.dag.owner", "x", "no")
    assert found.remedy == "correct the DAG's definition"


@pytest.mark.parametrize(
    ("labels", "label"),
    [(V1, "airflow.dag.dag_id"), (OLD, "airflow.dag.name"), (OLD | V1, "airflow.dag.dag_id"), ({"x": "y"}, None)],
)
def test_which_label_has_the_dag_id(labels: dict[str, str], label: str | None) -> None:
    assert dag_id_label(labels) == label


@pytest.mark.parametrize(
    "template",
    [
        "{{ macros.ds_format(ds, '%9999d', '%Y') }}",
        "{{ macros.ds_format(ds, '%Y', '%9999d') }}",
        "{{ macros.ds_format(ds, ds, '%Y') }}",
        "{{ macros.ds_format(ds, '%Y') }}",
    ],
)
def test_both_formats_of_a_day_are_literal_and_without_widths(template: str) -> None:
    with pytest.raises(ValueError, match=r"write macros\.ds_format\(ds, '%Y-%m-%d', '%d-%m-%Y'\)\Z"):
        check_template(template)


def test_a_format_of_a_moment_says_how_to_write_one() -> None:
    with pytest.raises(ValueError, match=r"\Astrftime takes one literal format such as '%Y-%m-%d', without widths\Z"):
        check_template("{{ logical_date.strftime(ds) }}")


@pytest.mark.parametrize(
    ("helper", "arguments", "kind", "cron", "timezone"),
    [
        ("hourly", {}, "cron_trigger", "0 * * * *", "UTC"),
        ("hourly", {"minute": 7, "timezone": "Asia/Kathmandu"}, "cron_trigger", "7 * * * *", "Asia/Kathmandu"),
        ("hourly", {"data_interval": True}, "cron_data_interval", "0 * * * *", "UTC"),
        ("daily", {}, "cron_trigger", "0 0 * * *", "UTC"),
        ("daily", {"at": "23:59", "timezone": "CET"}, "cron_trigger", "59 23 * * *", "CET"),
        ("daily", {"data_interval": True}, "cron_data_interval", "0 0 * * *", "UTC"),
    ],
)
def test_helpers_of_cron_schedules(
    helper: str, arguments: dict[str, object], kind: str, cron: str, timezone: str
) -> None:
    schedule = getattr(Schedule, helper)(**arguments)
    assert [schedule.kind, schedule.cron, schedule.timezone] == [kind, cron, timezone]


def test_helpers_of_intervals() -> None:
    assert Schedule.every(timedelta(hours=2)).kind == "delta_trigger"
    assert Schedule.every(timedelta(hours=2), data_interval=True).kind == "delta_data_interval"


def test_an_error_names_its_subject() -> None:
    assert str(DagDefinitionError([Problem("a", "b")])) == "1 problem in the DAG:\n  - a: b"
    assert str(LabelError([Problem("a", "b", "c")])) == "1 problem in the Airflow labels:\n  - a: b (got 'c')"


def test_a_complaint_that_has_no_words_of_ours_is_pydantics() -> None:
    class Model(BaseModel):
        ratio: float

    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"ratio": "x"})
    (found,) = spec_problems(caught.value, (), Model)
    assert found.path == "ratio"
    assert found.message.startswith("input should be a valid number")
    assert found.value == "x"


@pytest.mark.parametrize(
    ("key", "unknown"), [("airflow.tasks.build.zzz", {"kind", "task_id"}), ("airflow.dag.zzz", {"ecs", "tasks"})]
)
def test_an_unknown_field_offers_only_what_can_be_written(key: str, unknown: set[str]) -> None:
    (found,) = problems(V1 | {key: "x"})
    assert found.message.startswith("unknown field; allowed: ")
    allowed = found.message.removeprefix("unknown field; allowed: ").split(", ")
    assert allowed == sorted(allowed)
    assert not unknown & set(allowed)
    assert len(allowed) > 5

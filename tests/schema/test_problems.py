"""What an author reads when a DAG is wrong: what is wrong, the value got, what is allowed, what to change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from airflow_ecs_dag_schema import DagDefinitionError, DagSpec, EcsTaskSpec, EmailAlert, LabelError, Problem, decode
from airflow_ecs_dag_schema.graph import find_cycle, graph_problems
from airflow_ecs_dag_schema.problems import label_path, shown
from airflow_ecs_dag_schema.validation import spec_problems
from vectors.vector_files import read_vectors

BASE = {"airflow.schema_version": "1", "airflow.dag.dag_id": "reports", "airflow.tasks.build.kind": "ecs"}


def refusal(labels: dict[str, str]) -> LabelError:
    with pytest.raises(LabelError) as caught:
        decode(BASE | labels)
    return caught.value


@pytest.mark.parametrize(
    ("label", "text", "line"),
    [
        (
            "airflow.tasks.build.retries",
            "three",
            "airflow.tasks.build.retries: expected a whole number in digits, such as 3 (got 'three')",
        ),
        (
            "airflow.tasks.build.retries",
            "101",
            "airflow.tasks.build.retries: expected 100 or less (got '101')",
        ),
        (
            "airflow.dag.max_active_task",
            "3",
            (
                "airflow.dag.max_active_task: unknown field; did you mean max_active_tasks? allowed: alerts, catchup, "
                "dag_id, dagrun_timeout, deadline, defaults, description, display_name, doc_md, end_date, exchange, "
                "fail_fast, groups, is_paused_upon_creation, max_active_runs, max_active_tasks, "
                "max_consecutive_failed_dag_runs, owner, owner_link, params, repository, schedule, stack, start_date, "
                "tags (got '3')"
            ),
        ),
        (
            "airflow.ecs.launch_type",
            "fargate",
            "airflow.ecs.launch_type: choose one of EC2, EXTERNAL or FARGATE (got 'fargate')",
        ),
        (
            "airflow.dag.owner",
            "x" * 300,
            (
                "airflow.dag.owner: may hold at most 250 characters, has 300: shorten it "
                f"(got '{'x' * 119}... (302 characters))"
            ),
        ),
        (
            "airflow.tasks.build.upstream.0",
            "biuld",
            (
                "airflow.tasks.build.upstream: the DAG has no such task; the tasks are build: name one of these "
                "(got 'biuld')"
            ),
        ),
        (
            "airflow.dag.schedule.kind",
            "cron",
            (
                "airflow.dag.schedule.kind: unknown kind; choose one of cron_trigger, cron_data_interval, "
                "delta_trigger, delta_data_interval, once, continuous, manual, events, assets, assets_or_time "
                "(got 'cron')"
            ),
        ),
        (
            "airflow.schema_version",
            "2",
            (
                "airflow.schema_version: this version can't be read here, only 1 and the labels of 2019, which have "
                "no version: update airflow-ecs-dag in Airflow, or deploy with an older one (got '2')"
            ),
        ),
    ],
)
def test_the_line_that_an_author_reads(label: str, text: str, line: str) -> None:
    error = refusal({label: text})
    assert [str(problem) for problem in error.problems] == [line]
    assert str(error) == f"1 problem in the Airflow labels:\n  - {line}"


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(vector.labels, id=name)
        for version in ("v1", "2019")
        for name, vector in read_vectors(version)
        if not vector.valid
    ],
)
def test_every_message_is_in_one_style(labels: dict[str, str]) -> None:
    with pytest.raises(LabelError) as caught:
        decode(labels)
    for problem in caught.value.problems:
        assert problem.message[0].islower() or problem.message[0] in "{%"
        assert not problem.message.endswith(".")
        assert "Input" not in problem.message
        assert "Value" not in problem.message
        assert str(problem).isprintable()
        assert problem.path.startswith("airflow")


def test_all_problems_come_at_once_in_order_of_their_labels() -> None:
    error = refusal(
        {
            "airflow.dag.owner": "",
            "airflow.dag.catchup": "yes",
            "airflow.dag.schedule.kind": "daily",
            "airflow.ecs.subnets.0": "x",
            "airflow.tasks.build.retries": "x",
            "airflow.tasks.build.upstream.0": "gone",
            "airflow.tasks.send.args.1": "x",
            "airflow.other": "x",
            "airflow.dag..x": "y",
        }
    )
    paths = [problem.path for problem in error.problems]
    assert paths == sorted(paths)
    assert set(paths) == {
        "airflow.dag..x",
        "airflow.dag.catchup",
        "airflow.dag.owner",
        "airflow.dag.schedule.kind",
        "airflow.ecs.subnets.0",
        "airflow.other",
        "airflow.tasks.build.retries",
        "airflow.tasks.build.upstream",
        "airflow.tasks.send.args",
    }
    assert str(error).startswith("9 problems in the Airflow labels:\n  - airflow.dag..x: ")


def test_a_long_list_of_problems_is_cut_in_the_text_and_whole_in_the_data() -> None:
    error = refusal({f"airflow.dag.unknown{number}": "x" for number in range(100)})
    assert len(error.problems) == 100
    assert len(str(error).splitlines()) == 32
    assert str(error).endswith("\n  - ... and 70 more")


@pytest.mark.parametrize(
    "key", ["airflow.dag.x\n  - airflow.dag.owner: forged", "airflow.\u202e", "airflow." + "x" * 2_000]
)
@pytest.mark.parametrize("text", ["x", "x" * 5_000, "${Token[TOKEN.1]}"])
def test_a_key_can_not_forge_lines_of_the_message(key: str, text: str) -> None:
    error = refusal({key: text})
    assert len(str(error).splitlines()) == 1 + len(error.problems)
    assert all(str(problem).isprintable() and len(problem.path) < 200 for problem in error.problems)


def from_python(**fields: Any) -> list[str]:
    """Return the problems of a spec that an author builds in Python, as lines."""
    whole = {"dag_id": "a", "tasks": [EcsTaskSpec(task_id="t")], **fields}
    with pytest.raises(ValidationError) as caught:
        DagSpec.model_validate(whole)
    return [
        str(problem)
        for problem in spec_problems(caught.value, [getattr(task, "task_id", "?") for task in whole["tasks"]])
    ]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"max_active_runs": "3"}, "max_active_runs: expected a whole number (got '3')"),
        ({"max_active_runs": 1.5}, "max_active_runs: expected a whole number (got '1.5')"),
        ({"max_active_runs": True}, "max_active_runs: expected a whole number (got 'True')"),
        ({"max_active_runs": 0}, "max_active_runs: expected 1 or more (got '0')"),
        ({"catchup": "false"}, "catchup: expected True or False (got 'false')"),
        ({"catchup": 1}, "catchup: expected True or False (got '1')"),
        ({"owner": 3}, "owner: expected a text (got '3')"),
        ({"owner": ["a"]}, "owner: expected a text, with no fields or items below it: give one value (got \"['a']\")"),
        ({"tags": "abc"}, "tags: expected a list or a tuple (got 'abc')"),
        ({"tags": {"abc"}}, "tags: expected a list or a tuple (got \"{'abc'}\")"),
        (
            {"start_date": "2026-01-31T03:00:00+00:00"},
            "start_date: expected a datetime (got '2026-01-31T03:00:00+00:00')",
        ),
        ({"start_date": date(2026, 1, 31)}, "start_date: expected a datetime (got 'datetime.date(2026, 1, 31)')"),
        (
            {"start_date": datetime(2026, 1, 31)},  # noqa: DTZ001 - what is refused
            (
                "start_date: a moment needs its timezone: write datetime(..., tzinfo=UTC) or a ZoneInfo, never a naive "
                "datetime (got 'datetime.datetime(2026, 1, 31, 0, 0)')"
            ),
        ),
        ({"dagrun_timeout": 300}, "dagrun_timeout: expected a timedelta (got '300')"),
        (
            {"dagrun_timeout": timedelta(microseconds=1)},
            (
                "dagrun_timeout: expected whole seconds, from 1 second to 366 days "
                "(got 'datetime.timedelta(microseconds=1)')"
            ),
        ),
        ({"tasks": []}, "tasks: needs at least 1 item, has 0: add to it (got '[]')"),
        ({"retries": 3}, "retries: unknown field; did you mean catchup? allowed"),
    ],
)
def test_exact_types_are_asked_for_in_python(fields: dict[str, Any], line: str) -> None:
    (found,) = from_python(**fields)
    assert found == line or (line.endswith("allowed") and found.startswith("retries: unknown field"))


def test_problems_of_the_whole_keep_their_own_paths() -> None:
    tasks = [EcsTaskSpec(task_id="a", upstream=["b", "gone"]), EcsTaskSpec(task_id="b", upstream=["a"])]
    start = datetime(2026, 1, 31, tzinfo=UTC)
    lines = from_python(tasks=tasks, start_date=start, end_date=start - timedelta(days=1))
    assert sorted(line.partition(":")[0] for line in lines) == ["end_date", "tasks", "tasks.a.upstream"]
    assert any("the tasks run in a circle, " in line and ">>" in line for line in lines)


def test_a_circle_is_named_in_the_order_of_its_arrows() -> None:
    arrows = {"a": (), "b": ("a", "d"), "c": ("b",), "d": ("c",), "e": ("d",)}
    cycle = find_cycle(arrows)
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"b", "c", "d"}
    assert all(before in arrows[after] for before, after in pairwise(cycle))
    assert find_cycle({"a": (), "b": ("a",)}) == ()


def test_a_circle_of_a_thousand_tasks_is_found_and_shortened() -> None:
    arrows = {f"t{n}": (f"t{(n + 1) % 1000}",) for n in range(1000)}
    (problem,) = graph_problems(arrows)
    assert "... (1000 tasks) >> " in problem.message
    assert len(problem.message) < 400


def test_a_problem_shows_its_value_short_and_in_ascii() -> None:
    assert str(Problem("a", "wrong")) == "a: wrong"
    assert str(Problem("a", "wrong", "")) == "a: wrong (got '')"
    assert str(Problem("a", "wrong", "é\n")) == "a: wrong (got '\\xe9\\n')"
    assert shown("x" * 200).endswith("... (202 characters)")
    assert label_path("airflow.dag.owner") == "airflow.dag.owner"


def test_errors_are_one_family() -> None:
    problems = [Problem("b", "x"), Problem("a", "y"), Problem("b", "x")]
    error = LabelError(problems)
    assert isinstance(error, DagDefinitionError)
    assert isinstance(error, ValueError)
    assert error.problems == (Problem("a", "y"), Problem("b", "x"))
    assert str(DagDefinitionError(problems, subject="the DAG reports")).startswith("2 problems in the DAG reports:\n")
    with pytest.raises(ValueError, match=r"needs at least one problem"):
        LabelError([])


def test_a_value_made_by_its_author_raises_the_projects_own_error() -> None:
    with pytest.raises(DagDefinitionError) as caught:
        EmailAlert(to=["no address"], onn=["failure"])  # type: ignore[call-arg] # the mistake
    assert [problem.path for problem in caught.value.problems] == ["onn", "to.0"]
    assert str(caught.value).startswith("2 problems in EmailAlert:\n  - onn: unknown field; did you mean on?")

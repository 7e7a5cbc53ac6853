"""The traps of the labels of 2019: what their own reader got wrong, and this one must not."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, LabelError, Schedule, decode, describes_dag
from vectors.vector_files import read_vectors

OLD = {
    "airflow.dag.name": "reports",
    "airflow.dag.start_date": "2019-12-04T03:00:00",
    "airflow.tasks.build.args.0": "x",
}
(SAMPLE,) = (vector.labels for name, vector in read_vectors("2019") if name.startswith("2019/sample.json"))


def build(**labels: str) -> EcsTaskSpec:
    """Return the task ``build`` of the labels of 2019 with these more below it."""
    task = decode(OLD | {f"airflow.tasks.build.{name}": text for name, text in labels.items()}).tasks[0]
    assert isinstance(task, EcsTaskSpec)
    return task


def decoded(**labels: str) -> DagSpec:
    return decode(OLD | {f"airflow.dag.{name}": text for name, text in labels.items()})


def test_list_items_are_in_order_of_their_numbers_in_every_order_of_the_labels() -> None:
    labels = OLD | {f"airflow.tasks.build.args.{number}": f"a{number}" for number in range(12)}
    order = random.Random(2019)  # noqa: S311 - repeatable on purpose
    for _ in range(20):
        items = list(labels.items())
        order.shuffle(items)
        task = decode(dict(items)).tasks[0]
        assert isinstance(task, EcsTaskSpec)
        assert task.args == tuple(f"a{number}" for number in range(12))


@pytest.mark.parametrize(
    "text", ["2019", "1.10", "1e3", "true", "null", "NaN", "Infinity", "[1, 2]", '{"a": 1}', "'x'", ""]
)
def test_arguments_keep_the_text_that_was_typed(text: str) -> None:
    assert build(**{"args.0": text}).args == (text,)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"2019"', "2019"),
        ('"a \\"b\\""', 'a "b"'),
        ('"half', '"half'),
        ('""', ""),
        ('"\\"x\\""', '"x"'),
        ('"a" b', '"a" b'),
    ],
)
def test_a_json_text_is_the_text_within_its_quotes(written: str, meant: str) -> None:
    assert build(**{"args.0": written}).args == (meant,)
    if meant:
        assert decoded(owner=written).owner == meant


def test_the_command_is_the_id_of_the_task_and_arguments_are_appended() -> None:
    assert build().container_command == ("build", "x")
    assert build(command="make").container_command == ("make", "x")


def test_the_schedule_is_daily_for_the_day_that_ended_unless_told_otherwise() -> None:
    assert decode(OLD).schedule == Schedule.every(timedelta(days=1), data_interval=True)
    assert decoded(schedule_interval="0 3 * * *").schedule == Schedule.cron("0 3 * * *", data_interval=True)
    assert decoded(schedule_interval="@once").schedule == Schedule.once()
    assert decoded(schedule_interval="None").schedule == Schedule.manual()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2019-12-04T03:00:00", datetime(2019, 12, 4, 3, tzinfo=UTC)),
        ("2019-12-04", datetime(2019, 12, 4, tzinfo=UTC)),
        ("2019-12-04 03:00", datetime(2019, 12, 4, 3, tzinfo=UTC)),
        ("2019-12-04T03:00:00+02:00", datetime(2019, 12, 4, 1, tzinfo=UTC)),
        ('"2019-12-04"', datetime(2019, 12, 4, tzinfo=UTC)),
    ],
)
def test_a_moment_without_an_offset_is_in_utc(text: str, moment: datetime) -> None:
    assert decoded(start_date=text).start_date == moment


@pytest.mark.parametrize(
    ("labels", "events"),
    [
        ({}, {"failure", "retry"}),
        ({"email_on_retry": "false"}, {"failure"}),
        ({"email_on_failure": "False"}, {"retry"}),
        ({"email_on_failure": '"true"', "email_on_retry": "FALSE"}, {"failure"}),
    ],
)
def test_mail_is_for_failures_and_retries_unless_told_otherwise(labels: dict[str, str], events: set[str]) -> None:
    (alert,) = decoded(**labels, **{"email.0": "a@example.com"}).alerts
    assert set(alert.on) == events


@pytest.mark.parametrize(
    "path",
    [
        "subprocess.Popen",
        "airflow.operators.bash_operator.BashOperator",
        "os.system",
        "",
        "LatestOnlyOperator",
        "a" * 3_000,
    ],
)
def test_no_other_class_is_ever_imported(path: str) -> None:
    with pytest.raises(LabelError) as caught:
        build(**{"class": path, "command": "x"})
    (problem,) = caught.value.problems
    assert problem.path == "airflow.tasks.build.class"
    assert "this class can't be used; allowed: airflow.operators.latest_only.LatestOnlyOperator" in problem.message


def test_a_deep_key_is_one_problem() -> None:
    with pytest.raises(LabelError, match=r"unknown label"):
        decode(OLD | {"airflow.tasks.build" + ".0" * 450: "x"})


def test_a_bad_label_is_named_as_it_was_written() -> None:
    with pytest.raises(LabelError) as caught:
        decode(
            SAMPLE
            | {
                "airflow.dag.concurrency": "a dozen",
                "airflow.dag.email.1": "nobody",
                "airflow.dag.schedule_interval": "@never",
                "airflow.tasks.convert.depends.0": "earliest_only",
            }
        )
    assert {problem.path: problem.value for problem in caught.value.problems} == {
        "airflow.dag.concurrency": "a dozen",
        "airflow.dag.email.1": "nobody",
        "airflow.dag.schedule_interval": "@never",
        "airflow.tasks.convert.depends.0": "earliest_only",
    }


def test_a_dag_of_2019_is_written_in_the_newest_version_without_loss() -> None:
    spec = decode(SAMPLE)
    assert spec.max_active_tasks == 12
    assert spec.defaults.retries == 1
    assert not spec.defaults.depends_on_past
    assert not spec.catchup


@pytest.mark.parametrize(
    ("labels", "meant"),
    [
        (SAMPLE, True),
        ({"airflow.schema_version": "9"}, True),
        ({"airflow.tasks.x": ""}, True),
        ({"airflow.dagger": "x", "com.example": "airflow.dag."}, False),
        ({}, False),
    ],
)
def test_labels_that_are_meant_to_describe_a_dag(labels: dict[str, str], *, meant: bool) -> None:
    assert describes_dag(labels) is meant

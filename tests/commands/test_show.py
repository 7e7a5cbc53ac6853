"""``airflow-ecs-dag show``: a DAG as a person reads it; and its next runs are Airflow's own."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.timetables.events import EventsTimetable
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_cli.next_runs import duration_words, in_words, next_runs
from airflow_ecs_dag_cli.show_command import show_file
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, Schedule, decode, encode
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.schedule import all_of, any_of
from commands.files import GOLDEN, LABELS, TEMPLATE_2019, container, template, write_json
from vectors.vector_files import plain_spec

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

SALES, RATES, COSTS = Asset(uri="s3://data/sales"), Asset(uri="s3://a/b", name="rates"), Asset(uri="s3://c/d")
CRONS = ["0 0 * * *", "30 2 * * *", "0 3 * * *", "15 1-4 * * 0", "*/20 * * * *", "7 * * * *", "0 0 1 * *", "5 4 31 * *"]
ZONES = ["UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Sydney"]


def show(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["show", *map(str, arguments)])


def dag(schedule: Any, **more: Any) -> DagSpec:
    start = more.pop("start_date", datetime(2020, 1, 1, tzinfo=UTC))
    return DagSpec(dag_id="x", schedule=schedule, start_date=start, tasks=[EcsTaskSpec(task_id="a")], **more)


def test_the_sample_as_it_is_synthesized() -> None:
    result = show(GOLDEN, "--after", "2026-03-28")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "owner Frank",
        "schedule every day at 00:00 (Europe/Amsterdam)",
        "next runs Sun 2026-03-29 00:00 CET ({{ ds }} is 2026-03-28)",
        "Mon 2026-03-30 00:00 CEST ({{ ds }} is 2026-03-29)",
        "Tue 2026-03-31 00:00 CEST ({{ ds }} is 2026-03-30)",
        "alert e-mail to Frank@rfh.example.com, DataScience@rfh.example.com on failure",
        'latest_only >> convert "convert" "{{ ds }}"',
    ):
        assert line in lines
    assert lines.index("tasks latest_only (latest_only)") < lines.index('latest_only >> convert "convert" "{{ ds }}"')
    assert "cluster ${Ref ClusterEB0386A7}, launch_type FARGATE" in result.stdout
    assert "of 60,000 bytes" in result.stdout


def test_the_template_of_2019() -> None:
    result = show(TEMPLATE_2019)
    assert result.exit_code == 0
    assert "every day, for the period that just ended" in result.stdout
    assert "counted from the run before, which only Airflow knows" in result.stdout


def test_the_size_is_that_of_the_labels(tmp_path: Path) -> None:
    result = show(write_json(tmp_path / "labels.json", LABELS))
    size = len(json.dumps(LABELS, separators=(",", ":")))
    assert f"labels {size:,} of 60,000 bytes" in result.stdout
    assert f"largest label airflow.tasks.build.kind, {len('airflow.tasks.build.kindecs')} of 4,000" in result.stdout


def test_what_only_the_deployment_knows_is_shown_as_it_is_written(tmp_path: Path) -> None:
    labels = {
        **LABELS,
        "airflow.dag.dag_id": {"Fn::Sub": "${AWS::StackName}-x"},
        "airflow.dag.start_date": {"Ref": "Start"},
        "airflow.dag.schedule.kind": "cron_trigger",
        "airflow.dag.schedule.cron": {"Ref": "Cron"},
        "airflow.tasks.build.retries": {"Ref": "Retries"},
        "airflow.tasks.build.args.0": {"Fn::Join": ["", ["s3://", {"Ref": "Bucket"}]]},
    }
    result = show(write_json(tmp_path / "t.json", template(container(labels))))
    assert result.exit_code == 0
    assert "✓ ${Ref AWS::StackName}-x" in result.stdout
    assert "known only after the deployment: ${Ref Cron}" in result.stdout
    assert '"build" "s3://${Ref Bucket}"  [retries ${Ref Retries}]' in result.stdout
    assert "next runs" not in result.stdout
    assert "known-at-deploy" not in result.stdout
    assert "2000" not in result.stdout


def test_a_wrong_dag_shows_what_is_wrong(tmp_path: Path) -> None:
    result = show(write_json(tmp_path / "labels.json", {**LABELS, "airflow.tasks.build.retries": "x"}))
    assert result.exit_code == 1
    assert "airflow.tasks.build.retries: expected a whole number" in result.stdout
    assert "  tasks " not in result.stdout


def test_nothing_to_show(tmp_path: Path) -> None:
    assert show(write_json(tmp_path / "labels.json", {"x": "y"})).exit_code == 1
    missing = show(tmp_path / "gone.json")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "error: " in missing.stderr
    assert "expected a day such as" in show(GOLDEN, "--after", "tomorrow").stderr


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", CRONS)
@pytest.mark.parametrize("data_interval", [False, True])
def test_the_next_runs_of_a_cron_are_those_of_airflows_timetables(cron: str, zone: str, data_interval: bool) -> None:  # noqa: FBT001 - a case
    """Beginning at some moment, and on the days when clocks change."""
    draw = random.Random(f"{cron} {zone}")  # noqa: S311 - test data
    some = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=draw.randrange(600_000))
    changes = [
        datetime(2026, month, day, 11, 7, tzinfo=UTC)
        for month, day in [(3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31)]
    ]
    for start in (some, *changes):
        schedule = Schedule.cron(cron, timezone=zone, data_interval=data_interval)
        found = next_runs(dag(schedule, start_date=start), after=start - timedelta(seconds=1), most=30)
        timetable = (CronDataIntervalTimetable if data_interval else CronTriggerTimetable)(cron, timezone=zone)
        restriction = TimeRestriction(earliest=pendulum.instance(start), latest=None, catchup=True)
        last: DataInterval | None = None
        expected = []
        for _ in range(30):
            info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
            assert info is not None
            last = info.data_interval
            assert last is not None
            expected.append((info.run_after, last.start))
        assert [(run.starts.astimezone(UTC), run.date.astimezone(UTC)) for run in found] == expected


def test_runs_end_with_the_end_date_and_begin_with_the_start_date() -> None:
    after, end = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
    spec = dag(Schedule.daily(), end_date=end)
    assert [run.starts.day for run in next_runs(spec, after=after, most=9)] == [2, 3]
    spec = dag(Schedule.daily(data_interval=True), end_date=end)
    assert [(run.date.day, run.starts.day) for run in next_runs(spec, after=after, most=9)] == [(1, 2), (2, 3), (3, 4)]
    spec = dag(Schedule.daily(data_interval=True), start_date=end)
    assert [(run.date.day, run.starts.day) for run in next_runs(spec, after=after, most=1)] == [(3, 4)]


def test_runs_that_count_from_the_start() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    before, later = start - timedelta(days=1), start + timedelta(days=1)
    every = Schedule.every(timedelta(hours=6))
    assert [run.starts.hour for run in next_runs(dag(every, start_date=start), after=before)] == [0, 6, 12]
    every = Schedule.every(timedelta(hours=6), data_interval=True)
    assert [run.starts.hour for run in next_runs(dag(every, start_date=start), after=before)] == [6, 12, 18]
    assert next_runs(dag(every, start_date=start), after=later) == []
    assert [run.starts for run in next_runs(dag(Schedule.once(), start_date=start), after=before)] == [start]
    assert next_runs(dag(Schedule.manual()), after=before) == []


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule.cron("@hourly"), "every hour at minute 0 (UTC)"),
        (Schedule.daily(at="03:30", timezone="Europe/Amsterdam"), "every day at 03:30 (Europe/Amsterdam)"),
        (Schedule.cron("* * * * *"), "every minute (UTC)"),
        (Schedule.cron("*/15 * * * *"), "every 15 minutes (UTC)"),
        (Schedule.cron("0 9 * * 1-5"), "Monday to Friday at 09:00 (UTC)"),
        (Schedule.cron("0 9 * * MON"), "every Monday at 09:00 (UTC)"),
        (Schedule.cron("@weekly"), "every Sunday at 00:00 (UTC)"),
        (Schedule.cron("@monthly"), "on day 1 of every month at 00:00 (UTC)"),
        (Schedule.cron("0 0 1 */3 *"), "by the cron expression 0 0 1 */3 * (UTC)"),
        (Schedule.every(timedelta(minutes=90)), "every 1 hour 30 minutes"),
        (Schedule.every(timedelta(days=1), data_interval=True), "every day, for the period that just ended"),
        (Schedule.once(), "once, at the start date"),
        (Schedule.continuous(), "again as soon as the run before has ended"),
        (Schedule.manual(), "only when somebody triggers it"),
        (Schedule.events([datetime(2026, 1, 1, tzinfo=UTC)]), "at one moment"),
        (Schedule.events([datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]), "at 2 moments"),
        (Schedule.assets(SALES), "when s3://data/sales has new data"),
        (Schedule.assets([SALES, RATES]), "when s3://data/sales and rates have new data"),
        (
            Schedule.assets(any_of(SALES, all_of(RATES, COSTS))),
            "when s3://data/sales or (rates and s3://c/d) has new data",
        ),
        (
            Schedule.assets_or_cron(SALES, "@hourly"),
            "every hour at minute 0 (UTC), and when s3://data/sales has new data",
        ),
    ],
)
def test_a_schedule_in_words(schedule: Any, words: str) -> None:
    assert in_words(schedule) == words


LANGUAGE = {
    **LABELS,
    "airflow.dag.schedule.kind": "assets_or_time",
    "airflow.dag.schedule.cron": "0 6 * * *",
    "airflow.dag.schedule.assets.0.uri": "s3://data/sales",
    "airflow.dag.schedule.assets.1.uri": "s3://data/rates",
    "airflow.dag.schedule.assets.1.name": "rates",
    "airflow.dag.schedule.condition": "0 | 1",
    "airflow.dag.start_date": "2026-01-01T00:00:00+00:00",
    "airflow.dag.doc_md": '"# Reports\\n\\nBuilt each day"',
    "airflow.dag.deadline.interval": "PT2H",
    "airflow.dag.alerts.0.kind": "profile",
    "airflow.dag.alerts.0.profile": "ops",
    "airflow.dag.alerts.0.on.0": "missed_deadline",
    "airflow.dag.params.countries.kind": "string_list",
    "airflow.dag.params.countries.default.0": "nl",
    "airflow.dag.groups.0.group_id": "load",
    "airflow.dag.groups.0.tooltip": "All tables",
    "airflow.tasks.wait.kind": "operator",
    "airflow.tasks.wait.operator": "s3_key_sensor",
    "airflow.tasks.wait.arguments.bucket_name": "data",
    "airflow.tasks.wait.arguments.bucket_key.0": "{{ ds }}.csv",
    "airflow.tasks.load_copy.task_id": "load.copy",
    "airflow.tasks.load_copy.upstream.0": "wait",
    "airflow.tasks.load_copy.environment.DAY": "{{ ds }}",
    "airflow.tasks.load_copy.cpu": "1024",
    "airflow.tasks.load_copy.outlets.0.uri": "s3://data/copy",
    "airflow.tasks.go.kind": "short_circuit",
    "airflow.tasks.go.upstream.0": "load.copy",
    "airflow.tasks.go.output.task_id": "load.copy",
    "airflow.tasks.go.output.key": "is_new",
    "airflow.tasks.go.edge_labels.0.upstream": "load.copy",
    "airflow.tasks.go.edge_labels.0.label": "checked",
    "airflow.tasks.list.kind": "param_items",
    "airflow.tasks.list.param": "countries",
    "airflow.tasks.send.upstream.0": "list",
    "airflow.tasks.send.expand.kind": "output",
    "airflow.tasks.send.expand.task_id": "list",
    "airflow.tasks.send.args.0": "{{ item }}",
    "airflow.tasks.each.expand.kind": "items",
    **{f"airflow.tasks.each.expand.items.{number}": str(number) for number in range(7)},
    "airflow.tasks.choose.kind": "branch",
    "airflow.tasks.choose.upstream.0": "load.copy",
    "airflow.tasks.choose.output.task_id": "load.copy",
    "airflow.tasks.end.kind": "latest_only",
    "airflow.tasks.end.upstream.0": "choose",
}


def test_all_that_a_dag_can_say(tmp_path: Path) -> None:
    result = show(write_json(tmp_path / "labels.json", LANGUAGE), "--after", "2026-02-01")
    assert result.exit_code == 0
    lines = {" ".join(line.split()).removeprefix("tasks ") for line in result.stdout.splitlines()}
    assert lines >= {
        "schedule every day at 06:00 (UTC), and when s3://data/sales or rates has new data",
        "next runs Sun 2026-02-01 06:00 UTC ({{ ds }} is 2026-02-01)",
        "doc_md # Reports (25 characters)",
        "deadline 2 hours after dagrun_queued_at",
        "alert profile ops on missed_deadline",
        "params countries (string_list), default nl",
        "groups load: All tables",
        'wait (s3_key_sensor) bucket_key=["{{ ds }}.csv"] bucket_name="data"',
        'wait >> load.copy "copy" with DAY in its environment makes s3://data/copy [cpu 1024]',
        'load.copy (checked) >> go (short_circuit) goes on if load.copy\'s output["is_new"] is true',
        "list (param_items) puts out the texts of the param countries",
        'list >> send "send" "{{ item }}" for each item of list\'s output',
        'each "each" for each of "0", "1", "2", "3", "4" and 2 more',
        "load.copy >> choose (branch) goes on with what load.copy's output names",
        "choose >> end (latest_only)",
    }


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_json(tmp_path / "labels.json", LANGUAGE)
    assert show_file(str(file), after=datetime(2026, 2, 1, tzinfo=UTC), as_json=True) == 0
    (shown,) = json.loads(capsys.readouterr().out)["dags"]
    assert shown["ok"]
    assert shown["dag"] == plain_spec(decode(LANGUAGE))
    assert shown["next_runs"][0] == {"starts": "2026-02-01T06:00:00+00:00", "date": "2026-02-01T06:00:00+00:00"}
    unknown = {**LANGUAGE, "airflow.dag.schedule.cron": {"Ref": "Cron"}, "airflow.tasks.build.args.0": {"Ref": "Day"}}
    file = write_json(tmp_path / "t.json", template(container(unknown)))
    assert show_file(str(file), after=datetime(2026, 2, 1, tzinfo=UTC), as_json=True) == 0
    (shown,) = json.loads(capsys.readouterr().out)["dags"]
    assert shown["stand_ins"] == {"airflow.dag.schedule.cron": "${Ref Cron}"}
    assert (shown["schedule"], shown["next_runs"]) == (None, [])
    assert shown["dag"]["tasks"][0]["args"] == ["${Ref Day}"]
    wrong = write_json(tmp_path / "wrong.json", {**LABELS, "airflow.tasks.build.retries": "x"})
    assert show_file(str(wrong), after=datetime(2026, 2, 1, tzinfo=UTC), as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["dags"][0]["dag"] is None


def test_packed_labels_are_shown_as_what_they_mean(tmp_path: Path) -> None:
    spec = decode(LANGUAGE)
    flat, packed = (
        show(write_json(tmp_path / f"{name}.json", labels), "--after", "2026-02-01").stdout.splitlines()
        for name, labels in (("flat", encode(spec)), ("packed", encode(spec, room=1_800)))
    )
    assert flat[1:-1] == packed[1:-1]
    assert "labels, packed," in packed[-1]
    assert "packed" not in flat[-1]


def test_the_next_runs_of_events_are_those_of_airflows_timetable() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [start + timedelta(days=days) for days in (-3, 0, 1, 2, 5, 9)]
    spec = dag(Schedule.events(moments), start_date=start, end_date=start + timedelta(days=6))
    timetable = EventsTimetable([pendulum.instance(moment) for moment in moments])
    restriction = TimeRestriction(
        earliest=pendulum.instance(start), latest=pendulum.instance(start + timedelta(days=6)), catchup=True
    )
    expected = []
    last: DataInterval | None = None
    while info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction):
        last = info.data_interval
        expected.append(info.run_after)
    found = next_runs(spec, after=start - timedelta(days=9), most=9)
    assert [run.starts for run in found] == [run.date for run in found] == expected
    assert len(expected) == 4
    assert [run.starts for run in next_runs(spec, after=start + timedelta(days=1), most=1)] == [moments[3]]


def test_durations_in_words() -> None:
    assert duration_words(timedelta(days=2, minutes=1)) == "2 days 1 minute"
    assert duration_words(timedelta(seconds=1)) == "second"

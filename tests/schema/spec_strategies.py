"""Arbitrary DAGs, for property tests: every field, with the values that break naive encodings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, get_args

from hypothesis import strategies as st

from airflow_ecs_dag_schema import (
    CapacityProvider,
    DagSpec,
    EcsSettings,
    EcsTaskSpec,
    EmailAlert,
    LatestOnlySpec,
    Schedule,
    TaskDefaults,
)
from airflow_ecs_dag_schema.alerts import AlertEvent
from airflow_ecs_dag_schema.ecs_settings import LaunchType
from airflow_ecs_dag_schema.schedule import PRESETS, AnySchedule
from airflow_ecs_dag_schema.tasks import TriggerRule
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def _is_plain(text: str) -> bool:
    """Tell whether ``text`` is neither a template nor a CDK token: Hypothesis finds such words in the code it tests."""
    return not any(mark in text for mark in ("{{", "{%", "{#", TOKEN_START))


_NAME = "ABCabc019_-"
_TRICKY = st.sampled_from(
    [
        '"', '""', '"quoted"', '"half', "'", "\\", "\\n", "\\u00e9", "[]", "{}", "null", "true", "2019", "1.10", "1e3",
        " x ", "-", ".", "airflow.dag.owner", "é", "٣", "\u2028", "\x85", "\u202e", "\ufeff", "🌷", "${x}", "$(id)",
        "{", "}}", "%", "=", "#{x}", "NaN",
    ]
)  # fmt: skip
_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"])
lines = st.one_of(_TRICKY, st.text(_CHARACTERS, min_size=1, max_size=30)).filter(_is_plain)
texts = st.one_of(lines, st.text(st.one_of(_CHARACTERS, st.sampled_from("\n\t")), max_size=60)).filter(_is_plain)
_TEMPLATES = st.sampled_from(
    [
        "{{ ds }}", "{{ds_nodash}}", "s3://b/{{ ds }}/{{ run_id }}\n", "{{ macros.ds_add(ds, -7) }}",
        "{{ logical_date.strftime('%Y \"%m\" é') }}", "{{ map_index | default('none', true) }}", "{# é #}{{ ts }}",
    ]
)  # fmt: skip
arguments = st.one_of(_TEMPLATES, texts)
task_ids = st.one_of(
    st.text("0123456789", min_size=1, max_size=4),
    st.sampled_from(["kind", "task_id", "upstream", "0", "00", "-", "_", "ecs", "dag", "tasks"]),
    st.text(_NAME, min_size=1, max_size=12),
)
dag_ids = st.lists(st.text(_NAME, min_size=1, max_size=6), min_size=1, max_size=4).map(".".join)
durations = st.one_of(
    st.sampled_from([timedelta(seconds=1), timedelta(days=1), timedelta(hours=25), timedelta(days=366)]),
    st.integers(1, 366 * 86_400).map(lambda seconds: timedelta(seconds=seconds)),
)
moments = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001 - the strategy adds the timezone
    datetime(9999, 12, 29),  # noqa: DTZ001 - the strategy adds the timezone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
_crons = st.one_of(
    st.sampled_from([*PRESETS, "0 3 * * *", "*/5 0-23/2 1,15 jan-jun mon#1", "0 0 L * *", "0 0 29 2 *"]),
    st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23)),
)
_zones = st.sampled_from(["UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "Asia/Kathmandu"])


def _or_none(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


schedules: SearchStrategy[AnySchedule] = st.one_of(
    st.builds(Schedule.cron, _crons, timezone=_zones, data_interval=st.booleans()),
    st.builds(Schedule.every, durations, data_interval=st.booleans()),
    st.sampled_from([Schedule.once(), Schedule.continuous(), Schedule.manual()]),
)
alerts = st.builds(
    EmailAlert,
    to=st.lists(
        st.from_regex(r"[a-z0-9!#$&'*+/=?^_|~.-]{1,9}@[a-z0-9-]{1,5}\.[a-z]{2,5}", fullmatch=True),
        min_size=1,
        max_size=3,
    ),
    on=st.lists(st.sampled_from(get_args(AlertEvent)), min_size=1, unique=True),
)
_providers = st.builds(
    CapacityProvider,
    name=st.text(_NAME, min_size=1, max_size=20),
    weight=st.one_of(st.sampled_from([0, 1, 1000]), st.integers(0, 1000)),
    base=st.one_of(st.sampled_from([0, 100_000]), st.integers(0, 100_000)),
)
_clusters = st.one_of(
    st.text(_NAME, min_size=1, max_size=20),
    st.builds("arn:aws:ecs:eu-west-1:123456789012:cluster/{}".format, st.text(_NAME, min_size=1, max_size=20)),
)


@st.composite
def ecs_settings(draw: st.DrawFn) -> EcsSettings:
    subnets = draw(st.lists(st.from_regex(r"subnet-[a-z0-9]{1,8}", fullmatch=True), max_size=4, unique=True))
    has_launch_type = draw(st.booleans())
    return EcsSettings(
        cluster=draw(_or_none(_clusters)),
        launch_type=draw(_or_none(st.sampled_from(get_args(LaunchType)))) if has_launch_type else None,
        capacity_provider_strategy=[] if has_launch_type else draw(st.lists(_providers, max_size=3)),
        subnets=subnets,
        security_groups=draw(st.lists(st.from_regex(r"sg-[a-z0-9]{1,8}", fullmatch=True), max_size=3, unique=True))
        if subnets
        else [],
        assign_public_ip=draw(_or_none(st.booleans())) if subnets else None,
        container_name=draw(_or_none(st.text(_NAME, min_size=1, max_size=20))),
    )


@st.composite
def tasks(draw: st.DrawFn, task_id: str, before: list[str]) -> EcsTaskSpec | LatestOnlySpec:
    upstream = draw(st.lists(st.sampled_from(before), unique=True, max_size=5)) if before else []
    fields: dict[str, Any] = {
        "task_id": task_id,
        "upstream": upstream,
        "trigger_rule": draw(st.sampled_from(get_args(TriggerRule))),
        "retries": draw(_or_none(st.integers(0, 100))),
        "retry_delay": draw(_or_none(durations)),
        "execution_timeout": draw(_or_none(durations)),
        "depends_on_past": draw(_or_none(st.booleans())),
    }
    if draw(st.booleans()):
        return LatestOnlySpec(**fields)
    return EcsTaskSpec(
        **fields,
        command=draw(_or_none(st.lists(arguments, max_size=3))),
        args=draw(st.lists(arguments, max_size=13)),
    )


@st.composite
def specs(draw: st.DrawFn) -> DagSpec:
    """Any DAG that fits into labels."""
    ids = draw(st.lists(task_ids, min_size=1, max_size=6, unique=True))
    start, end = sorted(draw(st.tuples(moments, moments)))
    schedule = draw(schedules)
    needs_start = schedule.kind != "manual"
    return DagSpec(
        dag_id=draw(dag_ids),
        owner=draw(lines),
        description=draw(_or_none(texts)),
        tags=draw(st.lists(lines, max_size=4, unique=True)),
        schedule=schedule,
        start_date=start if needs_start or draw(st.booleans()) else None,
        end_date=draw(_or_none(st.just(end))),
        catchup=draw(st.booleans()),
        max_active_runs=draw(st.sampled_from([None, 1]) if schedule.kind == "continuous" else _or_none(_counts)),
        max_active_tasks=draw(_or_none(_counts)),
        dagrun_timeout=draw(_or_none(durations)),
        defaults=TaskDefaults(
            retries=draw(st.sampled_from([0, 1, 100])),
            retry_delay=draw(_or_none(durations)),
            execution_timeout=draw(_or_none(durations)),
            depends_on_past=draw(st.booleans()),
        ),
        alerts=draw(st.lists(alerts, max_size=2)),
        ecs=draw(ecs_settings()),
        tasks=[draw(tasks(task_id, ids[:place])) for place, task_id in enumerate(ids)],
    )


_counts = st.one_of(st.sampled_from([1, 1_000_000]), st.integers(1, 1_000_000))

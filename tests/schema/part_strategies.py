"""Arbitrary parts of a DAG, for property tests: each kind of schedule, param, alert and asset, and where it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from hypothesis import strategies as st

from airflow_ecs_dag_schema import CapacityProvider, EcsSettings, EmailAlert, Schedule
from airflow_ecs_dag_schema.alerts import AlertEvent, ProfileAlert
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.dag import Deadline
from airflow_ecs_dag_schema.ecs_settings import EcsTag, LaunchType
from airflow_ecs_dag_schema.params import (
    AnyParam,
    BooleanParam,
    DateParam,
    DatetimeParam,
    IntegerParam,
    NumberParam,
    StringListParam,
    StringParam,
)
from airflow_ecs_dag_schema.schedule import PRESETS, AnySchedule, all_of, any_of
from airflow_ecs_dag_schema.tasks import Backoff, TaskDefaults, WeightRule
from schema.value_strategies import (
    NAME,
    addresses,
    days,
    durations,
    expression,
    lines,
    moments,
    names,
    numbers,
    or_none,
    texts,
)

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_crons = st.one_of(
    st.sampled_from([*PRESETS, "0 3 * * *", "*/5 0-23/2 1,15 jan-jun mon#1", "0 0 L * *", "0 0 29 2 *"]),
    st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23)),
)
_zones = st.sampled_from(["UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "Asia/Kathmandu"])
_asset_names = expression(r"[A-Za-z0-9_./:@=-][A-Za-z0-9_./:@= -]{0,20}").filter(lambda name: "://" not in name)
"""Airflow takes a name that is another URI for a second one."""
assets = st.builds(
    Asset,
    uri=expression(r"(?:s3|file|x-y\.z\+1)://[a-z0-9.-]{1,9}/[a-z0-9._~-]{1,9}(?:\?a=1&b=[a-z0-9]{1,5})?"),
    name=or_none(_asset_names),
    group=or_none(_asset_names),
)


@st.composite
def asset_schedules(draw: st.DrawFn) -> AnySchedule:
    """A schedule of assets, with any condition."""
    found = draw(st.lists(assets, min_size=1, max_size=5, unique_by=lambda asset: (asset.uri, asset.name)))
    conditions = st.recursive(
        st.sampled_from(found),
        lambda parts: st.builds(
            lambda joined, of: joined(*of), st.sampled_from([all_of, any_of]), st.lists(parts, min_size=1, max_size=3)
        ),
        max_leaves=8,
    )
    on = draw(st.one_of(st.just(found), conditions))
    if draw(st.booleans()):
        return Schedule.assets(on)
    return Schedule.assets_or_cron(on, draw(_crons), timezone=draw(_zones))


schedules: SearchStrategy[AnySchedule] = st.one_of(
    st.builds(Schedule.cron, _crons, timezone=_zones, data_interval=st.booleans()),
    st.builds(Schedule.every, durations, data_interval=st.booleans()),
    st.sampled_from([Schedule.once(), Schedule.continuous(), Schedule.manual()]),
    st.builds(Schedule.events, st.lists(moments, min_size=1, max_size=12, unique=True)),
    asset_schedules(),
)


def alerts(*, with_deadline: bool) -> SearchStrategy[EmailAlert | ProfileAlert]:
    events = [each for each in get_args(AlertEvent) if with_deadline or each != "missed_deadline"]
    on = st.lists(st.sampled_from(events), min_size=1, unique=True)
    return st.one_of(
        st.builds(EmailAlert, to=st.lists(addresses, min_size=1, max_size=3), on=on),
        st.builds(ProfileAlert, profile=st.text(NAME, min_size=1, max_size=20), on=on),
    )


deadlines = st.builds(
    Deadline, interval=durations, reference=st.just("dagrun_queued_at")
)  # its kinds are words of Airflow's


@st.composite
def params(draw: st.DrawFn, *, needs_default: bool) -> AnyParam:  # noqa: PLR0911 - one case a kind
    """A param; one that nobody may have to fill in where ``needs_default`` is true."""
    kind = draw(st.sampled_from(get_args(get_args(AnyParam)[0])))
    optional = draw(st.booleans())
    said: dict[str, Any] = {"title": draw(or_none(lines)), "description": draw(or_none(texts)), "optional": optional}

    def default(strategy: SearchStrategy[Any]) -> Any:
        return draw(or_none(strategy) if optional or not needs_default else strategy)

    def limits(strategy: SearchStrategy[Any]) -> dict[str, Any]:
        low, middle, high = sorted(draw(st.tuples(strategy, strategy, strategy)))
        return {
            "default": default(st.just(middle)),
            "minimum": draw(or_none(st.just(low))),
            "maximum": draw(or_none(st.just(high))),
        }

    if kind is StringParam:
        choices = draw(st.lists(texts, max_size=3))
        value = default(st.sampled_from(choices) if choices else texts)
        size = len(value or "")
        return StringParam(
            **said,
            default=value,
            choices=choices,
            min_length=draw(or_none(st.integers(0, size))),
            max_length=draw(or_none(st.integers(size, 10_000))),
            multiline=draw(st.booleans()),
        )
    if kind is IntegerParam:
        return IntegerParam(**said, **limits(st.integers(-999_999_999, 999_999_999)))
    if kind is NumberParam:
        return NumberParam(**said, **limits(numbers))
    if kind is BooleanParam:
        return BooleanParam(**said, default=default(st.booleans()))
    if kind is DateParam:
        return DateParam(**said, default=default(days))
    if kind is DatetimeParam:
        return DatetimeParam(**said, default=default(moments))
    return StringListParam(**said, default=default(st.lists(texts, max_size=4)))


def param_sets(*, needs_defaults: bool) -> SearchStrategy[dict[str, AnyParam]]:
    return st.dictionaries(names, params(needs_default=needs_defaults), max_size=4)


providers = st.builds(
    CapacityProvider,
    name=st.text(NAME, min_size=1, max_size=20),
    weight=st.one_of(st.sampled_from([0, 1, 1000]), st.integers(0, 1000)),
    base=st.one_of(st.sampled_from([0, 100_000]), st.integers(0, 100_000)),
)
ecs_tags = st.lists(
    st.builds(EcsTag, key=expression(r"[b-zB-Z0-9 _.:/=+@-]{1,9}"), value=expression(r"[A-Za-z0-9 _.:/=+@-]{0,9}")),
    max_size=3,
)
container_names = st.text(NAME, min_size=1, max_size=20)
platform_versions = st.one_of(st.just("LATEST"), expression(r"\d{1,2}\.\d{1,2}\.\d{1,2}"))
_arns = st.builds("arn:aws:ecs:eu-west-1:123456789012:{}/{}".format, st.just("cluster"), container_names)
launch_types = st.sampled_from(get_args(LaunchType))


@st.composite
def ecs_settings(draw: st.DrawFn) -> EcsSettings:
    subnets = draw(st.lists(expression(r"subnet-[a-z0-9]{1,8}"), max_size=4, unique=True))
    has_launch_type = draw(st.booleans())
    return EcsSettings(
        cluster=draw(or_none(st.one_of(container_names, _arns))),
        launch_type=draw(or_none(launch_types)) if has_launch_type else None,
        capacity_provider_strategy=[] if has_launch_type else draw(st.lists(providers, max_size=3)),
        subnets=subnets,
        security_groups=draw(st.lists(expression(r"sg-[a-z0-9]{1,8}"), max_size=3, unique=True)) if subnets else [],
        assign_public_ip=draw(or_none(st.booleans())) if subnets else None,
        platform_version=draw(or_none(platform_versions)),
        tags=draw(ecs_tags),
        container_name=draw(or_none(container_names)),
    )


def _backoff() -> SearchStrategy[float]:
    lowest, highest = (
        getattr(each, name) for each, name in zip(get_args(Backoff)[2].metadata, ("ge", "le"), strict=True)
    )
    return st.one_of(
        st.sampled_from([float(lowest), 1.5, float(highest)]), st.integers(100, 1_000).map(lambda n: n / 100)
    )


@st.composite
def retrying(draw: st.DrawFn) -> dict[str, Any]:
    """The fields that a task and the defaults of all tasks have alike, each of which may be left out."""
    return {
        "retry_delay": draw(or_none(durations)),
        "retry_exponential_backoff": draw(or_none(_backoff())),
        "max_retry_delay": draw(or_none(durations)),
        "execution_timeout": draw(or_none(durations)),
        "pool": draw(or_none(lines)),
        "priority_weight": draw(or_none(st.integers(-1_000_000, 1_000_000))),
        "weight_rule": draw(or_none(st.sampled_from(get_args(WeightRule)))),
    }


@st.composite
def task_defaults(draw: st.DrawFn) -> TaskDefaults:
    return TaskDefaults(
        retries=draw(st.sampled_from([0, 1, 100])),
        depends_on_past=draw(st.booleans()),
        wait_for_downstream=draw(st.booleans()),
        **draw(retrying()),
    )

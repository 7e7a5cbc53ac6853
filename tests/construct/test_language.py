"""What a DAG can say, on real stacks: how the author writes it, and the labels that come of it."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3

from airflow_ecs_dag import (
    Asset,
    BooleanParam,
    CapacityProvider,
    DagDefinitionError,
    DateParam,
    DatetimeParam,
    Deadline,
    EcsTask,
    EmailAlert,
    IntegerParam,
    NumberParam,
    ProfileAlert,
    Schedule,
    StringListParam,
    StringParam,
    TaskDefaults,
    all_of,
    any_of,
    bucket_asset,
)
from airflow_ecs_dag.dag_construct import AirflowEcsDag
from airflow_ecs_dag.tasks import Task
from airflow_ecs_dag_schema import DagSpec, decode
from airflow_ecs_dag_schema.ecs_settings import EcsSettings
from airflow_ecs_dag_schema.tasks import EcsTaskSpec, LatestOnlySpec
from construct.cdk_stacks import dag, deployed, labels, problems

if TYPE_CHECKING:
    from pathlib import Path

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False), "Main")


def spec_of(stack: Stack, **arguments: Any) -> DagSpec:
    """The DAG as Airflow will read it, from the labels in the template."""
    made = dag(stack, **arguments)
    filled = deployed(labels(stack))
    spec = decode(filled)
    assert made.labels.keys() == filled.keys()
    return spec


class TestEachFieldHasItsArgument:
    """A field that is added to the contract needs an argument; which is another word is said here."""

    def test_of_the_dag(self) -> None:
        arguments = set(AirflowEcsDag.__init__.__kwdefaults__ or {})
        arguments |= {"dag_id", "schedule", "tasks"}
        not_an_argument = {"ecs", "groups", "stack"}
        assert set(DagSpec.model_fields) - not_an_argument - arguments == set()

    def test_of_the_place(self) -> None:
        arguments = set(AirflowEcsDag.__init__.__kwdefaults__ or {})
        renamed = {
            "capacity_provider_strategy": "capacity_provider_strategies",
            "container_name": "container",
            "subnets": "vpc_subnets",
            "tags": "ecs_tags",
        }
        assert {renamed.get(name, name) for name in EcsSettings.model_fields} - arguments == set()

    def test_of_a_task(self) -> None:
        own = {"kind", "upstream", "edge_labels"}
        assert set(LatestOnlySpec.model_fields) - own == {each.name for each in fields(Task)}
        renamed = {name.partition(".")[0]: author for name, author in EcsTask.argument_names.items()}
        arguments = {renamed.get(name, name) for name in EcsTaskSpec.model_fields} - own
        assert arguments == {each.name for each in fields(EcsTask)}


def test_presentation(stack: Stack) -> None:
    spec = spec_of(
        stack,
        owner="Team",
        owner_link="mailto:team@example.com",
        display_name="Daily sales",
        doc_md="# Sales\n\nAll of them.",
        repository="https://example.com/sales",
        is_paused_upon_creation=False,
        max_consecutive_failed_dag_runs=3,
        fail_fast=True,
        deadline=Deadline(interval=HOUR),
        alerts=[EmailAlert(to=["a@example.com"]), ProfileAlert(profile="oncall", on=["missed_deadline"])],
    )
    assert (spec.owner_link, spec.display_name) == ("mailto:team@example.com", "Daily sales")
    assert spec.doc_md == "# Sales\n\nAll of them."
    assert spec.repository == "https://example.com/sales"
    assert (spec.is_paused_upon_creation, spec.max_consecutive_failed_dag_runs, spec.fail_fast) == (False, 3, True)
    assert spec.deadline == Deadline(interval=HOUR)
    assert spec.alerts[1] == ProfileAlert(profile="oncall", on=["missed_deadline"])
    assert spec.stack is not None


def test_the_stack_is_that_of_the_task_definition(stack: Stack) -> None:
    dag(stack)
    assert labels(stack)["airflow.dag.stack"] == {"Ref": "AWS::StackId"}


def test_params_of_each_kind(stack: Stack) -> None:
    params = {
        "text": StringParam(default="nl", choices=["nl", "be"], title="Country"),
        "number": IntegerParam(default=3, minimum=1, maximum=9),
        "ratio": NumberParam(default=0.5),
        "yes": BooleanParam(default=False),
        "day": DateParam(default="2026-01-31"),
        "moment": DatetimeParam(default=START),
        "texts": StringListParam(default=["a", "b"]),
        "maybe": StringParam(optional=True),
    }
    spec = spec_of(stack, params=params, schedule=Schedule.once(), start_date=START)
    assert spec.params == params


def test_assets(stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket")
    sales, rates = bucket_asset(bucket, "sales/"), bucket_asset(bucket, "/rates.csv", name="rates", group="money")
    stock = Asset(uri="s3://other/stock")
    dag(
        stack,
        schedule=Schedule.assets(all_of(sales, any_of(rates, stock))),
        tasks=EcsTask("t", outlets=[bucket_asset(bucket, "report")]),
    )
    written = labels(stack)
    name = stack.resolve(bucket.bucket_name)
    assert written["airflow.dag.schedule.assets.0.uri"] == {"Fn::Join": ["", ["s3://", name, "/sales/"]]}
    assert written["airflow.dag.schedule.assets.1.uri"] == {"Fn::Join": ["", ["s3://", name, "/rates.csv"]]}
    assert written["airflow.dag.schedule.assets.1.name"] == "rates"
    assert written["airflow.dag.schedule.assets.2.uri"] == "s3://other/stock"
    assert written["airflow.dag.schedule.condition"] == "0 & (1 | 2)"
    assert written["airflow.tasks.t.outlets.0.uri"] == {"Fn::Join": ["", ["s3://", name, "/report"]]}


def test_an_asset_needs_a_bucket_and_a_key(stack: Stack) -> None:
    with pytest.raises(DagDefinitionError, match="bucket: expected a bucket"):
        bucket_asset("sales", "x")  # type: ignore[arg-type]
    with pytest.raises(DagDefinitionError, match="key: expected a key"):
        bucket_asset(s3.Bucket(stack, "Bucket"), "")


def test_everything_of_a_task(stack: Stack) -> None:
    task = EcsTask(
        "t",
        environment={"MODE": "full", "DAY": "{{ ds }}"},
        cpu=512,
        memory_limit_mib=1024,
        ephemeral_storage_gib=30,
        container="main",
        capacity_provider_strategies=[CapacityProvider(name="FARGATE_SPOT")],
        platform_version=ecs.FargatePlatformVersion.VERSION1_4,
        ecs_tags={"team": "data", "cost": "1"},
        skip_on_exit_code=[99],
        expand=["a", "b"],
        map_index_template="{{ item }}",
        trigger_rule="none_failed",
        retries=2,
        retry_delay=HOUR,
        retry_exponential_backoff=1.5,
        max_retry_delay=2 * HOUR,
        execution_timeout=HOUR,
        depends_on_past=True,
        wait_for_downstream=True,
        pool="small",
        pool_slots=2,
        priority_weight=7,
        weight_rule="absolute",
        max_active_tis_per_dag=3,
        max_active_tis_per_dagrun=2,
        task_display_name="The task",
        doc_md="What it *does*",
        outlets=[Asset(uri="s3://sales/day")],
        is_teardown=False,
    )
    made = dag(stack, tasks=task, defaults=TaskDefaults(pool="large", retry_exponential_backoff=2.0))
    (spec,) = decode(deployed(labels(stack))).tasks
    assert made.spec.tasks == (spec,)
    found = spec.model_dump(exclude_defaults=True)
    assert found.pop("tags") == ({"key": "cost", "value": "1"}, {"key": "team", "value": "data"})
    assert found.pop("outlets") == ({"uri": "s3://sales/day"},)
    assert found.pop("expand") == {"items": ("a", "b")}
    assert found.pop("capacity_provider_strategy") == ({"name": "FARGATE_SPOT"},)
    assert (found.pop("platform_version"), found.pop("container_name")) == ("1.4.0", "main")
    assert found == {name: value for name, value in task.given().items() if name in found}
    assert len(found) == 23


def test_the_place_of_the_ecs_tasks(stack: Stack) -> None:
    spec = spec_of(stack, platform_version="1.4.0", ecs_tags={"team": "data"})
    assert spec.ecs.platform_version == "1.4.0"
    assert [(tag.key, tag.value) for tag in spec.ecs.tags] == [("team", "data")]


def test_a_latest_platform_version(stack: Stack) -> None:
    assert spec_of(stack, platform_version=ecs.FargatePlatformVersion.LATEST).ecs.platform_version == "LATEST"


def test_problems_of_every_part_under_the_authors_names(stack: Stack) -> None:
    found = problems(
        stack,
        owner_link="http://example.com",
        repository="example.com",
        deadline=HOUR,
        params={"country": "nl"},
        alerts=["oncall"],
        platform_version="one",
        ecs_tags={"aws:team": "data"},
        max_consecutive_failed_dag_runs=-1,
        connections=["orders"],
        fail_fast="yes",
        tasks=EcsTask(
            "t",
            cpu=1,
            capacity_provider_strategies=[CapacityProvider(name="FARGATE")],
            launch_type="FARGATE",
            task_definition="no family",
        ),
    )
    assert found.keys() == {
        "alerts",
        "connections",
        "deadline",
        "ecs_tags.0.key",
        "fail_fast",
        "max_consecutive_failed_dag_runs",
        "owner_link",
        "params",
        "platform_version",
        "repository",
        "tasks.t.cpu",
        "tasks.t.task_definition",
    }


def test_ecs_tags_that_are_no_mapping(stack: Stack) -> None:
    assert problems(stack, ecs_tags=["team"]).keys() == {"ecs_tags"}


def test_what_is_not_a_list_is_said_at_once() -> None:
    with pytest.raises(DagDefinitionError) as caught:
        EcsTask("t", outlets="s3://x/y", skip_on_exit_code=3, capacity_provider_strategies=["FARGATE"])  # type: ignore[arg-type, list-item]
    assert [problem.path for problem in caught.value.problems] == [
        "tasks.t.capacity_provider_strategies",
        "tasks.t.outlets",
        "tasks.t.skip_on_exit_code",
    ]


def test_labels_stay_ascii(stack: Stack) -> None:
    dag(stack, display_name="Ca\u00f1\u00f3n", tasks=EcsTask("t", environment={"A": "\u20ac"}))
    assert json.dumps(labels(stack), ensure_ascii=False).isascii()

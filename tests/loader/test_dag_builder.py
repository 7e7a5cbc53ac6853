"""From the contract to Airflow: what Airflow stores of a built DAG, against the same DAG written by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from airflow.sdk import (
    DAG,
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
)
from airflow.serialization.serialized_objects import DagSerialization

from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_loader.definition import AwsLogs, Container
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_schema import (
    CapacityProvider,
    DagSpec,
    EcsSettings,
    EcsTaskSpec,
    EmailAlert,
    LabelError,
    LatestOnlySpec,
    Schedule,
    TaskDefaults,
    decode,
)
from airflow_ecs_dag_schema.alerts import ProfileAlert
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.operators import BUILT_IN
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.platform_parts import EmailProfile, OperatorRule
from airflow_ecs_dag_schema.tasks import BranchSpec, ExpandOutput, OperatorSpec, ShortCircuitSpec, TriggerRule
from vectors.vector_files import read_vectors

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_schema.schedule import AnySchedule

START = datetime(2019, 12, 4, 3, tzinfo=UTC)
SOURCE = DagSource(
    task_definition="arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:7",
    account="123456789012",
    region="eu-west-1",
    family="reports",
    revision=7,
    container=Container("main", AwsLogs(group="/ecs/work", stream_prefix="airflow", region="eu-central-1")),
    cluster="work",
    aws_conn_id="aws_work",
)
BUILD = EcsTaskSpec(task_id="build")
MAIL = EmailProfile(to=("night@example.com",))


def spec(**fields: Any) -> DagSpec:
    return DagSpec(**{"dag_id": "reports", "tasks": (BUILD,), **fields})


def stored(dag: DAG) -> dict[str, Any]:
    """Return what Airflow's database gets; of a task what any operator has, so that another one can stand for ours."""
    plain: dict[str, Any] = json.loads(json.dumps(DagSerialization.to_dict(dag), default=str))["dag"]
    for name in ("fileloc", "relative_fileloc", "_processor_dags_folder", "doc_md", "dag_dependencies"):
        plain.pop(name, None)
    ours = {"task_type", "_task_module", "_operator_name", "template_fields", "template_fields_renderers", "ui_color"}
    tasks = []
    for each in plain["tasks"]:
        fields = dict(each["__var"])
        if fields["task_type"] in {"EcsTaskOperator", "EmptyOperator"}:
            known = {name for name in fields if name in _PLAIN_TASK_FIELDS}
            fields = {name: fields[name] for name in known - ours}
        tasks.append(fields)
    plain["tasks"] = sorted(tasks, key=lambda task: task["task_id"])
    return plain


_PLAIN_TASK_FIELDS = {
    "task_id", "owner", "retries", "retry_delay", "execution_timeout", "depends_on_past", "trigger_rule",
    "downstream_task_ids", "start_date", "has_on_failure_callback", "has_on_retry_callback", "pool", "queue",
    "email", "weight_rule", "priority_weight", "wait_for_downstream",
}  # fmt: skip


def the_vectors(description: str, version: str = "v1") -> DagSpec:
    (found,) = [vector for name, vector in read_vectors(version) if name.endswith(f": {description}")]
    return decode(found.labels)


def test_the_sample_of_2019_is_the_dag_that_its_authors_would_write() -> None:
    with DAG(
        "convert-it",
        schedule=DeltaDataIntervalTimetable(timedelta(days=1)),
        start_date=START,
        catchup=False,
        max_active_tasks=12,
        disable_bundle_versioning=True,
        default_args={
            "owner": "Frank",
            "retries": 1,
            "on_failure_callback": SmtpNotifier(to=["x"]),
        },
    ) as by_hand:
        LatestOnlyOperator(task_id="latest_only") >> EmptyOperator(task_id="convert")
    sample = the_vectors("the DAG of the article of 2019", "2019")
    built = build_dag(sample, SOURCE)
    assert stored(built) == stored(by_hand)
    convert = built.get_task("convert")
    assert isinstance(convert, EcsTaskOperator)
    assert convert.command == ["convert", "{{ ds }}"]


def test_each_plain_field_of_version_1_reaches_airflow() -> None:
    with DAG(
        "reports",
        description="Builds the reports",
        tags=["daily", "reports"],
        schedule=CronTriggerTimetable("0 3 * * *", timezone="UTC"),
        start_date=datetime(2026, 1, 31, 3, tzinfo=UTC),
        end_date=datetime(2027, 1, 31, 3, tzinfo=UTC),
        catchup=True,
        max_active_runs=2,
        max_active_tasks=12,
        dagrun_timeout=timedelta(hours=2),
        disable_bundle_versioning=True,
        default_args={
            "owner": "Flowers",
            "retries": 3,
            "retry_delay": timedelta(minutes=5),
            "execution_timeout": timedelta(hours=1, minutes=30),
            "depends_on_past": True,
        },
    ) as by_hand:
        EmptyOperator(task_id="build")
    assert stored(build_dag(the_vectors("each plain field of a DAG"), SOURCE)) == stored(by_hand)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (
            Schedule.cron("0 3 * * 1", timezone="Europe/Amsterdam"),
            CronTriggerTimetable("0 3 * * 1", timezone="Europe/Amsterdam"),
        ),
        (
            Schedule.daily(timezone="Europe/Amsterdam", data_interval=True),
            CronDataIntervalTimetable("0 0 * * *", timezone="Europe/Amsterdam"),
        ),
        (Schedule.every(timedelta(hours=6)), DeltaTriggerTimetable(timedelta(hours=6))),
        (Schedule.every(timedelta(hours=6), data_interval=True), DeltaDataIntervalTimetable(timedelta(hours=6))),
        (Schedule.once(), "@once"),
        (Schedule.manual(), None),
    ],
    ids=lambda value: getattr(value, "kind", None),
)  # fmt: skip
def test_each_kind_of_schedule(schedule: AnySchedule, expected: Any) -> None:
    with DAG(
        "reports",
        schedule=expected,
        start_date=START,
        catchup=False,
        disable_bundle_versioning=True,
        default_args={"owner": "airflow", "retries": 0},
    ) as by_hand:
        EmptyOperator(task_id="build")
    assert stored(build_dag(spec(schedule=schedule, start_date=START), SOURCE)) == stored(by_hand)


def test_a_continuous_schedule_has_one_run_at_a_time() -> None:
    dag = build_dag(spec(schedule=Schedule.continuous(), start_date=START), SOURCE)
    assert dag.max_active_runs == 1
    assert stored(dag)["timetable"]["__type"] == "airflow.timetables.simple.ContinuousTimetable"


@pytest.mark.parametrize("rule", get_args(TriggerRule))
def test_each_trigger_rule(rule: TriggerRule) -> None:
    tasks = (BUILD, EcsTaskSpec(task_id="after", upstream=("build",), trigger_rule=rule))
    dag = build_dag(spec(tasks=tasks), SOURCE)
    (after,) = [task for task in stored(dag)["tasks"] if task["task_id"] == "after"]
    assert after.get("trigger_rule", "all_success") == rule


def test_the_graph() -> None:
    tasks = (
        EcsTaskSpec(task_id="a"),
        EcsTaskSpec(task_id="b", upstream=("a",)),
        LatestOnlySpec(task_id="c", upstream=("a",)),
        EcsTaskSpec(task_id="d", upstream=("b", "c")),
    )
    dag = build_dag(spec(tasks=tasks), SOURCE)
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "a": set(), "b": {"a"}, "c": {"a"}, "d": {"b", "c"},
    }  # fmt: skip
    assert [type(dag.get_task(name)) for name in "bc"] == [EcsTaskOperator, LatestOnlyOperator]


def test_a_task_may_say_otherwise_than_the_defaults() -> None:
    defaults = TaskDefaults(
        retries=3, retry_delay=timedelta(minutes=1), execution_timeout=timedelta(hours=1), depends_on_past=True
    )
    own = EcsTaskSpec(
        task_id="own",
        retries=0,
        retry_delay=timedelta(minutes=9),
        execution_timeout=timedelta(hours=9),
        depends_on_past=False,
    )
    dag = build_dag(spec(defaults=defaults, tasks=(BUILD, own)), SOURCE)
    said, unsaid = dag.get_task("own"), dag.get_task("build")
    assert (said.retries, said.retry_delay, said.execution_timeout, said.depends_on_past) == (
        0, timedelta(minutes=9), timedelta(hours=9), False,
    )  # fmt: skip
    assert (unsaid.retries, unsaid.retry_delay, unsaid.execution_timeout, unsaid.depends_on_past) == (
        3, timedelta(minutes=1), timedelta(hours=1), True,
    )  # fmt: skip


def test_alerts_are_notifiers() -> None:
    alerts = (
        EmailAlert(to=("one@example.com", "two@example.com")),
        EmailAlert(to=("three@example.com",), on=("failure", "retry", "success")),
    )
    dag = build_dag(spec(alerts=alerts), SOURCE)
    task = dag.get_task("build")

    def addresses(notifiers: Any) -> list[list[str]]:
        assert all(isinstance(each, SmtpNotifier) for each in notifiers)
        return [each.to for each in notifiers]

    assert addresses(task.on_failure_callback) == [["one@example.com", "two@example.com"], ["three@example.com"]]
    assert addresses(task.on_retry_callback) == [["three@example.com"]]
    assert addresses(dag.on_success_callback) == [["three@example.com"]]
    assert not task.on_success_callback
    assert not dag.on_failure_callback


def test_without_alerts_there_are_no_callbacks() -> None:
    dag = build_dag(spec(), SOURCE)
    task = dag.get_task("build")
    assert not dag.on_success_callback
    assert not dag.on_failure_callback
    assert not task.on_failure_callback
    assert not task.on_retry_callback


def test_where_a_task_runs() -> None:
    ecs = EcsSettings(
        launch_type="FARGATE",
        subnets=("subnet-1", "subnet-2"),
        security_groups=("sg-1",),
        assign_public_ip=False,
    )
    task = build_dag(spec(ecs=ecs), SOURCE).get_task("build")
    assert isinstance(task, EcsTaskOperator)
    assert (task.task_definition, task.cluster, task.region_name, task.aws_conn_id) == (
        SOURCE.task_definition, "work", "eu-west-1", "aws_work",
    )  # fmt: skip
    assert (task.launch_type, task.capacity_provider_strategy) == ("FARGATE", None)
    assert task.network_configuration == {
        "awsvpcConfiguration": {
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroups": ["sg-1"],
            "assignPublicIp": "DISABLED",
        }
    }
    assert (task.container_name, task.awslogs_group, task.awslogs_stream_prefix, task.awslogs_region) == (
        "main", "/ecs/work", "airflow", "eu-central-1",
    )  # fmt: skip


def test_a_capacity_provider_strategy() -> None:
    ecs = EcsSettings(capacity_provider_strategy=(CapacityProvider(name="FARGATE_SPOT", weight=3, base=1),))
    task = build_dag(spec(ecs=ecs), SOURCE).get_task("build")
    assert isinstance(task, EcsTaskOperator)
    assert task.capacity_provider_strategy == [{"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 1}]
    assert not task.launch_type
    assert task.network_configuration is None


def test_command_environment_and_inputs_are_templates_and_nothing_else() -> None:
    task = build_dag(spec(), SOURCE).get_task("build")
    assert tuple(task.template_fields) == ("command", "environment", "inputs")


def test_the_page_says_where_the_dag_comes_from_before_what_its_author_says() -> None:
    hostile = "{{ macros }} /etc/passwd.md"
    dag = build_dag(spec(description=hostile, owner=hostile, tags=(hostile,), doc_md=hostile), SOURCE)
    assert dag.doc_md is not None
    ours, authors = dag.doc_md.split("\n\n---\n\n")
    assert authors == f"{hostile}\n\n---\n"
    assert "`reports`, revision 7, in account 123456789012, region eu-west-1" in ours
    assert not dag.doc_md.endswith(".md")


def test_a_text_that_airflow_takes_for_a_path_reads_no_file(tmp_path: Path) -> None:
    file = tmp_path / "secret.md"
    file.write_text("secret")
    task = EcsTaskSpec(task_id="build", doc_md=str(file))
    dag = build_dag(spec(doc_md=str(file), tasks=(task,)), SOURCE)
    assert dag.doc_md is not None
    assert str(file) in dag.doc_md
    assert "secret\n" not in dag.doc_md
    assert dag.get_task("build").doc_md == str(file)


@pytest.mark.parametrize(
    ("arn", "host"),
    [
        ("arn:aws:ecs:eu-west-1:123456789012:task-definition/r:7", "https://eu-west-1.console.aws.amazon.com/"),
        ("arn:aws-cn:ecs:cn-north-1:123456789012:task-definition/r:7", "https://cn-north-1.console.amazonaws.cn/"),
        (
            "arn:aws-us-gov:ecs:us-gov-west-1:123456789012:task-definition/r:7",
            "https://us-gov-west-1.console.amazonaws-us-gov.com/",
        ),
        ("arn:aws-iso:ecs:us-iso-east-1:123456789012:task-definition/r:7", None),
    ],
)
def test_the_console_of_each_partition(arn: str, host: str | None) -> None:
    region = arn.split(":")[3]
    page = build_dag(spec(stack="r"), replace(SOURCE, task_definition=arn, region=region)).doc_md
    assert page is not None
    links = re.findall(r"\((https:[^)]*)\)", page)
    assert [link[: len(host)] for link in links] == [host, host] if host else links == []


def test_an_asset_that_airflow_can_not_have_is_named() -> None:
    outlet = Asset.model_construct(uri="redshift://host/only-one", name=None, group=None)
    with pytest.raises(LabelError, match=r"airflow.tasks.build.outlets.0: Airflow can't have this asset \("):
        build_dag(spec(tasks=(EcsTaskSpec.model_construct(task_id="build", outlets=(outlet,)),)), SOURCE)


def test_only_tasks_whose_output_is_used_wait_for_it() -> None:
    used = ("in_a_command", "in_the_environment", "in_a_name", "mapped_over", "chooses", "decides", "in_an_argument")
    tasks = (
        *(EcsTaskSpec(task_id=name) for name in (*used, "unused")),
        EcsTaskSpec(
            task_id="user",
            upstream=used,
            command=("{{ ti.xcom_pull(task_ids='in_a_command') }}",),
            environment={"X": "{{ ti.xcom_pull(task_ids='in_the_environment')['x'] }}"},
            expand=ExpandOutput(task_id="mapped_over"),
            map_index_template="{{ ti.xcom_pull('in_a_name') }}",
        ),
        BranchSpec(task_id="branch", upstream=used, output=OutputRef(task_id="chooses")),
        ShortCircuitSpec(task_id="stop", upstream=("branch", *used), output=OutputRef(task_id="decides")),
        OperatorSpec(
            task_id="approve",
            upstream=used,
            operator="approval",
            arguments={"subject": "{{ ti.xcom_pull(task_ids='in_an_argument') }}"},
        ),
    )
    dag = build_dag(spec(tasks=tasks), SOURCE)
    assert {task.task_id for task in dag.tasks if getattr(task, "output_needed", False)} == set(used)


@pytest.mark.parametrize("version", ["v1", "2019"])
def test_airflow_stores_and_reads_back_every_valid_vector(version: str) -> None:
    valid = [vector for _, vector in read_vectors(version) if vector.valid]
    assert valid
    for vector in valid:
        whole = decode(vector.labels)
        operators = {task.operator for task in whole.tasks if isinstance(task, OperatorSpec)}
        if not operators <= BUILT_IN.keys():
            continue  # what its arguments are, only a platform knows
        offered = replace(
            SOURCE,
            operators=dict.fromkeys(operators, OperatorRule()),
            alert_profiles={alert.profile: MAIL for alert in whole.alerts if isinstance(alert, ProfileAlert)},
        )
        dag = build_dag(whole, offered)
        again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
        assert (again.dag_id, sorted(again.task_dict)) == (dag.dag_id, sorted(dag.task_dict))

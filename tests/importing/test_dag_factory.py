"""DAGs of dag-factory's YAML: what the contract has words for is carried over, the rest is named with its place."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_ecs_dag_cli.dag_factory import dag_factory_dags
from airflow_ecs_dag_cli.python_dag import python_file
from airflow_ecs_dag_cli.source_document import read_source
from airflow_ecs_dag_schema.tasks import EcsTaskSpec, TaskSpec
from importing.generated_apps import comparable, complaints, functions_of, read_back

if TYPE_CHECKING:
    from airflow_ecs_dag_cli.import_losses import Imported
    from airflow_ecs_dag_schema import DagSpec

FILES = Path(__file__).parent / "files"
BASH = "airflow.providers.standard.operators.bash.BashOperator"
EMPTY = "airflow.providers.standard.operators.empty.EmptyOperator"


def read(text: str) -> Imported:
    return dag_factory_dags(read_source(text), "dags.yml")


def dag_of(**fields: Any) -> DagSpec:
    """The one DAG of a file with these fields, nothing of which is lost."""
    fields = {"tasks": {"t": {"operator": BASH, "bash_command": "true"}}, "start_date": "2026-01-01"} | fields
    found = read(yaml.safe_dump({"a": fields}))
    assert found.losses == ()
    (dag,) = found.dags
    return dag.spec


def losses(**fields: Any) -> dict[str, str]:
    """What is lost of a file with these fields, by its name; the same must be in the comments of the Python file."""
    fields = {"tasks": {"t": {"operator": BASH, "bash_command": "true"}}, "start_date": "2026-01-01"} | fields
    found = read(yaml.safe_dump({"a": fields}))
    if found.dags:
        source = python_file(found.dags, width=5_000)
        for loss in found.losses:
            assert f"# NOT CARRIED OVER: {' '.join(loss.text.split())}"[:150] in source
    return {loss.part: loss.reason for loss in found.losses}


def task(spec: DagSpec, task_id: str) -> TaskSpec:
    return next(each for each in spec.tasks if each.task_id == task_id)


def ecs_task(spec: DagSpec, task_id: str) -> EcsTaskSpec:
    found = task(spec, task_id)
    assert isinstance(found, EcsTaskSpec)
    return found


@pytest.fixture(scope="module")
def warehouse() -> dict[str, DagSpec]:
    found = dag_factory_dags(read_source((FILES / "warehouse.yml").read_text()), "warehouse.yml")
    assert found.losses == ()
    return {dag.spec.dag_id: dag.spec for dag in found.dags}


def test_a_dag_keeps_what_it_and_the_defaults_say(warehouse: dict[str, DagSpec]) -> None:
    spec = warehouse["warehouse_load"]
    assert (spec.owner, spec.tags, spec.max_active_runs, spec.max_active_tasks) == ("warehouse", ("warehouse",), 1, 4)
    assert spec.start_date == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert spec.dagrun_timeout == timedelta(hours=2)
    assert spec.schedule.model_dump() == {"kind": "cron_trigger", "cron": "30 2 * * *", "timezone": "Europe/Amsterdam"}
    assert (spec.defaults.retries, spec.defaults.retry_delay) == (2, timedelta(minutes=2))
    assert [alert.model_dump() for alert in spec.alerts] == [
        {"kind": "email", "to": ("warehouse@example.com",), "on": ("failure",)}
    ]
    assert {name: param.model_dump()["default"] for name, param in spec.params.items()} == {
        "country": "nl",
        "full": False,
        "limit": 100,
    }


def test_groups_are_joined_at_their_ends(warehouse: dict[str, DagSpec]) -> None:
    spec = warehouse["warehouse_load"]
    assert {each.task_id: each.upstream for each in spec.tasks} == {
        "newest": (),
        "wait": ("newest",),
        "load.each": ("newest",),
        "load.tables.orders": ("newest", "wait"),
        "done": ("load.each", "load.tables.orders"),
    }
    assert {group.group_id: group.tooltip for group in spec.groups} == {
        "load": "into the warehouse",
        "load.tables": "table by table",
    }


def test_commands_become_ecs_tasks(warehouse: dict[str, DagSpec]) -> None:
    load, images, jobs = (warehouse[f"warehouse_{name}"] for name in ("load", "images", "ecs"))
    orders = ecs_task(load, "load.tables.orders")
    assert orders.command == ("bash", "-c", "python -m load orders --day {{ ds }} --limit {{ params.limit }}")
    assert (orders.environment, orders.skip_on_exit_code) == ({"COUNTRY": "{{ params.country }}"}, (99,))
    assert ecs_task(load, "load.each").model_dump()["expand"]["items"] == ("python -m load a", "python -m load b")
    assert ecs_task(images, "clean").command == ("clean", "--all", "two words")
    assert ecs_task(images, "clean").task_definition is None
    assert "train:7" in str(ecs_task(images, "train").task_definition)
    export = ecs_task(jobs, "export")
    assert (export.command, export.cpu, export.container_name) == (("export", "{{ ds }}"), 1024, "main")
    assert (jobs.ecs.cluster, jobs.ecs.subnets, jobs.ecs.assign_public_ip) == (
        "jobs",
        ("subnet-0a", "subnet-0b"),
        False,
    )
    assert ecs_task(jobs, "report").task_definition == "reporter:3"


def test_the_written_file_is_a_cdk_app_with_the_same_dags(warehouse: dict[str, DagSpec], tmp_path: Path) -> None:
    source = python_file(read((FILES / "warehouse.yml").read_text()).dags, width=88)
    assert complaints(tmp_path, source) == ""
    for name, function in functions_of(source).items():
        stack, spec = Stack(), warehouse[name]
        mode = ecs.NetworkMode.AWS_VPC if spec.ecs.subnets else ecs.NetworkMode.BRIDGE
        compatibility = ecs.Compatibility.EC2_AND_FARGATE if spec.ecs.subnets else ecs.Compatibility.EC2
        definition = ecs.TaskDefinition(
            stack, "Task", compatibility=compatibility, network_mode=mode, cpu="256", memory_mib="512"
        )
        image = ecs.ContainerImage.from_registry("jobs")
        definition.add_container("main", image=image, memory_limit_mib=64)
        more = {"image_registry_example_com_train_7": "train"} if name == "warehouse_images" else {}
        want, got = comparable(spec), comparable(read_back(function(stack, task_definition=definition, **more)))
        for each in (task for said in (want, got) for task in said["tasks"] if "train" in str(task)):
            each.pop("task_definition", None)
        assert got == want


@pytest.mark.parametrize(
    ("written", "want"),
    [
        (None, {"kind": "manual"}),
        ("None", {"kind": "manual"}),
        ("@once", {"kind": "once"}),
        ("@continuous", {"kind": "continuous"}),
        ("@daily", {"kind": "cron_trigger", "cron": "0 0 * * *", "timezone": "UTC"}),
        ({"__type__": "datetime.timedelta", "hours": 6}, {"kind": "delta_trigger", "every": timedelta(hours=6)}),
        ({"__type__": "x.CronDataIntervalTimetable", "__args__": ["0 1 * * 3"], "timezone": "Europe/Amsterdam"},
         {"kind": "cron_data_interval", "cron": "0 1 * * 3", "timezone": "Europe/Amsterdam"}),
        ({"__type__": "x.CronTriggerTimetable", "cron": "0 1 * * 3"},
         {"kind": "cron_trigger", "cron": "0 1 * * 3", "timezone": "UTC"}),
    ],
)  # fmt: skip
def test_schedules(written: object, want: dict[str, Any]) -> None:
    assert dag_of(schedule=written).schedule.model_dump() == want


def test_a_schedule_of_assets_keeps_its_condition() -> None:
    either = {"__or__": [{"__and__": ["s3://a/1", "s3://a/2"]}, {"__type__": "airflow.sdk.Asset", "uri": "s3://a/3"}]}
    schedule = dag_of(schedule=either).schedule.model_dump()
    assert [asset["uri"] for asset in schedule["assets"]] == ["s3://a/1", "s3://a/2", "s3://a/3"]
    assert schedule["condition"] == "(0 & 1) | 2"
    timetable = {"__type__": "airflow.timetables.trigger.CronTriggerTimetable", "cron": "0 1 * * 5", "timezone": "UTC"}
    both = dag_of(schedule={"datasets": ["s3://a/1"], "timetable": timetable}).schedule.model_dump()
    assert (both["kind"], both["cron"], both["condition"]) == ("assets_or_time", "0 1 * * 5", None)


def test_a_tag_of_yaml_is_read_as_what_it_joins() -> None:
    text = f"a:\n  schedule: !or [s3://a/1, s3://a/2]\n  tasks:\n    t: {{operator: {EMPTY}}}\n"
    found = read(text)
    assert found.losses == ()
    assert found.dags[0].spec.schedule.model_dump()["condition"] == "0 | 1"


@pytest.mark.parametrize(
    ("fields", "part", "words"),
    [
        ({"on_failure_callback": "a.b"}, "on_failure_callback", "EmailAlert"),
        ({"on_success_callback_name": "f"}, "on_success_callback_name", "EmailAlert"),
        ({"default_args": {"on_retry_callback_name": "f"}}, "default_args on_retry_callback_name", "EmailAlert"),
        ({"nonsense": 1}, "nonsense", "docs/arguments.md"),
        ({"start_date": "2 days", "schedule": None}, "start_date", "write the day"),
        ({"timezone": "Mars/Base"}, "start_date", "no timezone"),
        ({"schedule": {"__type__": "my.Timetable"}}, "schedule", "no asset"),
        ({"schedule": "99 * * * *"}, "schedule", "cron"),
        ({"params": {"x": {"a": 1, "default": {}}}}, "param x", "object"),
        ({"dagrun_timeout": "soon"}, "dagrun_timeout", "no duration"),
        ({"tags": ["x" * 101]}, "tags", "100"),
        ({"default_args": {"sla": 60}}, "default_args sla", "Deadline"),
        ({"default_args": {"nobody_knows": 60}}, "default_args nobody_knows", "no task"),
        ({"task_groups": {"g": {"default_args": {}}}}, "group g: default_args", "tooltip"),
    ],
)  # fmt: skip
def test_what_a_dag_loses(fields: dict[str, Any], part: str, words: str) -> None:
    found = losses(**fields)
    assert part in found
    assert words in found[part]


@pytest.mark.parametrize(
    ("fields", "part", "words"),
    [
        ({"operator": "a.PythonOperator", "python_callable": "a.b"}, "operator", "container"),
        ({"operator": "a.BranchPythonOperator"}, "operator", "Branch("),
        ({"operator": "a.ShortCircuitOperator"}, "operator", "ShortCircuit("),
        ({"operator": "a.HttpOperator"}, "operator", "AirflowOperator"),
        ({"decorator": "airflow.sdk.task", "python_callable": "a.b"}, "operator", "Python function"),
        ({}, "operator", "no operator"),
        ({"operator": BASH}, "operator", "bash_command"),
        ({"operator": BASH, "bash_command": "run.sh"}, "operator", "image"),
        ({"operator": BASH, "bash_command": "x", "cwd": "/x"}, "operator", "cd"),
        ({"operator": BASH, "bash_command": "x", "queue": "q"}, "queue", "platform"),
        ({"operator": BASH, "bash_command": "x", "on_retry_callback": "f"}, "on_retry_callback", "alerts"),
        ({"operator": BASH, "bash_command": "{{ var.value.x }}"}, "command.2", "unknown variable"),
        ({"operator": BASH, "bash_command": "{{ params.x }}"}, "command.2", "no param"),
        ({"operator": BASH, "expand": {"bash_command": ["a"], "env": []}}, "operator", "one list"),
        ({"operator": BASH, "bash_command": "x", "retry_delay": "soon"}, "operator", "no duration"),
        ({"operator": BASH, "bash_command": "x", "trigger_rule": "maybe"}, "trigger_rule", "all_success"),
        ({"operator": "a.DockerOperator", "image": "i", "mounts": [1]}, "mounts", "task definition"),
        ({"operator": "a.DockerOperator", "image": "i", "command": "'"}, "operator", "no command"),
        ({"operator": "a.EcsRunTaskOperator"}, "operator", "task_definition"),
        ({"operator": "a.EcsRunTaskOperator", "task_definition": "x", "overrides": {"taskRoleArn": "r"}},
         "operator", "taskRoleArn"),
        ({"operator": "a.ExternalTaskSensor", "external_dag_id": "b", "execution_date_fn": "a.b"},
         "execution_date_fn", "docs/arguments.md"),
        ({"operator": "a.TimeDeltaSensor"}, "arguments.delta", "missing"),
    ],
)  # fmt: skip
def test_what_a_task_loses(fields: dict[str, Any], part: str, words: str) -> None:
    found = losses(tasks={"t": fields})
    assert f"task t: {part}" in found
    assert words in found[f"task t: {part}"]


def test_a_lost_task_leaves_its_arrows() -> None:
    found = read((FILES / "lossy.yml").read_text())
    reports = found.dags[0].spec
    assert {each.task_id: each.upstream for each in reports.tasks} == {
        "ask": (),
        "fetch": ("ask",),
        "shell": ("fetch",),
        "file": (),
        "good": ("shell",),
    }
    assert [each.task_id for each in reports.tasks if isinstance(each, EcsTaskSpec)] == ["good"]
    places = {loss.part: loss.where for loss in found.losses}
    assert places["task ask: operator"] == "dags.yml:10:7"
    assert places["user_defined_macros"] == "dags.yml:7:3"


def test_what_all_ecs_tasks_say_is_the_dags() -> None:
    ecs_run = {"operator": "a.EcsRunTaskOperator", "task_definition": "x", "launch_type": "FARGATE", "tags": {"a": "b"}}
    spec = dag_of(tasks={"a": ecs_run, "b": ecs_run, "c": {"operator": EMPTY}})
    assert (spec.ecs.launch_type, ecs_task(spec, "a").launch_type) == ("FARGATE", None)
    assert ([tag.key for tag in spec.ecs.tags], ecs_task(spec, "b").tags) == (["a"], ())
    spec = dag_of(tasks={"a": ecs_run, "b": {**ecs_run, "launch_type": "EC2"}})
    assert (spec.ecs.launch_type, ecs_task(spec, "a").launch_type) == (None, "FARGATE")
    found = losses(tasks={"a": {**ecs_run, "cluster": "one"}, "b": {**ecs_run, "cluster": "two"}})
    assert "divide the DAG" in found["task b: cluster"]


def test_a_secret_is_not_repeated() -> None:
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    found = losses(tasks={"t": {"operator": BASH, "bash_command": f"login {secret}"}})
    assert found
    assert secret not in str(found)


_NAMES = st.sampled_from(
    [
        *("tasks", "default_args", "schedule", "params", "task_groups", "operator", "bash_command", "expand", "tags"),
        *("dependencies", "task_group_name", "parent_group_name", "start_date", "timezone", "__type__", "__or__"),
        *("overrides", "containerOverrides", "network_configuration", "image", "command", "retries", "retry_delay"),
        "uri",
        *("outlets", "a", "b", "task_definition", "env", "conf", "default", "type", "email", "task_id", "cron"),
    ]
)  # fmt: skip
_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from([BASH, "a.EcsRunTaskOperator", "a.S3KeySensor", "a.KubernetesPodOperator", "a.DockerOperator"]),
    st.sampled_from(["datetime.timedelta", "x.CronTriggerTimetable", "airflow.sdk.Asset", "2026-01-01", "b.output"]),
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda each: st.one_of(st.lists(each, max_size=3), st.dictionaries(_NAMES, each, max_size=5)),
    max_leaves=25,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(_NAMES, _VALUES, max_size=6), st.dictionaries(_NAMES, st.dictionaries(_NAMES, _VALUES), max_size=3)
)
def test_any_file_is_a_python_file_or_a_list_of_losses(fields: dict[str, Any], tasks: dict[str, Any]) -> None:
    found = read(yaml.safe_dump({"a": fields | {"tasks": tasks}}))
    assert found.dags or found.losses
    if found.dags:
        ast.parse(python_file(found.dags, width=88))

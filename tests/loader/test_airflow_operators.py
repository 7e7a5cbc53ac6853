"""Operators by their registered name: run by Airflow, with templates of ours, and only as the platform allows them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from threading import Timer
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowRescheduleException, TaskDeferred

from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_schema import DagSpec, LabelError, TaskDefaults
from airflow_ecs_dag_schema.operators import Argument
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.tasks import OperatorSpec
from loader.dag_runs import run_dag
from loader.ecs_account import REGION
from loader.sources import SOURCE, found
from loader.task_runs import LOGICAL_DATE, run_task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import DAG

    from loader.ecs_account import EcsAccount

Arguments = dict[str, str | tuple[str, ...]]
BASH = "airflow.providers.standard.operators.bash.BashOperator"


def a_dag(
    operator: str,
    arguments: Arguments,
    rules: Mapping[str, OperatorRule] | None = None,
    **fields: Any,
) -> DAG:
    task = OperatorSpec(task_id="it", operator=operator, arguments=arguments)
    spec = DagSpec(dag_id=f"operator_{operator}", tasks=[task], **fields)
    source = DagSource.of(found(), spec, SOURCE)
    return build_dag(spec, replace(source, operators=rules or {}))


def bash(**more: Any) -> dict[str, OperatorRule]:
    arguments = {"bash_command": Argument(required=True, template=True), "do_xcom_push": Argument(kind="flag")}
    return {"tool": OperatorRule(**{"operator_class": BASH, "arguments": arguments, **more})}


def test_sensors_that_wait_for_time_wait_in_the_triggerer_and_come_back() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    for operator, arguments in (("date_time_sensor", {"target_time": soon}), ("time_delta_sensor", {"delta": "PT1S"})):
        result = run_dag(a_dag(operator, dict(arguments)))
        assert result.states == {"it": "success"}, result.lines


def test_a_sensor_for_a_moment_does_not_wait_for_ever() -> None:
    arguments: Arguments = {"target_time": "{{ macros.ds_add(ds, 73048) }}T23:00:00+00:00", "timeout": "PT1H"}
    with pytest.raises(TaskDeferred) as raised:
        run_task(a_dag("date_time_sensor", arguments).get_task("it"))
    assert raised.value.timeout == timedelta(hours=1)
    assert raised.value.trigger.serialize()[1]["moment"] == LOGICAL_DATE.replace(year=2219, hour=23)


def test_a_sensor_does_not_wait_for_a_moment_that_is_past() -> None:
    assert run_task(a_dag("date_time_sensor", {"target_time": "{{ data_interval_end }}"}).get_task("it")) is None


def test_a_registered_operator_runs_with_our_templates_and_the_platforms_arguments() -> None:
    dag = a_dag("tool", {"bash_command": "echo {{ ds }} in $(pwd)"}, bash(fixed={"cwd": "/usr"}))
    result = run_dag(dag)
    assert result.states == {"it": "success"}, result.lines
    assert str(result.outputs["it"]).endswith(" in /usr")
    assert type(dag.get_task("it")).__name__ == "BashOperator"


def test_a_registered_operator_may_wait_in_the_triggerer() -> None:
    rule = OperatorRule(
        operator_class="airflow.providers.standard.sensors.time_delta.TimeDeltaSensor",
        arguments={"delta": Argument(kind="duration")},
        deferrable=True,
    )
    result = run_dag(a_dag("pause", {"delta": "PT1S"}, {"pause": rule}))
    assert result.states == {"it": "success"}, result.lines


@pytest.mark.emulator
def test_a_sensor_finds_a_key_in_s3(account: EcsAccount) -> None:
    bucket = f"sales-{account.number}"
    s3 = boto3.Session().client("s3", region_name=REGION)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    arguments: Arguments = {"bucket_name": bucket, "bucket_key": ("{{ ds }}/a.csv", "{{ ds_nodash }}.csv")}
    task = a_dag("s3_key_sensor", arguments, {"s3_key_sensor": OperatorRule()}).get_task("it")
    waits = TaskDeferred if find_spec("aiobotocore") else AirflowRescheduleException
    s3.put_object(Bucket=bucket, Key="2019-12-04/a.csv", Body=b"")
    with pytest.raises(waits):
        run_task(task)
    s3.put_object(Bucket=bucket, Key="20191204.csv", Body=b"")
    again = a_dag("s3_key_sensor", arguments, {"s3_key_sensor": OperatorRule()}).get_task("it")
    assert run_task(again) is None


@pytest.mark.emulator
def test_a_sensor_waits_until_there_is_a_message(account: EcsAccount) -> None:
    sqs = boto3.Session().client("sqs", region_name=REGION)
    queue = sqs.create_queue(QueueName=f"news-{account.number}")["QueueUrl"]
    dag = a_dag("sqs_sensor", {"sqs_queue": queue, "poke_interval": "PT1S"}, {"sqs_sensor": OperatorRule()})
    later = Timer(3, lambda: sqs.send_message(QueueUrl=queue, MessageBody="there is news"))
    later.start()
    result = run_dag(dag)
    later.join()
    assert result.states == {"it": "success"}, result.lines


def test_a_person_has_as_long_as_a_try_may_last() -> None:
    defaults = TaskDefaults(execution_timeout=timedelta(hours=3))
    unsaid = a_dag("approval", {"subject": "Go on?"}, defaults=defaults).get_task("it")
    said = a_dag("approval", {"subject": "Go on?", "response_timeout": "PT1H"}, defaults=defaults).get_task("it")
    for task, hours in ((unsaid, 3), (said, 1)):
        assert isinstance(task, ApprovalOperator)
        assert task.response_timeout == timedelta(hours=hours)
        assert task.execution_timeout is None


@pytest.mark.parametrize(
    ("operator", "arguments", "rules", "message"),
    [
        ("s3_key_sensor", {}, {}, r"airflow.tasks.it.operator: .* does not allow this operator here.*'s3_key_sensor'"),
        ("anything", {}, {}, "airflow.tasks.it.operator: .* does not allow this operator"),
        ("tool", {}, bash(), "airflow.tasks.it.arguments.bash_command: this argument is missing"),
        ("tool", {"bash_command": "x", "cwd": "/"}, bash(), "airflow.tasks.it.arguments.cwd: unknown argument"),
        (
            "empty",
            {},
            {"empty": OperatorRule(fixed={"owner_": "x"})},
            r"airflow.tasks.it.arguments: the operator refuses its arguments \(TypeError: ",
        ),
        (
            "sqs_sensor",
            {"sqs_queue": "https://q", "max_messages": "3"},
            {"sqs_sensor": OperatorRule(fixed={"max_messages": "1"})},
            "airflow.tasks.it.arguments.max_messages: this argument is the platform's to give",
        ),
        (
            "tool",
            {"bash_command": "x"},
            bash(operator_class="no.such.Operator"),
            "gives this operator the class no.such.Operator, which can't be imported .*No module named 'no'.*tell the",
        ),
        ("tool", {"bash_command": "x"}, bash(operator_class="os.path.Bash"), "can't be imported.*AttributeError"),
        ("tool", {"bash_command": "x"}, bash(operator_class="os.system"), "os.system, which is no operator"),
        ("tool", {"bash_command": "x"}, bash(operator_class="pathlib.Path"), "pathlib.Path, which is no operator"),
    ],
)
def test_what_can_not_be_had_is_said(
    operator: str, arguments: Arguments, rules: dict[str, OperatorRule], message: str
) -> None:
    if operator == "s3_key_sensor":
        arguments = {"bucket_name": "sales", "bucket_key": ("a",)}
    with pytest.raises(LabelError, match=message):
        a_dag(operator, arguments, rules)


def test_a_dag_imports_only_what_it_uses() -> None:
    program = (
        "import sys\n"
        "from airflow_ecs_dag_loader.dag_file import dag_from_record\n"
        f"dag_from_record({found().to_json()!r}, {{'cluster': 'work'}})\n"
        "print(*sys.modules)\n"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    modules = set(printed.splitlines()[-1].split())
    assert "airflow_ecs_dag_loader.task_builder" in modules
    ours = {"standard_operators", "aws_sensors", "aws_alert_notifiers", "slack_alert_notifier"}
    assert not {f"airflow_ecs_dag_loader.{name}" for name in ours} & modules
    assert not {name for name in modules if name.startswith("airflow.providers") and ".sensors" in name}

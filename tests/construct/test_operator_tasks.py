"""Sensors and other operators: typed classes on one side, names and texts of the contract on the other."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

import airflow_ecs_dag
from airflow_ecs_dag import (
    AirflowOperator,
    Approval,
    DagDefinitionError,
    DateTimeSensor,
    EcsTask,
    Empty,
    ExternalTaskSensor,
    GlueJobSensor,
    S3KeySensor,
    SageMakerTrainingSensor,
    SqsSensor,
    StringParam,
    TimeDeltaSensor,
    TriggerDagRun,
    param,
)
from airflow_ecs_dag.operator_tasks import OperatorTask
from airflow_ecs_dag.tasks import Task
from airflow_ecs_dag_schema.operators import BUILT_IN
from airflow_ecs_dag_schema.tasks import OperatorSpec
from construct.cdk_stacks import dag, labels
from construct.defined import refused, task_of

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = [
    each
    for each in vars(airflow_ecs_dag).values()
    if isinstance(each, type) and issubclass(each, OperatorTask) and each is not AirflowOperator
]
COMMON = {each.name for each in fields(Task)}
HOUR = timedelta(hours=1)


def arguments(tasks: object, task_id: str = "t", **dag_fields: Any) -> tuple[str, dict[str, str | tuple[str, ...]]]:
    spec = task_of(tasks, task_id, **dag_fields)
    assert isinstance(spec, OperatorSpec)
    return spec.operator, dict(spec.arguments)


def test_each_operator_that_is_built_in_has_its_class_with_all_its_arguments() -> None:
    assert {each.operator_name for each in CLASSES} == set(BUILT_IN)
    for each in CLASSES:
        own = {author: name.removeprefix("arguments.") for name, author in each.argument_names.items()}
        names = {own.get(field.name, field.name) for field in fields(each) if field.name not in COMMON}
        assert names == set(BUILT_IN[each.operator_name].arguments), each


def test_what_must_be_given_has_no_default() -> None:
    for each in CLASSES:
        own = {author: name.removeprefix("arguments.") for name, author in each.argument_names.items()}
        required = {own.get(field.name, field.name) for field in fields(each) if field.default is MISSING} - {"task_id"}
        declared = BUILT_IN[each.operator_name].arguments
        assert required == {name for name, argument in declared.items() if argument.required}, each


@pytest.mark.parametrize(
    ("task", "operator", "expected"),
    [
        (
            S3KeySensor("t", bucket="sales", keys=["{{ ds }}.csv", "x"], wildcard_match=True, poke_interval=HOUR),
            "s3_key_sensor",
            {
                "bucket_name": "sales",
                "bucket_key": ("{{ ds }}.csv", "x"),
                "wildcard_match": "true",
                "poke_interval": "PT1H",
            },
        ),
        (
            SqsSensor("t", queue="https://sqs.eu-west-1.amazonaws.com/1/q", max_messages=10, timeout=HOUR),
            "sqs_sensor",
            {"sqs_queue": "https://sqs.eu-west-1.amazonaws.com/1/q", "max_messages": "10", "timeout": "PT1H"},
        ),
        (
            ExternalTaskSensor(
                "t",
                external_dag_id="other",
                external_task_ids=["a", "b.c"],
                execution_delta=HOUR,
                allowed_states=["success", "skipped"],
                failed_states=["failed"],
                soft_fail=False,
            ),
            "external_task_sensor",
            {
                "external_dag_id": "other",
                "external_task_ids": ("a", "b.c"),
                "execution_delta": "PT1H",
                "allowed_states": ("success", "skipped"),
                "failed_states": ("failed",),
                "soft_fail": "false",
            },
        ),
        (
            DateTimeSensor("t", target_time=datetime(2026, 1, 1, 3, tzinfo=UTC)),
            "date_time_sensor",
            {"target_time": "2026-01-01T03:00:00+00:00"},
        ),
        (
            DateTimeSensor("t", target_time="{{ data_interval_end }}", timeout=HOUR),
            "date_time_sensor",
            {"target_time": "{{ data_interval_end }}", "timeout": "PT1H"},
        ),
        (TimeDeltaSensor("t", delta=HOUR, soft_fail=True), "time_delta_sensor", {"delta": "PT1H", "soft_fail": "true"}),
        (GlueJobSensor("t", job_name="j", run_id="r"), "glue_job_sensor", {"job_name": "j", "run_id": "r"}),
        (SageMakerTrainingSensor("t", job_name="j"), "sagemaker_training_sensor", {"job_name": "j"}),
        (
            Approval("t", subject="Publish {{ ds }}?", body="*All* of it", response_timeout=HOUR, fail_on_reject=True),
            "approval",
            {
                "subject": "Publish {{ ds }}?",
                "body": "*All* of it",
                "response_timeout": "PT1H",
                "fail_on_reject": "true",
            },
        ),
        (Empty("t"), "empty", {}),
        (
            TriggerDagRun("t", trigger_dag_id="o", conf='{"a": 1}', wait_for_completion=True, reset_dag_run=False),
            "trigger_dag_run",
            {"trigger_dag_id": "o", "conf": '{"a": 1}', "wait_for_completion": "true", "reset_dag_run": "false"},
        ),
        (
            AirflowOperator(
                "t",
                operator="athena",
                arguments={
                    "query": "select 1",
                    "retries": 3,
                    "wait": True,
                    "after": HOUR,
                    "at": datetime(2026, 1, 1, tzinfo=UTC),
                    "names": ["a", "b"],
                },
            ),
            "athena",
            {
                "query": "select 1",
                "retries": "3",
                "wait": "true",
                "after": "PT1H",
                "at": "2026-01-01T00:00:00+00:00",
                "names": ("a", "b"),
            },
        ),
    ],
)
def test_arguments_are_the_contracts_texts(
    task: OperatorTask, operator: str, expected: dict[str, str | tuple[str, ...]]
) -> None:
    assert arguments(task) == (operator, expected)


def test_outputs_and_params_are_filled_in() -> None:
    start = EcsTask("start")
    run = start.output["run"]
    job = GlueJobSensor("t", job_name=param("job"), run_id=f"{run}-x")
    assert arguments(start >> job, params={"job": StringParam(default="j")})[1] == {
        "job_name": "{{ params.job }}",
        "run_id": "{{ ti.xcom_pull(task_ids='start')['run'] }}-x",
    }
    trigger = TriggerDagRun("t", trigger_dag_id="o", conf={"run": run, "deep": [{"run": run}], "n": 1, "none": None})
    text = arguments(start >> trigger)[1]["conf"]
    assert isinstance(text, str)
    template = "{{ ti.xcom_pull(task_ids='start')['run'] }}"
    assert json.loads(text) == {"run": template, "deep": [{"run": template}], "n": 1, "none": None}
    generic = AirflowOperator("t", operator="athena", arguments={"queries": [run, "x"], "one": run})
    assert arguments(start >> generic)[1] == {"queries": (template, "x"), "one": template}
    after = EcsTask("after", args=[job.output])
    flow = start >> job >> after
    assert task_of(flow, "after", params={"job": StringParam(default="j")}).upstream == ("t",)


@pytest.mark.parametrize(
    ("task", "path", "words"),
    [
        (S3KeySensor("t", bucket="", keys=["x"]), "tasks.t.bucket", "an empty text says nothing"),
        (S3KeySensor("t", bucket="{{ ds }}", keys=["x"]), "tasks.t.bucket", "takes no template"),
        (S3KeySensor("t", bucket="b", keys=[]), "tasks.t.keys", "1 to 200 items"),
        (S3KeySensor("t", bucket="b", keys=["{{ conn.x }}"]), "tasks.t.keys", "unknown variable 'conn' in a template"),
        (
            S3KeySensor("t", bucket="b", keys=["x"], poke_interval=timedelta(milliseconds=1)),
            "tasks.t.poke_interval",
            "duration",
        ),
        (S3KeySensor("t", bucket="b", keys=["x"], timeout="PT5"), "tasks.t.timeout", "ISO 8601 duration"),  # type: ignore[arg-type]
        (SqsSensor("t", queue="q", max_messages=-1), "tasks.t.max_messages", "whole number"),
        (
            ExternalTaskSensor("t", external_dag_id="o", allowed_states=["done"]),  # type: ignore[list-item]
            "tasks.t.allowed_states",
            "choose one of",
        ),
        (AirflowOperator("t", operator="empty", arguments={"x": "y"}), "tasks.t.arguments.x", "unknown argument"),
        (AirflowOperator("t", operator="s3_key_sensor"), "tasks.t.arguments.bucket_key", "this argument is missing"),
        (AirflowOperator("t", operator="airflow.X"), "tasks.t.operator", "a name such as s3_key_sensor"),
    ],
)
def test_wrong_arguments_have_the_authors_names(task: OperatorTask, path: str, words: str) -> None:
    found = refused(task)
    where = next(each for each in found if each == path or each.startswith(f"{path}."))
    assert words in found[where]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: S3KeySensor("t", bucket="b", keys="x"), r"keys: expected a list: write \['x'\]"),  # type: ignore[arg-type]
        (lambda: S3KeySensor("t", bucket=3, keys=["x"], soft_fail=0.5), "soft_fail: expected a text, a whole number"),  # type: ignore[arg-type]
        (lambda: DateTimeSensor("t", target_time=datetime(2026, 1, 1)), "a moment needs its timezone"),  # noqa: DTZ001 - what is refused
        (lambda: TriggerDagRun("t", trigger_dag_id="o", conf={"at": HOUR}), "expected what JSON can hold"),
        (lambda: TriggerDagRun("t", trigger_dag_id="o", conf={"x": float("nan")}), "expected what JSON can hold"),
        (lambda: AirflowOperator("t", operator="x", arguments=["a"]), "expected a mapping"),  # type: ignore[arg-type]
        (lambda: AirflowOperator("t", operator="x", arguments={"a": {"b": 1}}), r"arguments\.a: expected a text"),  # type: ignore[dict-item]
    ],
)
def test_wrong_kinds_at_once(make: Any, words: str) -> None:
    with pytest.raises(DagDefinitionError, match=words):
        make()


def test_buckets_and_queues_of_the_app(tmp_path: Path) -> None:
    stack = Stack(App(outdir=str(tmp_path)), "Main")
    bucket, queue = s3.Bucket(stack, "Bucket"), sqs.Queue(stack, "Queue")
    dag(stack, tasks=[S3KeySensor("file", bucket=bucket, keys=["x"]), SqsSensor("message", queue=queue)])
    written = labels(stack)
    assert written["airflow.tasks.file.arguments.bucket_name"] == stack.resolve(bucket.bucket_name)
    assert written["airflow.tasks.message.arguments.sqs_queue"] == stack.resolve(queue.queue_url)

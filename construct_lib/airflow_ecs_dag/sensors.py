"""The operators that every platform knows, each as a class with its own arguments.

Whether a platform allows one is its policy; ``Approval``, ``DateTimeSensor``, ``TimeDeltaSensor`` and ``Empty`` are
allowed unless it says otherwise. Sensors wait without a worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_ecs_dag.operator_tasks import OperatorTask
from airflow_ecs_dag.template_values import TemplateValue
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sqs as sqs

    from airflow_ecs_dag.frozen_values import Items

State = Literal["success", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Sensor(OperatorTask):
    """What waits for something.

    Attributes:
        timeout: It fails after so long; without it, after 7 days.
        soft_fail: Whether it is skipped instead of failing then; without it, it fails.
    """

    timeout: timedelta | None = None
    soft_fail: bool | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class PollingSensor(Sensor):
    """What looks again and again.

    Attributes:
        poke_interval: Time between two looks; without it, a minute.
    """

    poke_interval: timedelta | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class S3KeySensor(PollingSensor):
    """Waits for objects in S3: ``S3KeySensor("wait", bucket=bucket, keys=["sales/{{ ds }}.csv"])``.

    Attributes:
        bucket: The bucket, or its name.
        keys: Keys that must all be there.
        wildcard_match: Whether ``*`` and ``?`` in the keys stand for any text; without it, they don't.
    """

    operator_name: ClassVar[str] = "s3_key_sensor"
    argument_names: ClassVar[Mapping[str, str]] = {"arguments.bucket_name": "bucket", "arguments.bucket_key": "keys"}

    bucket: s3.IBucket | str = field()
    keys: Items[str | TemplateValue] = field()
    wildcard_match: bool | None = None

    def _freeze(self, path: str) -> list[Problem]:
        self._keep("bucket", getattr(self.bucket, "bucket_name", self.bucket))
        return [*super()._freeze(path), *_not_a_list(f"{path}.keys", self.keys)]


@dataclass(frozen=True, kw_only=True, repr=False)
class SqsSensor(PollingSensor):
    """Waits for a message in a queue, and deletes it there: ``SqsSensor("wait", queue=queue)``.

    Attributes:
        queue: The queue, or its URL.
        max_messages: Messages taken at once, 1 to 10; without it, 5.
    """

    operator_name: ClassVar[str] = "sqs_sensor"
    argument_names: ClassVar[Mapping[str, str]] = {"arguments.sqs_queue": "queue"}

    queue: sqs.IQueue | str = field()
    max_messages: int | None = None

    def _freeze(self, path: str) -> list[Problem]:
        self._keep("queue", getattr(self.queue, "queue_url", self.queue))
        return super()._freeze(path)


@dataclass(frozen=True, kw_only=True, repr=False)
class ExternalTaskSensor(PollingSensor):
    """Waits for the run of another DAG: ``ExternalTaskSensor("wait", external_dag_id="sales")``.

    Attributes:
        external_dag_id: The other DAG.
        external_task_ids: Tasks of it; without any, its whole run.
        execution_delta: How much earlier the other run's logical date is; without it, the same.
        allowed_states: States for which it goes on; without any, ``success``.
        failed_states: States in which it fails at once.
    """

    operator_name: ClassVar[str] = "external_task_sensor"

    external_dag_id: str = field()
    external_task_ids: Items[str] | None = None
    execution_delta: timedelta | None = None
    allowed_states: Items[State] | None = None
    failed_states: Items[State] | None = None

    def _freeze(self, path: str) -> list[Problem]:
        problems = super()._freeze(path)
        for name in ("external_task_ids", "allowed_states", "failed_states"):
            problems.extend(_not_a_list(f"{path}.{name}", getattr(self, name)))
        return problems


@dataclass(frozen=True, kw_only=True, repr=False)
class DateTimeSensor(Sensor):
    """Waits for a moment: ``DateTimeSensor("wait", target_time="{{ data_interval_end }}")``.

    Attributes:
        target_time: The moment, with its timezone; or a template.
    """

    operator_name: ClassVar[str] = "date_time_sensor"

    target_time: datetime | str | TemplateValue = field()


@dataclass(frozen=True, kw_only=True, repr=False)
class TimeDeltaSensor(Sensor):
    """Waits until so long after the end of the data interval: ``TimeDeltaSensor("wait", delta=timedelta(hours=2))``.

    Attributes:
        delta: Whole seconds.
    """

    operator_name: ClassVar[str] = "time_delta_sensor"

    delta: timedelta = field()


@dataclass(frozen=True, kw_only=True, repr=False)
class GlueJobSensor(PollingSensor):
    """Waits for the end of a run of a Glue job.

    Attributes:
        job_name: The job.
        run_id: Its run, such as ``start.output["run_id"]``.
    """

    operator_name: ClassVar[str] = "glue_job_sensor"

    job_name: str | TemplateValue = field()
    run_id: str | TemplateValue = field()


@dataclass(frozen=True, kw_only=True, repr=False)
class SageMakerTrainingSensor(PollingSensor):
    """Waits for the end of a training job.

    Attributes:
        job_name: The job, such as ``train.output["job"]``.
    """

    operator_name: ClassVar[str] = "sagemaker_training_sensor"

    job_name: str | TemplateValue = field()


@dataclass(frozen=True, kw_only=True, repr=False)
class TriggerDagRun(OperatorTask):
    """Starts a run of another DAG: ``TriggerDagRun("start", trigger_dag_id="report", conf={"day": "{{ ds }}"})``.

    Attributes:
        trigger_dag_id: The other DAG.
        conf: The other run's configuration, what JSON can hold; templates and outputs in its texts are filled in.
        wait_for_completion: Whether it waits for the other run to succeed; without it, it doesn't.
        reset_dag_run: Whether a run of the same moment is cleared; without it, that is an error.
    """

    operator_name: ClassVar[str] = "trigger_dag_run"

    trigger_dag_id: str = field()
    conf: Mapping[str, object] | str | None = None
    wait_for_completion: bool | None = None
    reset_dag_run: bool | None = None

    def _freeze(self, path: str) -> list[Problem]:
        if isinstance(self.conf, Mapping):
            try:
                self._keep("conf", json.dumps(dict(self.conf), default=_in_json, allow_nan=False))
            except (TypeError, ValueError) as error:
                return [Problem(f"{path}.conf", f"expected what JSON can hold: {error}", repr(self.conf))]
        return super()._freeze(path)


@dataclass(frozen=True, kw_only=True, repr=False)
class Approval(OperatorTask):
    """Waits for a person to approve in Airflow's page; a rejection skips what follows.

    Attributes:
        subject: What is asked, in one line.
        body: What there is to know, in Markdown.
        response_timeout: It fails if nobody answered for so long; without it, it waits.
        fail_on_reject: Whether a rejection fails instead; without it, it doesn't.
    """

    operator_name: ClassVar[str] = "approval"

    subject: str | TemplateValue = field()
    body: str | TemplateValue | None = None
    response_timeout: timedelta | None = None
    fail_on_reject: bool | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Empty(OperatorTask):
    """Does nothing: a place where arrows meet."""

    operator_name: ClassVar[str] = "empty"


def _not_a_list(path: str, given: object) -> list[Problem]:
    if given is None or isinstance(given, tuple):
        return []
    return [Problem(path, f"expected a list: write [{given!r}]", repr(given))]


def _in_json(value: Any) -> str:  # noqa: ANN401 - whatever JSON doesn't know
    if isinstance(value, TemplateValue):
        return str(value)
    raise TypeError(f"{value!r} is none of it; write a moment as a text")

"""What a platform gives its projects in airflow-blueprint: a container as a step, and the arguments of a DAG."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.providers.amazon.aws.sensors.glue import GlueJobSensor
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.providers.amazon.aws.sensors.sqs import SqsSensor
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import Asset
from blueprint import (  # type: ignore[import-not-found] # the peer is not in this environment
    BaseModel,
    Blueprint,
    BlueprintDagArgs,
    Field,
)

_OF_DAG = (
    "catchup",
    "dag_display_name",
    "description",
    "doc_md",
    "end_date",
    "fail_fast",
    "max_active_runs",
    "max_active_tasks",
    "owner_links",
    "schedule",
    "start_date",
    "tags",
)
_OF_TASKS = ("owner", "retries", "depends_on_past", "email", "email_on_failure")


class EcsContainerConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    command: list[str] | None = None
    args: list[str] = Field(default_factory=list)
    cluster: str = "shared"
    launch_type: str = "FARGATE"
    subnets: list[str] = Field(default_factory=list)
    security_groups: list[str] = Field(default_factory=list)
    retries: int | None = None
    task_definition: str = "work"
    environment: dict[str, str] = Field(default_factory=dict)
    outlets: list[str] = Field(default_factory=list)
    items: list[str] | None = None
    map_index_template: str | None = None
    doc_md: str | None = None
    task_display_name: str | None = None


class EcsContainer(Blueprint[EcsContainerConfig]):  # type: ignore[misc] # the peer is not in this environment
    """A command in a container of the project's."""

    def render(self, config: EcsContainerConfig) -> Any:  # noqa: ANN401 - an operator, or a mapped one
        network = {"subnets": config.subnets, "securityGroups": config.security_groups}
        names = ("retries", "map_index_template", "doc_md", "task_display_name")
        given = {name: getattr(config, name) for name in names if getattr(config, name) is not None}
        given |= {
            "task_id": self.step_id,
            "cluster": config.cluster,
            "task_definition": config.task_definition,
            "container_name": "main",
            "launch_type": config.launch_type,
            "network_configuration": {"awsvpcConfiguration": network},
            "outlets": [Asset(uri) for uri in config.outlets],
        }
        variables = [{"name": name, "value": text} for name, text in config.environment.items()]
        container = {"name": "main", "environment": variables} if variables else {"name": "main"}
        command = [*(config.command or [self.step_id]), *config.args]
        if config.items is None:
            return EcsRunTaskOperator(overrides={"containerOverrides": [{**container, "command": command}]}, **given)
        each = [{"containerOverrides": [{**container, "command": [*command, item]}]} for item in config.items]
        return EcsRunTaskOperator.partial(**given).expand(overrides=each)


class LatestOnlyConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    pass


class LatestOnly(Blueprint[LatestOnlyConfig]):  # type: ignore[misc] # the peer is not in this environment
    """Airflow's own."""

    def render(self, config: LatestOnlyConfig) -> LatestOnlyOperator:  # noqa: ARG002 - it has no fields
        return LatestOnlyOperator(task_id=self.step_id)


class ApprovalConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    subject: str
    body: str | None = None


class Approval(Blueprint[ApprovalConfig]):  # type: ignore[misc] # the peer is not in this environment
    """A person's word before the next step."""

    def render(self, config: ApprovalConfig) -> ApprovalOperator:
        return ApprovalOperator(task_id=self.step_id, subject=config.subject, body=config.body)


class EmptyConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    pass


class Empty(Blueprint[EmptyConfig]):  # type: ignore[misc] # the peer is not in this environment
    """Airflow's own."""

    def render(self, config: EmptyConfig) -> EmptyOperator:  # noqa: ARG002 - it has no fields
        return EmptyOperator(task_id=self.step_id)


class ExternalTaskSensorConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    external_dag_id: str
    external_task_id: str | None = None
    allowed_states: list[str] | None = None


class WaitForDag(Blueprint[ExternalTaskSensorConfig]):  # type: ignore[misc] # the peer is not in this environment
    """Waits for a run of another DAG."""

    name = "external_task_sensor"

    def render(self, config: ExternalTaskSensorConfig) -> ExternalTaskSensor:
        return ExternalTaskSensor(task_id=self.step_id, **config.model_dump())


class GlueJobConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    job_name: str
    run_id: str


class WaitForGlueJob(Blueprint[GlueJobConfig]):  # type: ignore[misc] # the peer is not in this environment
    """Waits for a run of a Glue job."""

    name = "glue_job_sensor"

    def render(self, config: GlueJobConfig) -> GlueJobSensor:
        return GlueJobSensor(task_id=self.step_id, **config.model_dump())


class S3KeyConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    bucket_name: str | None = None
    bucket_key: list[str]
    wildcard_match: bool = False


class WaitForS3Key(Blueprint[S3KeyConfig]):  # type: ignore[misc] # the peer is not in this environment
    """Waits for objects."""

    name = "s3_key_sensor"

    def render(self, config: S3KeyConfig) -> S3KeySensor:
        return S3KeySensor(task_id=self.step_id, **config.model_dump())


class SqsConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    sqs_queue: str
    max_messages: int = 5
    poke_interval: float = 60


class WaitForMessage(Blueprint[SqsConfig]):  # type: ignore[misc] # the peer is not in this environment
    """Waits for a message."""

    name = "sqs_sensor"

    def render(self, config: SqsConfig) -> SqsSensor:
        return SqsSensor(task_id=self.step_id, **config.model_dump())


class TimeDeltaConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    seconds: float


class WaitForTime(Blueprint[TimeDeltaConfig]):  # type: ignore[misc] # the peer is not in this environment
    """Waits for some time to pass."""

    name = "time_delta_sensor"

    def render(self, config: TimeDeltaConfig) -> TimeDeltaSensor:
        return TimeDeltaSensor(task_id=self.step_id, delta=timedelta(seconds=config.seconds))


class ToolConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    bash_command: Literal["date", "true"]
    output_encoding: str = "utf-8"


class Tool(Blueprint[ToolConfig]):  # type: ignore[misc] # the peer is not in this environment
    """One of two commands in Airflow's own shell."""

    def render(self, config: ToolConfig) -> BashOperator:
        return BashOperator(task_id=self.step_id, cwd="/usr", **config.model_dump())


class TriggerDagRunConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    trigger_dag_id: str
    conf: dict[str, str] | None = None


class TriggerDagRun(Blueprint[TriggerDagRunConfig]):  # type: ignore[misc] # the peer is not in this environment
    """Starts a run of another DAG."""

    def render(self, config: TriggerDagRunConfig) -> TriggerDagRunOperator:
        return TriggerDagRunOperator(task_id=self.step_id, **config.model_dump())


class ProjectDagConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    schedule: str | None = None
    assets: list[str] = Field(default_factory=list)
    description: str | None = None
    dag_display_name: str | None = None
    doc_md: str | None = None
    fail_fast: bool | None = None
    owner_link: str | None = None
    tags: list[str] = Field(default_factory=list)
    owner: str = "airflow"
    start_date: str = "2026-01-01T00:00:00+00:00"
    end_date: str | None = None
    catchup: bool = False
    max_active_runs: int = 16
    max_active_tasks: int = 16
    retries: int = 0
    depends_on_past: bool = False
    email: list[str] = Field(default_factory=list)
    email_on_failure: bool = False


class ProjectDagArgs(BlueprintDagArgs[ProjectDagConfig]):  # type: ignore[misc] # the peer is not in this environment
    """The arguments that a project may give its DAG."""

    def render(self, config: ProjectDagConfig) -> dict[str, Any]:
        given = {name: value for name, value in config.model_dump().items() if value not in (None, [])}
        if config.assets:
            given["schedule"] = [Asset(uri) for uri in config.assets]
        if config.owner_link is not None:
            given["owner_links"] = {config.owner: config.owner_link}
        return {
            **{name: given[name] for name in _OF_DAG if name in given},
            "default_args": {name: given[name] for name in _OF_TASKS if name in given},
        }

"""What a platform gives its projects in airflow-blueprint: a container as a step, and the arguments of a DAG."""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from blueprint import (  # type: ignore[import-not-found] # the peer is not in this environment
    BaseModel,
    Blueprint,
    BlueprintDagArgs,
    Field,
)

_OF_DAG = (
    "catchup",
    "description",
    "end_date",
    "max_active_runs",
    "max_active_tasks",
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


class EcsContainer(Blueprint[EcsContainerConfig]):  # type: ignore[misc] # the peer is not in this environment
    """A command in a container of the project's."""

    def render(self, config: EcsContainerConfig) -> EcsRunTaskOperator:
        network = {"subnets": config.subnets, "securityGroups": config.security_groups}
        more: dict[str, Any] = {} if config.retries is None else {"retries": config.retries}
        return EcsRunTaskOperator(
            task_id=self.step_id,
            cluster=config.cluster,
            task_definition="work",
            container_name="main",
            launch_type=config.launch_type,
            network_configuration={"awsvpcConfiguration": network},
            overrides={
                "containerOverrides": [{"name": "main", "command": [*(config.command or [self.step_id]), *config.args]}]
            },
            **more,
        )


class LatestOnlyConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    pass


class LatestOnly(Blueprint[LatestOnlyConfig]):  # type: ignore[misc] # the peer is not in this environment
    """Airflow's own."""

    def render(self, config: LatestOnlyConfig) -> LatestOnlyOperator:  # noqa: ARG002 - it has no fields
        return LatestOnlyOperator(task_id=self.step_id)


class ProjectDagConfig(BaseModel):  # type: ignore[misc] # the peer is not in this environment
    schedule: str | None = None
    description: str | None = None
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
        return {
            **{name: given[name] for name in _OF_DAG if name in given},
            "default_args": {name: given[name] for name in _OF_TASKS if name in given},
        }

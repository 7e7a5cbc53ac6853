"""The tasks of a DAG, as the contract holds them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from airflow_ecs_dag_schema.values import (
    AuthorValue,
    CountOrZero,
    Duration,
    Flag,
    FrozenModel,
    Many,
    TaskId,
    Template,
    sorted_unique,
)

TriggerRule = Literal[
    "all_success",
    "all_failed",
    "all_done",
    "all_done_min_one_success",
    "all_done_setup_success",
    "one_success",
    "one_failed",
    "one_done",
    "none_failed",
    "none_skipped",
    "always",
    "none_failed_min_one_success",
    "all_skipped",
]
"""When a task runs, by the states of the tasks before it; Airflow's own names."""

Retries = Annotated[CountOrZero, Field(le=100)]


class TaskDefaults(AuthorValue):
    """What holds for each task that says nothing else.

    Attributes:
        retries: Tries after the first one.
        retry_delay: Wait before the next try; without it, Airflow's (5 minutes).
        execution_timeout: A try that lasts longer fails, and its ECS task is stopped.
        depends_on_past: Run only if the same task of the run before succeeded or was skipped.
    """

    retries: Retries = 0
    retry_delay: Duration | None = None
    execution_timeout: Duration | None = None
    depends_on_past: Flag = False


class _TaskSpec(FrozenModel):
    task_id: TaskId
    upstream: Annotated[Many[TaskId], AfterValidator(sorted_unique)] = ()
    """Ids of the tasks directly before this one."""
    trigger_rule: TriggerRule = "all_success"
    retries: Retries | None = None
    retry_delay: Duration | None = None
    execution_timeout: Duration | None = None
    depends_on_past: Flag | None = None


class EcsTaskSpec(_TaskSpec):
    """A task that runs a container of the task definition.

    Attributes:
        command: What the container is given instead of its CMD; without it, the task's id, as in 2019.
        args: Appended to the command.
    """

    kind: Literal["ecs"] = "ecs"
    command: Annotated[Many[Template], Field(max_length=1000)] | None = None
    args: Annotated[Many[Template], Field(max_length=1000)] = ()

    @property
    def container_command(self) -> tuple[str, ...]:
        """The whole command of the container, templates unfilled: ``command`` or the task's id, then ``args``."""
        return (*((self.task_id,) if self.command is None else self.command), *self.args)


class LatestOnlySpec(_TaskSpec):
    """Skips the tasks after it when the run is not the newest one (Airflow's ``LatestOnlyOperator``)."""

    kind: Literal["latest_only"] = "latest_only"


AnyTaskSpec = Annotated[EcsTaskSpec | LatestOnlySpec, Field(discriminator="kind")]
TASK_KINDS: dict[str, type[EcsTaskSpec | LatestOnlySpec]] = {
    "ecs": EcsTaskSpec,
    "latest_only": LatestOnlySpec,
}

"""The tasks of a DAG, as the contract holds them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.ecs_settings import (
    CapacityProvider,
    ContainerName,
    EcsTag,
    LaunchType,
    PlatformVersion,
    TaskDefinitionName,
)
from airflow_ecs_dag_schema.frozen_map import FrozenMap
from airflow_ecs_dag_schema.operators import OperatorName
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.secret_texts import refuse_secret_words, secret_problem
from airflow_ecs_dag_schema.values import (
    ArgumentValue,
    AuthorValue,
    Count,
    CountOrZero,
    Duration,
    Flag,
    FrozenModel,
    Integer,
    Line,
    Many,
    Map,
    Name,
    Number,
    TaskId,
    Template,
    Text,
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

WeightRule = Literal["absolute", "downstream", "upstream"]
"""How the weights of other tasks count into a task's own; Airflow's own names."""

Retries = Annotated[CountOrZero, Field(le=100)]
Backoff = Annotated[Number, Field(ge=1, le=10)]
ExitCode = Annotated[CountOrZero, Field(le=255)]
Weight = Annotated[Integer, Field(ge=-1_000_000, le=1_000_000)]
LARGEST_OVERRIDES = 8_000
"""Characters of JSON for what a task gives to its container; RunTask takes 8,192 with the names around it."""
MOST_ITEMS = 1_000
"""Items of a list that a task is mapped over; Airflow's own limit for any list is 1,024 by default."""


class TaskDefaults(AuthorValue):
    """What holds for each task that says nothing else.

    Attributes:
        retries: Tries after the first one.
        retry_delay: Wait before the next try; without it, Airflow's (5 minutes).
        retry_exponential_backoff: Each wait is so many times as long as the one before.
        max_retry_delay: No wait is longer.
        execution_timeout: A try that lasts longer fails, and its ECS task is stopped.
        depends_on_past: Run only if the same task of the run before succeeded or was skipped.
        wait_for_downstream: Run only if the tasks right after the same task of the run before are through, too.
        pool: Airflow pool; without it, ``default_pool``.
        priority_weight: Higher ones run first where places are short.
        weight_rule: How the weights of other tasks count in; without it, ``downstream``.
    """

    retries: Retries = 0
    retry_delay: Duration | None = None
    retry_exponential_backoff: Backoff | None = None
    max_retry_delay: Duration | None = None
    execution_timeout: Duration | None = None
    depends_on_past: Flag = False
    wait_for_downstream: Flag = False
    pool: Line | None = None
    priority_weight: Weight | None = None
    weight_rule: WeightRule | None = None


class EdgeLabel(FrozenModel):
    """What Airflow's graph writes on the arrow from the task ``upstream``."""

    upstream: TaskId
    label: Annotated[Line, Field(max_length=100)]


class _TaskSpec(FrozenModel):
    task_id: TaskId
    upstream: Annotated[Many[TaskId], AfterValidator(sorted_unique)] = ()
    """Ids of the tasks directly before this one."""
    edge_labels: Annotated[Many[EdgeLabel], Field(max_length=100)] = ()
    """Words on the arrows to this task."""
    trigger_rule: TriggerRule = "all_success"
    retries: Retries | None = None
    retry_delay: Duration | None = None
    retry_exponential_backoff: Backoff | None = None
    max_retry_delay: Duration | None = None
    execution_timeout: Duration | None = None
    depends_on_past: Flag | None = None
    wait_for_downstream: Flag | None = None
    pool: Line | None = None
    pool_slots: Annotated[Count, Field(le=1_000)] | None = None
    priority_weight: Weight | None = None
    weight_rule: WeightRule | None = None
    max_active_tis_per_dag: Count | None = None
    max_active_tis_per_dagrun: Count | None = None
    task_display_name: Line | None = None
    doc_md: Annotated[Text, Field(max_length=3_000)] | None = None
    outlets: Annotated[Many[Asset], Field(max_length=50)] = ()
    is_setup: Flag = False
    is_teardown: Flag = False
    on_failure_fail_dagrun: Flag = False

    @model_validator(mode="after")
    def _check_setup(self) -> Self:
        if self.is_setup and self.is_teardown:
            raise ValueError("a task is a setup or a teardown, not both: keep one of is_setup and is_teardown")
        if self.is_teardown and self.trigger_rule not in {"all_success", "all_done_setup_success"}:
            raise ValueError("a teardown runs once its setups and the work are done: leave its trigger_rule out")
        if self.on_failure_fail_dagrun and not self.is_teardown:
            raise ValueError("on_failure_fail_dagrun is for teardowns; every other task's failure fails the run anyway")
        return self


class ExpandItems(FrozenModel):
    """One task instance for each text; ``{{ item }}`` is it."""

    kind: Literal["items"] = "items"
    items: Annotated[Many[Annotated[Text, Field(max_length=2_000)]], Field(min_length=1, max_length=MOST_ITEMS)]


class ExpandOutput(FrozenModel):
    """One task instance for each entry of the list that the task ``task_id`` puts out; ``{{ item }}`` is it."""

    kind: Literal["output"] = "output"
    task_id: TaskId


def _refuse_named_secrets(entries: FrozenMap[str, Any]) -> FrozenMap[str, Any]:
    for name, given in entries.items():
        for text in (given,) if isinstance(given, str) else given:
            if problem := secret_problem(text, name=name):
                raise ValueError(f"{name}: {problem}")
    return entries


class EcsTaskSpec(_TaskSpec):
    """A task that runs a container of the task definition.

    Attributes:
        command: What the container is given instead of its CMD; without it, the task's id without its groups.
        args: Appended to the command.
        environment: Environment variables of the container, beside those of the task definition.
        inputs: Texts for the container, by name, of any size: it reads them from the DAG's exchange.
        cpu: CPU units of the ECS task (1,024 are one vCPU); without it, the task definition's.
        memory_limit_mib: Memory of the ECS task; without it, the task definition's.
        ephemeral_storage_gib: Disk of the ECS task on Fargate, 21 to 200.
        task_definition: Another one, by family or ARN, that names this DAG in its label ``airflow.run_by``; without
            it, the one that carries the DAG.
        container_name: A container of that task definition; without it, the one whose label names the DAG.
        launch_type: Without it, the DAG's.
        capacity_provider_strategy: Without it, the DAG's.
        platform_version: Of Fargate; without it, the DAG's.
        tags: Of the ECS task, beside the DAG's.
        skip_on_exit_code: With one of these the task is skipped, and so are the tasks after it.
        expand: Makes one task instance for each item.
        map_index_template: The name of each instance on Airflow's page, such as ``{{ item }}``.
    """

    kind: Literal["ecs"] = "ecs"
    command: Annotated[Many[Template], Field(max_length=1000), AfterValidator(refuse_secret_words)] | None = None
    args: Annotated[Many[Template], Field(max_length=1000), AfterValidator(refuse_secret_words)] = ()
    environment: Annotated[Map[Name, Template], AfterValidator(_refuse_named_secrets)] = FrozenMap()
    inputs: Annotated[Map[Name, Template], AfterValidator(_refuse_named_secrets)] = FrozenMap()
    cpu: Annotated[Count, Field(ge=128, le=196_608)] | None = None
    memory_limit_mib: Annotated[Count, Field(ge=6, le=1_000_000)] | None = None
    ephemeral_storage_gib: Annotated[Count, Field(ge=21, le=200)] | None = None
    task_definition: TaskDefinitionName | None = None
    container_name: ContainerName | None = None
    launch_type: LaunchType | None = None
    capacity_provider_strategy: Annotated[Many[CapacityProvider], Field(max_length=20)] = ()
    platform_version: PlatformVersion | None = None
    tags: Annotated[Many[EcsTag], Field(max_length=30)] = ()
    skip_on_exit_code: Annotated[Many[ExitCode], Field(max_length=20), AfterValidator(sorted_unique)] = ()
    expand: Annotated[ExpandItems | ExpandOutput, Field(discriminator="kind")] | None = None
    map_index_template: Template | None = None

    @property
    def container_command(self) -> tuple[str, ...]:
        """The whole command of the container, templates unfilled: ``command`` or the task's id, then ``args``."""
        own = (self.task_id.rpartition(".")[2],) if self.command is None else self.command
        return (*own, *self.args)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        refuse_secret_words(self.container_command)
        if self.launch_type and self.capacity_provider_strategy:
            raise ValueError("launch_type and capacity_provider_strategy exclude each other: keep one")
        overrides = {"command": self.container_command, "environment": dict(self.environment)}
        if (size := len(json.dumps(overrides))) > LARGEST_OVERRIDES:
            raise ValueError(
                f"command, args and environment are {size} characters as JSON, RunTask takes {LARGEST_OVERRIDES}: put "
                "what they say into inputs, into the container's image, or into S3 and its address here"
            )
        if self.map_index_template is not None and self.expand is None:
            raise ValueError("map_index_template names the instances of a mapped task: give expand, too")
        return self


class LatestOnlySpec(_TaskSpec):
    """Skips the tasks after it when the run is not the newest one (Airflow's ``LatestOnlyOperator``)."""

    kind: Literal["latest_only"] = "latest_only"


class ShortCircuitSpec(_TaskSpec):
    """Skips the tasks after it unless an output is true: not ``false``, ``0``, empty or ``null``.

    Attributes:
        output: What decides; a task before this one puts it out.
        ignore_downstream_trigger_rules: Whether all tasks after it are skipped, or only those right after it, and the
            others by their trigger rule.
    """

    kind: Literal["short_circuit"] = "short_circuit"
    output: OutputRef
    ignore_downstream_trigger_rules: Flag = True


class BranchSpec(_TaskSpec):
    """Goes on with the tasks right after it that an output names, one id or a list of ids, and skips the others.

    Attributes:
        output: What decides; a task before this one puts it out.
    """

    kind: Literal["branch"] = "branch"
    output: OutputRef


class ParamItemsSpec(_TaskSpec):
    """Puts out the texts of a param, for a task that is mapped over them.

    Attributes:
        param: A param of the DAG of kind ``string_list``.
    """

    kind: Literal["param_items"] = "param_items"
    param: Name


class OperatorSpec(_TaskSpec):
    """A sensor or another operator of Airflow's, by the name under which the platform knows it.

    Attributes:
        operator: Such as ``s3_key_sensor``.
        arguments: The texts of its arguments; a list has an entry for each item.
    """

    kind: Literal["operator"] = "operator"
    operator: OperatorName
    arguments: Annotated[Map[Name, ArgumentValue], AfterValidator(_refuse_named_secrets)] = FrozenMap()


TASK_SPECS = (
    EcsTaskSpec,
    LatestOnlySpec,
    ShortCircuitSpec,
    BranchSpec,
    ParamItemsSpec,
    OperatorSpec,
)
"""The kinds of task, as classes."""
TaskSpec = EcsTaskSpec | LatestOnlySpec | ShortCircuitSpec | BranchSpec | ParamItemsSpec | OperatorSpec
AnyTaskSpec = Annotated[TaskSpec, Field(discriminator="kind")]
TASK_KINDS: dict[str, type[Any]] = {spec.model_fields["kind"].default: spec for spec in TASK_SPECS}

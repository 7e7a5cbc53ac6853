"""Where ECS runs the tasks of a DAG: the arguments of RunTask that a project may choose."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from airflow_ecs_dag_schema.values import (
    AuthorValue,
    CountOrZero,
    Flag,
    FrozenModel,
    Many,
    Word,
    pattern,
    sorted_unique,
)

LaunchType = Literal["EC2", "EXTERNAL", "FARGATE"]

CLUSTER_EXPRESSION = r"(?:arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster/)?[A-Za-z0-9_-]{1,255}"
Cluster = Annotated[Word, pattern(CLUSTER_EXPRESSION, "the name or the ARN of an ECS cluster")]
Subnet = Annotated[Word, pattern(r"subnet-[a-z0-9]{1,40}", "a subnet id such as subnet-0ab1")]
SecurityGroup = Annotated[Word, pattern(r"sg-[a-z0-9]{1,40}", "a security group id such as sg-0ab1")]
ContainerName = Annotated[Word, pattern(r"[A-Za-z0-9_-]{1,255}", "the name of a container of the task definition")]
CapacityProviderName = Annotated[Word, pattern(r"[A-Za-z0-9_-]{1,255}", "FARGATE, FARGATE_SPOT or a capacity provider")]
PlatformVersion = Annotated[Word, pattern(r"LATEST|\d{1,2}\.\d{1,2}\.\d{1,2}", "LATEST or a version such as 1.4.0")]
TaskDefinitionName = Annotated[
    Word,
    pattern(
        r"(?:arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:task-definition/)?[A-Za-z0-9_-]{1,255}(?::[1-9]\d{0,8})?",
        "the family of a task definition, with or without :revision, or its ARN",
    ),
]
TagText = Annotated[
    Word, Field(max_length=256), pattern(r"[A-Za-z0-9 _.:/=+@-]*", "A-Z a-z 0-9, spaces and _ . : / = + - @")
]


class EcsTag(AuthorValue):
    """A tag of the ECS tasks, for example for the bill; ``aws:`` is AWS's own prefix."""

    key: Annotated[
        Word,
        Field(min_length=1, max_length=128),
        pattern(
            r"(?![Aa][Ww][Ss]:)[A-Za-z0-9 _.:/=+@-]+",
            "A-Z a-z 0-9, spaces and _ . : / = + - @, not beginning with aws:",
        ),
    ]
    value: TagText = ""


class CapacityProvider(AuthorValue):
    """One entry of a capacity provider strategy, with ECS's own meaning of ``weight`` and ``base``."""

    name: CapacityProviderName
    weight: Annotated[CountOrZero, Field(le=1000)] = 1
    base: Annotated[CountOrZero, Field(le=100_000)] = 0


class EcsSettings(FrozenModel):
    """Where the ECS tasks run.

    Attributes:
        cluster: Name or ARN; without it, the cluster that the platform configured for the source.
        launch_type: Without it and without a strategy, the cluster's default strategy decides.
        capacity_provider_strategy: Excludes ``launch_type``, as in RunTask.
        subnets: Needed by task definitions with network mode ``awsvpc``, so by Fargate.
        security_groups: Without any, the VPC's default group.
        assign_public_ip: Whether the network interface gets a public address.
        platform_version: Of Fargate; without it, LATEST.
        tags: Of the ECS tasks, at most 30.
        container_name: The container that runs the command; without it, the one that carries the labels.
    """

    cluster: Cluster | None = None
    launch_type: LaunchType | None = None
    capacity_provider_strategy: Annotated[Many[CapacityProvider], Field(max_length=20)] = ()
    subnets: Annotated[Many[Subnet], Field(max_length=16), AfterValidator(sorted_unique)] = ()
    security_groups: Annotated[Many[SecurityGroup], Field(max_length=5), AfterValidator(sorted_unique)] = ()
    assign_public_ip: Flag | None = None
    platform_version: PlatformVersion | None = None
    tags: Annotated[Many[EcsTag], Field(max_length=30)] = ()
    container_name: ContainerName | None = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.launch_type and self.capacity_provider_strategy:
            raise ValueError("launch_type and capacity_provider_strategy exclude each other: keep one")
        if not self.subnets and (self.security_groups or self.assign_public_ip is not None):
            raise ValueError("security_groups and assign_public_ip need subnets: name at least one subnet")
        return self

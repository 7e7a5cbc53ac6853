"""Where ECS runs the tasks: from constructs, names and defaults to the plain values of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from airflow_ecs_dag.ecs_task import platform_version_text, tag_fields
from airflow_ecs_dag.frozen_values import frozen_map
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ecs_dag_schema import CapacityProvider
    from airflow_ecs_dag_schema.ecs_settings import LaunchType

ONLY_LAUNCH_TYPE = {ecs.Compatibility.FARGATE: "FARGATE", ecs.Compatibility.EXTERNAL: "EXTERNAL"}
"""Task definitions that run in one way only. The others leave it to the cluster's default strategy."""
_FARGATE_PROVIDERS = frozenset({"FARGATE", "FARGATE_SPOT"})


@dataclass(frozen=True, kw_only=True)
class Placement:
    """An author's arguments about the place, as given; the construct documents each."""

    task_definition: ecs.TaskDefinition
    cluster: ecs.ICluster | str | None
    launch_type: LaunchType | None
    capacity_provider_strategies: Sequence[CapacityProvider]
    vpc_subnets: ec2.SubnetSelection | list[str] | tuple[str, ...] | None
    security_groups: Sequence[ec2.ISecurityGroup] | list[str] | tuple[str, ...]
    assign_public_ip: bool | None
    platform_version: ecs.FargatePlatformVersion | str | None
    ecs_tags: Mapping[str, str]

    def fields(self) -> dict[str, Any]:
        """Return the fields of ``EcsSettings``.

        Raises:
            DagDefinitionError: An argument is of the wrong kind, or subnets are needed and unknown.
        """
        problems = list(self._wrong_kinds())
        if problems:
            raise DagDefinitionError(problems)
        fields: dict[str, Any] = {
            "cluster": self.cluster if isinstance(self.cluster, str | None) else self.cluster.cluster_name,
            "launch_type": self.launch_type_of_dag(),
            "capacity_provider_strategy": tuple(self.capacity_provider_strategies),
            "platform_version": platform_version_text(self.platform_version),
            "tags": tag_fields(self.ecs_tags),
            **self._network(),
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _wrong_kinds(self) -> list[Problem]:
        problems: list[Problem] = []
        for name in ("capacity_provider_strategies", "security_groups"):
            value = getattr(self, name)
            if not isinstance(value, list | tuple):
                problems.append(Problem(name, "expected a list", repr(value)))
        frozen_map("ecs_tags", self.ecs_tags, (str,), "{'team': 'data'}", problems)
        if self.launch_type and self.capacity_provider_strategies:
            problems.append(
                Problem(
                    "launch_type",
                    "launch_type and capacity_provider_strategies exclude each other: keep one",
                    repr(self.launch_type),
                )
            )
        if self.vpc_subnets in ([], ()):
            problems.append(Problem("vpc_subnets", "needs at least one subnet: name one, or leave this out"))
        if not isinstance(self.cluster, str | None) and not hasattr(self.cluster, "cluster_name"):
            problems.append(Problem("cluster", "expected a cluster, its name or its ARN, or None", repr(self.cluster)))
        if not isinstance(self.vpc_subnets, ec2.SubnetSelection | list | tuple | None):
            problems.append(
                Problem(
                    "vpc_subnets", "expected a list of subnet ids or ec2.SubnetSelection(...)", repr(self.vpc_subnets)
                )
            )
        return problems

    def launch_type_of_dag(self) -> str | None:
        """Return the launch type of the DAG's tasks; ``None`` if a strategy decides."""
        if self.launch_type or self.capacity_provider_strategies:
            return self.launch_type
        return ONLY_LAUNCH_TYPE.get(self.task_definition.compatibility)

    def _network(self) -> dict[str, Any]:
        if self.task_definition.network_mode != ecs.NetworkMode.AWS_VPC:
            return self._no_network()
        subnets, are_public = self._subnets()
        is_public = self.assign_public_ip
        if is_public is None and are_public and self._is_on_fargate():
            is_public = True  # without it a task in a public subnet reaches nothing, its own image included
        groups = tuple(
            group if isinstance(group, str) else _known(group.security_group_id, "sg-")
            for group in self.security_groups
        )
        return {"subnets": subnets, "security_groups": groups, "assign_public_ip": is_public}

    def _no_network(self) -> dict[str, Any]:
        mode = self.task_definition.network_mode.value.lower()
        given = {
            "vpc_subnets": self.vpc_subnets,
            "security_groups": self.security_groups or None,
            "assign_public_ip": self.assign_public_ip,
        }
        problems = [
            Problem(
                name,
                f"the task definition's network mode is {mode}, which takes no network settings: leave this out, or "
                "make the network mode awsvpc",
                repr(value),
            )
            for name, value in given.items()
            if value is not None
        ]
        if problems:
            raise DagDefinitionError(problems)
        return {}

    def _is_on_fargate(self) -> bool:
        if self.capacity_provider_strategies:
            return all(provider.name in _FARGATE_PROVIDERS for provider in self.capacity_provider_strategies)
        return self.launch_type_of_dag() == "FARGATE"

    def _subnets(self) -> tuple[tuple[str, ...], bool]:
        """Return the ids of the subnets, and whether one of them is known to be public."""
        if isinstance(self.vpc_subnets, list | tuple):
            return tuple(self.vpc_subnets), False
        vpc = self._vpc()
        if vpc is None:
            raise DagDefinitionError(
                [
                    Problem(
                        "vpc_subnets",
                        "the task definition's network mode is awsvpc, and the cluster doesn't tell its VPC: name the "
                        "subnets, as in vpc_subnets=['subnet-0ab1', ...] or vpc.select_subnets().subnet_ids",
                    )
                ]
            )
        try:
            chosen = vpc.select_subnets() if self.vpc_subnets is None else _select(vpc, self.vpc_subnets)
        except RuntimeError as error:  # how jsii raises the CDK's own errors
            raise DagDefinitionError([Problem("vpc_subnets", _first_line(error))]) from None
        return tuple(_known(subnet, "subnet-") for subnet in chosen.subnet_ids), bool(chosen.has_public)

    def _vpc(self) -> ec2.IVpc | None:
        if isinstance(self.cluster, str | None):
            return None
        try:
            return self.cluster.vpc
        except RuntimeError:  # a cluster imported by its ARN has none, and says so by raising
            return None


def _select(vpc: ec2.IVpc, selection: ec2.SubnetSelection) -> ec2.SelectedSubnets:
    return vpc.select_subnets(
        availability_zones=selection.availability_zones,
        one_per_az=selection.one_per_az,
        subnet_filters=selection.subnet_filters,
        subnet_group_name=selection.subnet_group_name,
        subnets=selection.subnets,
        subnet_type=selection.subnet_type,
    )


def _known(identifier: str, prefix: str) -> str:
    """Return the id, or a token for one that is only a stand-in.

    Before it has looked up a VPC in AWS, the CDK runs the app with ids such as ``p-12345``; that run has to end well.
    """
    is_real = identifier.startswith(prefix) or cdk.Token.is_unresolved(identifier)
    return identifier if is_real else cdk.Fn.join("", [identifier])


def _first_line(error: RuntimeError) -> str:
    return str(error).partition("\n")[0].partition(": ")[2] or str(error)

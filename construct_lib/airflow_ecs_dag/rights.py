"""What a role is allowed around DAGs, as data: run their tasks, read the registry, take on a role. No more.

IAM's names are matched to what each action really knows. A condition on a key that an action doesn't have denies the
action: ``ecs:TagResource`` has no ``ecs:cluster``, so the ARN of the task says which cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_REVISIONS = "each deploy registers a new revision of the family"
_FAMILIES = "the families that the platform named, by their names' beginning"
_TASKS = "ECS makes up a task's id when it starts the task"
_LISTS = "IAM has no narrower resource for listing a cluster's tasks; the condition names the cluster"
_STREAMS = "a log stream's name ends in the ECS task's id; the ARN names the log group"
_OBJECTS = "each run of a DAG has objects of its own; the ARN names the DAG, or the bucket"
_REGISTRY = "ECS has no narrower resource for listing and describing task definitions"


@dataclass(frozen=True, kw_only=True)
class Right:
    """One statement of a policy.

    Attributes:
        actions: IAM actions.
        resources: ARNs; CDK tokens are fine.
        conditions: As in a policy; empty for none.
        wildcard: Why there is a ``*`` in a resource; ``None`` where there is none.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    wildcard: str | None = None

    def statement(self) -> iam.PolicyStatement:
        """Return it as the CDK's statement."""
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources), conditions=self.conditions or None
        )

    def grant(self, grantee: iam.IGrantable) -> iam.Grant:
        """Add it to the policy of ``grantee``."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=list(self.actions),
            resource_arns=list(self.resources),
            conditions=self.conditions or None,
        )


def run_rights(
    *,
    task_definitions: Sequence[str],
    clusters: Sequence[str],
    tasks: Sequence[str],
    roles: Sequence[str],
    log_streams: Sequence[str],
    are_families_exact: bool = True,
) -> list[Right]:
    """Return what it takes to run ECS tasks, find them again, wait for them, stop them and read their lines.

    Args:
        task_definitions: ARNs of families, each with ``:*`` for its revisions.
        clusters: ARNs; empty for each cluster of the account.
        tasks: ARNs of the tasks of those clusters.
        roles: ARNs of the task and execution roles; empty if the task definitions have none.
        log_streams: ARNs of the containers' log streams; empty if their lines are elsewhere.
        are_families_exact: Whether ``task_definitions`` are single families, and not beginnings of their names.
    """
    on_cluster: dict[str, dict[str, object]] = {"ArnEquals": {"ecs:cluster": _one_or_all(clusters)}} if clusters else {}
    rights = [
        Right(
            actions=("ecs:RunTask",),
            resources=tuple(task_definitions),
            conditions=on_cluster,
            wildcard=_REVISIONS if are_families_exact else _FAMILIES,
        ),
        Right(
            actions=("ecs:DescribeTasks", "ecs:StopTask"),
            resources=tuple(tasks),
            conditions=on_cluster,
            wildcard=_TASKS,
        ),
        Right(actions=("ecs:ListTasks",), resources=("*",), conditions=on_cluster, wildcard=_LISTS),
        Right(
            actions=("ecs:TagResource",),
            resources=tuple(tasks),
            conditions={"StringEquals": {"ecs:CreateAction": "RunTask"}},
            wildcard=_TASKS,
        ),
    ]
    if roles:
        passed = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
        rights.append(Right(actions=("iam:PassRole",), resources=tuple(roles), conditions=passed))
    if log_streams:
        rights.append(Right(actions=("logs:GetLogEvents",), resources=tuple(log_streams), wildcard=_STREAMS))
    return rights


def registry_right() -> Right:
    """Return what it takes to find DAGs: every task definition of the account, for that is what IAM offers."""
    return Right(
        actions=("ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"), resources=("*",), wildcard=_REGISTRY
    )


def describe_right() -> Right:
    """Return what it takes to look at a task definition that a task names beside the DAG's own."""
    return Right(actions=("ecs:DescribeTaskDefinition",), resources=("*",), wildcard=_REGISTRY)


def exchange_right(objects: Sequence[str], actions: Sequence[str]) -> Right:
    """Return the right to read or write the objects of a DAG's exchange."""
    return Right(actions=tuple(actions), resources=tuple(objects), wildcard=_OBJECTS)


def assume_right(roles: Sequence[str]) -> Right:
    """Return the right to take on exactly the roles with these ARNs."""
    return Right(actions=("sts:AssumeRole",), resources=tuple(roles))


def _one_or_all(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)

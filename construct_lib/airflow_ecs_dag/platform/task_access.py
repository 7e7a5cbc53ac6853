"""Which ECS tasks a role may run, as the platform says it: by name, for DAGs that are not there yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ecs_dag.arns import arn_and_name, exchange_objects_arn, log_streams_arn, task_definitions_arn, tasks_arn
from airflow_ecs_dag.platform.checks import ROLE_ARN, ROLE_PATH, fits, list_problems, require
from airflow_ecs_dag.rights import Right, exchange_right, run_rights
from airflow_ecs_dag_schema.ecs_settings import CLUSTER_EXPRESSION
from airflow_ecs_dag_schema.exchange import BUCKET_EXPRESSION, EXCHANGE_PREFIX
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import Stack
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_s3 as s3

    from airflow_ecs_dag.platform.checks import AnyRole

_FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")
_CLUSTER = re.compile(rf"(?:{CLUSTER_EXPRESSION})\Z")
_LOG_GROUP = re.compile(r"[A-Za-z0-9_./#-]{1,512}\Z")
_BUCKET = re.compile(rf"{BUCKET_EXPRESSION}\Z")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d\Z")


@dataclass(frozen=True, kw_only=True)
class TaskAccess:
    """The ECS tasks that a role may run, watch and stop in its own account, and what it may hand over to them.

    Where the DAG's stack may add to the role's policy, ``dag.grant_run(role)`` says the same from the DAG itself,
    exactly. This is for a platform that names beforehand what its projects may use.

    Attributes:
        families: Task definition families; one that ends in ``*`` stands for each that begins so.
        clusters: Clusters, their names or their ARNs.
        roles: Task and execution roles: constructs, ARNs, or names with their path. Each by its whole name.
        log_groups: Log groups of the containers, or their names. Each by its whole name.
        exchange_buckets: Buckets through which DAGs exchange large inputs and outputs, or their names: Airflow reads
            and writes in them below ``airflow-exchange/``. Each by its whole name.
        region: AWS region; ``None``: that of the stack.

    Raises:
        DagDefinitionError: With every problem found.
    """

    families: list[str] | tuple[str, ...]
    clusters: Sequence[ecs.ICluster | str]
    roles: Sequence[AnyRole | str] = ()
    log_groups: (
        Sequence[logs.ILogGroup] | list[str] | list[logs.ILogGroup | str] | tuple[logs.ILogGroup | str, ...]
    ) = ()
    exchange_buckets: Sequence[s3.IBucket] | list[str] | list[s3.IBucket | str] | tuple[s3.IBucket | str, ...] = ()
    region: str | None = None

    def __post_init__(self) -> None:
        """Check the arguments, and keep lists as tuples."""
        require("TaskAccess", self._problems())
        for name in ("families", "clusters", "roles", "log_groups", "exchange_buckets"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def rights(self, stack: Stack) -> list[Right]:
        """Return the rights in the account of ``stack``."""
        places = [arn_and_name(stack, cluster, region=self.region) for cluster in self.clusters]
        exact = [family for family in self.families if not family.endswith("*")]
        groups = [group if isinstance(group, str) else group.log_group_name for group in self.log_groups]
        buckets = [bucket if isinstance(bucket, str) else bucket.bucket_name for bucket in self.exchange_buckets]
        rights = run_rights(
            task_definitions=[task_definitions_arn(stack, family, region=self.region) for family in self.families],
            clusters=[arn for arn, _ in places if arn is not None],
            tasks=[tasks_arn(stack, name, region=self.region) for _, name in places],
            roles=[_role_arn(stack, role) for role in self.roles],
            log_streams=[log_streams_arn(stack, group, "*", region=self.region) for group in groups],
            are_families_exact=len(exact) == len(self.families),
        )
        if buckets:
            objects = [exchange_objects_arn(stack, bucket, EXCHANGE_PREFIX) for bucket in buckets]
            rights.append(exchange_right(objects, ("s3:GetObject", "s3:PutObject")))
        return rights

    def _problems(self) -> Iterator[Problem]:
        yield from list_problems("families", self.families, _family_problem)
        yield from list_problems("clusters", self.clusters, _cluster_problem)
        yield from list_problems("roles", self.roles, _role_problem, may_be_empty=True)
        yield from list_problems("log_groups", self.log_groups, _log_group_problem, may_be_empty=True)
        yield from list_problems("exchange_buckets", self.exchange_buckets, _bucket_problem, may_be_empty=True)
        if self.region is not None and not (isinstance(self.region, str) and fits(self.region, _REGION)):
            yield Problem("region", "expected an AWS region such as 'eu-west-1', or None", repr(self.region))


def _role_arn(stack: Stack, role: AnyRole | str) -> str:
    if not isinstance(role, str):
        return role.role_arn
    if role.startswith("arn:") or not ROLE_PATH.match(role):
        return role
    return stack.format_arn(service="iam", region="", resource="role", resource_name=role)


def _family_problem(family: object) -> str | None:
    if isinstance(family, str) and fits(family.removesuffix("*"), _FAMILY):
        return None
    return (
        "expected a family, or how families begin and a *, such as 'orders-*'; * alone is not allowed: give each "
        "project's families a beginning of their own"
    )


def _cluster_problem(cluster: object) -> str | None:
    if hasattr(cluster, "cluster_arn") or (isinstance(cluster, str) and fits(cluster, _CLUSTER)):
        return None
    return "expected a cluster, its name or its ARN; * is not allowed: name each cluster"


def _role_problem(role: object) -> str | None:
    known = isinstance(role, str) and (fits(role, ROLE_ARN) or fits(role, ROLE_PATH))
    if known or hasattr(role, "role_arn"):
        return None
    return (
        "expected a role, its ARN or its name, such as 'orders-task'; * is not allowed, for ECS would be handed any "
        "role that it matches: name each role"
    )


def _log_group_problem(group: object) -> str | None:
    if hasattr(group, "log_group_name") or (isinstance(group, str) and fits(group, _LOG_GROUP)):
        return None
    return "expected a log group or its name, such as '/ecs/orders'; * is not allowed: name each group"


def _bucket_problem(bucket: object) -> str | None:
    if hasattr(bucket, "bucket_name") or (isinstance(bucket, str) and fits(bucket, _BUCKET)):
        return None
    return "expected a bucket or its name, such as 'orders-data'; * is not allowed: name each bucket"

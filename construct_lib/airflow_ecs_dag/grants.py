"""What a role needs to run a DAG's tasks, wait for them, stop them and read their logs: no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
import jsii

from airflow_ecs_dag.arns import arn_and_name, log_streams_arn, task_definitions_arn, tasks_arn
from airflow_ecs_dag.policy_names import keep_apart
from airflow_ecs_dag.rights import describe_right, exchange_right, run_rights
from airflow_ecs_dag.wildcards import explain_wildcards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_iam as iam
    from constructs import IConstruct

    from airflow_ecs_dag.rights import Right


def grant_run(
    grantee: iam.IGrantable,
    *,
    task_definition: ecs.TaskDefinition,
    container_name: str,
    cluster: ecs.ICluster | str | None,
) -> iam.Grant:
    """Let ``grantee`` run a task definition's tasks; see ``AirflowEcsDag.grant_run``."""
    stack = cdk.Stack.of(task_definition)
    arn, name = arn_and_name(stack, cluster)
    streams = _log_streams(stack, task_definition, container_name)
    rights = run_rights(
        task_definitions=[task_definitions_arn(stack, task_definition.family)],
        clusters=[] if arn is None else [arn],
        tasks=[tasks_arn(stack, name)],
        roles=cdk.Lazy.uncached_list(_Roles(task_definition)),
        log_streams=[] if streams is None else [streams],
    )
    return _granted(grantee, rights)


def grant_describe(grantee: iam.IGrantable) -> iam.Grant:
    """Let ``grantee`` look at task definitions, as a task that names another one than the DAG's needs."""
    return _granted(grantee, [describe_right()])


def grant_exchange(grantee: iam.IGrantable, *, objects: str, actions: Sequence[str]) -> iam.Grant:
    """Let ``grantee`` read or write the objects through which a DAG's tasks exchange large values."""
    return _granted(grantee, [exchange_right([objects], actions)])


def _granted(grantee: iam.IGrantable, rights: list[Right]) -> iam.Grant:
    first, *others = [right.grant(grantee) for right in rights]
    principal = grantee.grant_principal
    if hasattr(principal, "node"):  # a role, user or group
        holder = cast("IConstruct", principal)
        keep_apart(holder)
        explain_wildcards(holder, rights)
    granted = first
    for grant in others:
        granted = granted.combine(grant)
    return granted


@jsii.implements(cdk.IListProducer)
class _Roles:
    """The roles that ECS takes on for a task, asked at synth: a later secret or image may still add one."""

    def __init__(self, task_definition: ecs.TaskDefinition) -> None:
        self._task_definition = task_definition

    def produce(self, _context: cdk.IResolveContext) -> list[str]:
        """Return the ARNs of the task role and, where there is one, the execution role."""
        execution_role = self._task_definition.execution_role
        own = self._task_definition.task_role.role_arn
        return [own] if execution_role is None else [own, execution_role.role_arn]


def _log_streams(stack: cdk.Stack, task_definition: ecs.TaskDefinition, container_name: str) -> str | None:
    """Return the ARN of the log streams of the container, or None if its lines don't go to CloudWatch Logs."""
    container = task_definition.find_container(container_name)
    config = None if container is None else container.log_driver_config
    if config is None or config.log_driver != "awslogs":
        return None
    options = dict(config.options or {})
    group = options.get("awslogs-group")
    if group is None:
        return None
    prefix = options.get("awslogs-stream-prefix")
    stream = "*" if prefix is None else f"{prefix}/{container_name}/*"
    return log_streams_arn(stack, group, stream, region=options.get("awslogs-region"))

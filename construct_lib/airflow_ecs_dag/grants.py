"""What a role needs to run a DAG's tasks, wait for them, stop them and read their logs: no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs


def grant_run(
    grantee: iam.IGrantable,
    *,
    task_definition: ecs.TaskDefinition,
    container_name: str,
    cluster: ecs.ICluster | str | None,
) -> iam.Grant:
    """Let ``grantee`` run a task definition's tasks; see ``AirflowEcsDag.grant_run``."""
    stack = cdk.Stack.of(task_definition)
    place = _Place(stack, cluster)
    family = stack.format_arn(service="ecs", resource="task-definition", resource_name=f"{task_definition.family}:*")

    def allow(*actions: str, on: list[str], where: dict[str, Any]) -> iam.Grant:
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=list(actions),
            resource_arns=on,
            conditions=where or None,
        )

    granted = allow("ecs:RunTask", on=[family], where=place.condition)
    granted = granted.combine(allow("ecs:DescribeTasks", "ecs:StopTask", on=[place.tasks], where=place.condition))
    granted = granted.combine(
        allow(
            "ecs:TagResource",
            on=[place.tasks],
            where=place.condition | {"StringEquals": {"ecs:CreateAction": "RunTask"}},
        )
    )
    granted = granted.combine(
        allow(
            "iam:PassRole",
            on=cdk.Lazy.uncached_list(_Roles(task_definition)),
            where={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )
    )
    if streams := _log_streams(stack, task_definition, container_name):
        granted = granted.combine(allow("logs:GetLogEvents", on=[streams], where={}))
    return granted


class _Place:
    """The cluster as policies name it; without a cluster, each one of the account."""

    def __init__(self, stack: cdk.Stack, cluster: ecs.ICluster | str | None) -> None:
        arn, name = _arn_and_name(stack, cluster)
        self.condition: dict[str, Any] = {} if arn is None else {"ArnEquals": {"ecs:cluster": arn}}
        self.tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{name}/*")


def _arn_and_name(stack: cdk.Stack, cluster: ecs.ICluster | str | None) -> tuple[str | None, str]:
    if cluster is None:
        return None, "*"
    if not isinstance(cluster, str):
        return cluster.cluster_arn, cluster.cluster_name
    if cluster.startswith("arn:"):
        return cluster, cluster.rpartition("/")[2]
    return stack.format_arn(service="ecs", resource="cluster", resource_name=cluster), cluster


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
    return stack.format_arn(
        service="logs",
        region=options.get("awslogs-region"),
        resource="log-group",
        resource_name=f"{group}:log-stream:{stream}",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )

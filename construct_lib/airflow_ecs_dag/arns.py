"""The ARNs that policies name, made of what an author or a platform says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

if TYPE_CHECKING:
    from aws_cdk import aws_ecs as ecs


def task_definitions_arn(stack: cdk.Stack, family: str, *, region: str | None = None) -> str:
    """Return the ARN of the revisions of a family; a family that ends in ``*`` stands for each that begins so."""
    return stack.format_arn(service="ecs", region=region, resource="task-definition", resource_name=f"{family}:*")


def arn_and_name(
    stack: cdk.Stack, cluster: ecs.ICluster | str | None, *, region: str | None = None
) -> tuple[str | None, str]:
    """Return the ARN and the name of a cluster, as a construct, a name or an ARN; without one, no ARN and ``*``."""
    if cluster is None:
        return None, "*"
    if not isinstance(cluster, str):
        return cluster.cluster_arn, cluster.cluster_name
    if cluster.startswith("arn:"):
        return cluster, cluster.rpartition("/")[2]
    return stack.format_arn(service="ecs", region=region, resource="cluster", resource_name=cluster), cluster


def tasks_arn(stack: cdk.Stack, cluster_name: str, *, region: str | None = None) -> str:
    """Return the ARN of a cluster's tasks, ``*`` for their ids."""
    return stack.format_arn(service="ecs", region=region, resource="task", resource_name=f"{cluster_name}/*")


def log_streams_arn(stack: cdk.Stack, group: str, stream: str, *, region: str | None) -> str:
    """Return the ARN of log streams of a group; without ``region``, of the stack's own."""
    return stack.format_arn(
        service="logs",
        region=region,
        resource="log-group",
        resource_name=f"{group}:log-stream:{stream}",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def exchange_objects_arn(stack: cdk.Stack, bucket: str, prefix: str) -> str:
    """Return the ARN of the objects of a bucket whose keys begin with ``prefix`` and a slash."""
    return stack.format_arn(service="s3", region="", account="", resource=bucket, resource_name=f"{prefix}/*")

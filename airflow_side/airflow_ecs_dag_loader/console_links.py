"""Links from a DAG's page to the AWS console."""

from __future__ import annotations

from urllib.parse import quote

_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""The console of each partition; those of other partitions aren't public."""


def task_definition_url(arn: str) -> str | None:
    """Return the console's page of a task definition's revision; ``None`` in a partition without a public console."""
    _, partition, _, region, _, name = arn.split(":", 5)
    family, revision = name.removeprefix("task-definition/").split(":")
    return _page(partition, region, f"ecs/v2/task-definitions/{family}/{revision}/containers?region={region}")


def stack_url(stack: str, *, partition: str, region: str) -> str | None:
    """Return the console's page of a CloudFormation stack; ``None`` as above.

    Args:
        stack: Its name or its ARN; whatever it holds, it stays within the link.
        partition: Of the account that has it.
        region: Where it is.
    """
    stack_id = quote(stack, safe="")
    return _page(partition, region, f"cloudformation/home?region={region}#/stacks/stackinfo?stackId={stack_id}")


def _page(partition: str, region: str, path: str) -> str | None:
    host = _HOSTS.get(partition)
    return None if host is None else f"https://{region}.{host}/{path}"

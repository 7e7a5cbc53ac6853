"""Links from Airflow's page to the AWS console."""

from __future__ import annotations

import re
from urllib.parse import quote

_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""The console of each partition; those of other partitions aren't public."""

_TASK_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):ecs:(?P<region>[a-z0-9-]+):\d{12}:task/"
    r"(?:(?P<cluster>[A-Za-z0-9_-]{1,255})/)?(?P<task>[0-9a-f-]{32,36})\Z",
    re.ASCII,
)
_CLUSTER_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}\Z", re.ASCII)
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}\Z", re.ASCII)


def ecs_task_url(arn: str, *, cluster: str) -> str | None:
    """Return the console's page of an ECS task; ``None`` without an ARN, or in a partition without a public console.

    Args:
        arn: Of the ECS task.
        cluster: Its name or ARN, for the ARNs of old accounts, which do not have it.
    """
    match = _TASK_ARN.match(arn)
    if match is None:
        return None
    name = match["cluster"] or cluster.rpartition("/")[2]
    if not _CLUSTER_NAME.match(name):
        return None
    region = match["region"]
    page = f"ecs/v2/clusters/{name}/tasks/{match['task']}/configuration?region={region}"
    return _page(match["partition"], region, page)


def log_stream_url(group: str, stream: str, *, region: str | None, of: str) -> str | None:
    """Return the console's page of a log stream; ``None`` if ``region`` is none, or as above.

    Args:
        group: The log group; whatever it holds, it stays within the link.
        stream: The log stream, likewise.
        region: Where they are; without it, that of the ECS task.
        of: The ARN of the ECS task.
    """
    match = _TASK_ARN.match(of)
    where = region or (match and match["region"])
    if match is None or not where or not _REGION.match(where):
        return None
    page = f"logsV2:log-groups/log-group/{_in_fragment(group)}/log-events/{_in_fragment(stream)}"
    return _page(match["partition"], where, f"cloudwatch/home?region={where}#{page}")


def _in_fragment(text: str) -> str:
    """Quote as the console does behind ``#``: twice, with ``$`` for ``%``."""
    return quote(quote(text, safe=""), safe="").replace("%", "$")


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

"""Why a container never ran: AWS's texts of a stopped ECS task, sorted by what is to be done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.runner.ecs_errors import (
    EcsCommandError,
    EcsImageError,
    EcsLogDriverError,
    EcsSecretError,
    EcsStartError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_loader.runner.ecs_errors import EcsTaskFailedError

_RATE, _DISK, _PLATFORM, _UNCLEAR, _DENIED, _MISSING, _KEY, _ROUTE = range(8)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_WHYS = (
    (_RATE, _pattern(r"too ?many ?requests|pull rate limit|rate exceeded|throttling")),
    (_DISK, _pattern(r"no space left on device")),
    (_PLATFORM, _pattern(r"descriptor matching platform|no matching manifest for|exec format error")),
    (_UNCLEAR, _pattern(r"pull access denied for|repository does not exist or may require")),
    (
        _DENIED,
        _pattern(
            r"access ?denied|not authorized|403 forbidden|401 unauthorized|no basic auth|authentication required"
            r"|unable to assume"
        ),
    ),
    (_KEY, _pattern(r"did not contain json key")),
    (
        _MISSING,
        _pattern(
            r"\bnot found\b|manifest unknown|name unknown|does not exist|no such image|ResourceNotFoundException"
            r"|can't find|invalid (ssm )?parameter|no such (bucket|key)"
        ),
    ),
    (
        _ROUTE,
        _pattern(
            r"i/o timeout|context deadline|no route|connection (issue|refused|reset)|dial tcp|no such host"
            r"|send request failed|client\.timeout|request cancell?ed|tls handshake|signal: killed"
            r"|network configuration"
        ),
    ),
)
"""What AWS's text says of the reason, the first that fits; ``signal: killed`` is how Fargate ends a log driver that
reached no endpoint."""

_ROUTE_FIX = (
    "give its subnets a NAT gateway, a public IP or VPC endpoints, and its security group a way out to port 443"
)
_PLATFORM_FIX = "the image is not built for this CPU architecture: build it for the task definition's runtimePlatform"


@dataclass(frozen=True)
class _Kind:
    """What could not be had.

    Attributes:
        pattern: How AWS names it.
        error: The exception for it.
        what: What happened, after "the container was not started: ".
        fixes: What to do for each reason; that of ``None`` where the reason isn't known.
    """

    pattern: re.Pattern[str]
    error: type[EcsTaskFailedError]
    what: str
    fixes: Mapping[int | None, str]


_KINDS = (
    _Kind(
        _pattern(r"logger args|logging driver|log driver|cloudwatch log (group|stream)"),
        EcsLogDriverError,
        "its log driver can't start",
        {
            _MISSING: "create the log group that the task definition names, or set awslogs-create-group",
            _DENIED: "allow the execution role logs:CreateLogStream and logs:PutLogEvents on the log group",
            _ROUTE: f"ECS can't reach CloudWatch Logs from there: {_ROUTE_FIX}",
            None: "check the task definition's logConfiguration, and that the log group is there",
        },
    ),
    _Kind(
        _pattern(r"cannotpull|ecr registry auth|registry auth from amazon ecr|pull (image )?manifest|\bpull image\b"),
        EcsImageError,
        "its image can't be pulled",
        {
            _RATE: "the registry takes no more pulls for now: retry later, log in to it, or keep the image in ECR",
            _DISK: "the image is larger than the disk: give the task more ephemeral storage",
            _PLATFORM: _PLATFORM_FIX,
            _UNCLEAR: "the registry has no such image, or shows it only to who is logged in: check its name, and the "
            "registry's credentials",
            _DENIED: "allow the execution role ecr:GetAuthorizationToken, ecr:BatchCheckLayerAvailability, "
            "ecr:GetDownloadUrlForLayer and ecr:BatchGetImage, and the repository's policy this account",
            _MISSING: "the registry has no such image: push it, or name one that is there in the task definition",
            _ROUTE: f"ECS can't reach the registry from there: {_ROUTE_FIX}",
            None: "check the image's name, the execution role, and the way from the subnets to the registry",
        },
    ),
    _Kind(
        _pattern(r"registry auth: pull command failed"),
        EcsStartError,
        "its secrets, or the login to its image's registry, can't be had",
        {None: f"check the execution role; if ECS can't reach these services from there, {_ROUTE_FIX}"},
    ),
    _Kind(
        _pattern(r"pull secrets|secrets? (from|manager)|\bsecret\b|\bssm\b|\basm\b|environment file|systems manager"),
        EcsSecretError,
        "a secret or parameter that it is to have can't be read",
        {
            _DENIED: "allow the execution role secretsmanager:GetSecretValue or ssm:GetParameters on it, and "
            "kms:Decrypt on its key",
            _KEY: "the secret lacks that JSON key: add it, or change the container's secrets in the task definition",
            _MISSING: "it is not there: create it, or change its ARN in the container's secrets",
            _ROUTE: f"ECS can't reach Secrets Manager or Systems Manager from there: {_ROUTE_FIX}",
            _RATE: "AWS takes no more reads for now: retry later, or with fewer tasks at once",
            None: "check the container's secrets, the execution role, and the way from the subnets to them",
        },
    ),
    _Kind(
        _pattern(r"executable file not found|exec: .*(no such file|permission denied)|exec format error"),
        EcsCommandError,
        "its command can't be run",
        {
            _PLATFORM: _PLATFORM_FIX,
            None: "the image has no such file, or may not run it: change the task's command, whose first word comes "
            "after the image's ENTRYPOINT",
        },
    ),
)
_OTHER = _Kind(
    _pattern(""),
    EcsStartError,
    "ECS could not start it",
    {
        _ROUTE: f"ECS can't reach what it needs from there: {_ROUTE_FIX}",
        None: "if a retry ends likewise, change in the task definition what AWS's text names",
    },
)


def start_failure(text: str) -> tuple[type[EcsTaskFailedError], str, str]:
    """Return the exception for a container that never ran, what happened, and what to do.

    Args:
        text: AWS's own of the container and of the ECS task.
    """
    kind = next((each for each in _KINDS if each.pattern.search(text)), _OTHER)
    why = next((each for each, pattern in _WHYS if pattern.search(text)), None)
    return kind.error, kind.what, kind.fixes.get(why) or kind.fixes[None]

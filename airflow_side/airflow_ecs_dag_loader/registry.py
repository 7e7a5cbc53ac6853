"""The ECS registry: which task definitions with Airflow labels are ACTIVE. Only this module lists and describes them.

AWS's read bucket for task definitions is small (50 calls at once, 20 a second), so a scan lists, keeps the highest
revision of each family, and describes only ARNs it never saw: a revision's containers can't change.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from airflow_ecs_dag_loader.definition import Definition, TaskDefinitionArn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_ecs import ECSClient

log = logging.getLogger(__name__)


class ScanError(RuntimeError):
    """The registry could not be read whole, so nothing may be concluded from it; the message says what AWS answered."""


@dataclass(frozen=True)
class Registry:
    """What one scan found.

    Attributes:
        definitions: The newest ACTIVE definition of each family, by ARN; ``None`` for one without Airflow labels.
        described: Calls of DescribeTaskDefinition that the scan made.
    """

    definitions: Mapping[str, Definition | None] = field(default_factory=dict)
    described: int = 0

    @property
    def with_dags(self) -> tuple[Definition, ...]:
        """The definitions that carry Airflow labels, by account, region and family."""
        found = [definition for definition in self.definitions.values() if definition is not None]
        return tuple(sorted(found, key=lambda definition: definition.parsed_arn))


def scan(ecs: ECSClient, *, known: Mapping[str, Definition | None]) -> Registry:
    """Read the registry that ``ecs`` sees (one account, one region).

    A family that was there before and is not listed now is looked at once more: only AWS's own word that its
    revision is no longer ACTIVE lets it go.

    Args:
        ecs: A boto3 client for ECS.
        known: ``definitions`` of the scan before.

    Raises:
        ScanError: A call failed, or its answer lacks what it must have.
    """
    newest = _newest(_active_arns(ecs))
    families = {arn.family_key for arn in newest}
    definitions: dict[str, Definition | None] = {}
    described = 0
    for arn in newest:
        if arn.text in known:
            definitions[arn.text] = known[arn.text]
            continue
        described += 1
        definitions[arn.text] = Definition.from_task_definition(_describe(ecs, arn.text))
    for text, definition in known.items():
        if definition is None or definition.parsed_arn.family_key in families:
            continue
        described += 1
        if _describe(ecs, text, gone_is_inactive=True).get("status") == "ACTIVE":
            log.warning("%s was not listed but is still ACTIVE: its DAG stays", text)
            definitions[text] = definition
    return Registry(definitions, described)


def _active_arns(ecs: ECSClient) -> Iterable[TaskDefinitionArn]:
    token: dict[str, str] = {}
    seen_tokens = set()
    while True:
        try:
            page: Mapping[str, Any] = ecs.list_task_definitions(status="ACTIVE", maxResults=100, **token)  # type: ignore[arg-type] # the token is spread
        except (BotoCoreError, ClientError) as error:
            raise ScanError(f"ListTaskDefinitions failed: {error}") from error
        try:
            arns = [TaskDefinitionArn.parse(text) for text in page["taskDefinitionArns"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ScanError(f"ListTaskDefinitions answered without a list of ARNs: {error!r}") from error
        yield from arns
        following = page.get("nextToken")
        if not following:
            return
        if following in seen_tokens:
            raise ScanError("ListTaskDefinitions answered the same page token twice")
        seen_tokens.add(following)
        token = {"nextToken": following}


def _newest(arns: Iterable[TaskDefinitionArn]) -> list[TaskDefinitionArn]:
    newest: dict[str, TaskDefinitionArn] = {}
    for arn in arns:
        if arn.family_key not in newest or newest[arn.family_key].revision < arn.revision:
            newest[arn.family_key] = arn
    return sorted(newest.values())


def _describe(ecs: ECSClient, arn: str, *, gone_is_inactive: bool = False) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = ecs.describe_task_definition(taskDefinition=arn)
    except ClientError as error:
        if gone_is_inactive and "Unable to describe task definition" in str(error):
            return {"status": "DELETED"}
        raise ScanError(f"DescribeTaskDefinition of {arn} failed: {error}") from error
    except BotoCoreError as error:
        raise ScanError(f"DescribeTaskDefinition of {arn} failed: {error}") from error
    try:
        found: Mapping[str, Any] = answer["taskDefinition"]
        if found["taskDefinitionArn"] != arn or not found["containerDefinitions"]:
            raise ScanError(f"DescribeTaskDefinition of {arn} answered something else")
    except (KeyError, TypeError) as error:
        raise ScanError(f"DescribeTaskDefinition of {arn} answered without the task definition") from error
    return found

"""The ECS registry: which task definitions with Airflow labels are ACTIVE. Only this module lists and describes them.

AWS's read bucket for task definitions is small (50 calls at once, 20 a second), so a scan lists, keeps the highest
revision of each family, and describes only ARNs it never saw: a revision's containers can't change.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER
from airflow_ecs_dag_loader.definition import Definition, TaskDefinitionArn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

    from mypy_boto3_ecs import ECSClient

log = logging.getLogger(__name__)

_GONE = frozenset({"INACTIVE", "DELETE_IN_PROGRESS", "DELETED"})
"""Statuses of a revision after which its DAG leaves."""


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


def scan(
    ecs: ECSClient,
    *,
    known: Mapping[str, Definition | None],
    progress: MutableMapping[str, Definition | None] | None = None,
) -> Registry:
    """Read the registry that ``ecs`` sees (one account, one region).

    A family that was there before and is not listed now is looked at once more: only AWS's own word that its
    revision is no longer ACTIVE lets it go.

    Args:
        ecs: A boto3 client for ECS.
        known: ``definitions`` of the scan before.
        progress: Takes each definition once it is described and is asked before a describe; a caller who gives the
            same one again after a scan that failed has no describe done twice.

    Raises:
        ScanError: A call failed, or its answer lacks what it must have.
    """
    progress = {} if progress is None else progress
    newest = _newest(_active_arns(ecs))
    families = {arn.family_key for arn in newest}
    definitions: dict[str, Definition | None] = {}
    described = 0
    for arn in newest:
        if arn.text in known:
            definitions[arn.text] = known[arn.text]
            continue
        if arn.text not in progress:
            described += 1
            progress[arn.text] = _definition(_describe(ecs, arn.text))
        definitions[arn.text] = progress[arn.text]
    for text, definition in known.items():
        if definition is None or definition.parsed_arn.family_key in families:
            continue
        described += 1
        if not _is_gone(ecs, text):
            log.warning("%s was not listed but is still ACTIVE: its DAG stays", text)
            definitions[text] = definition
    return Registry(definitions, described)


def _active_arns(ecs: ECSClient) -> Iterable[TaskDefinitionArn]:
    token: dict[str, str] = {}
    seen_tokens = set()
    while True:
        try:
            page: Mapping[str, Any] = ecs.list_task_definitions(status="ACTIVE", maxResults=100, **token)  # type: ignore[arg-type] # the token is spread
        except NO_ANSWER as error:
            raise ScanError(f"ListTaskDefinitions failed: {error}") from error
        try:
            arns = [TaskDefinitionArn.parse(text) for text in page["taskDefinitionArns"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ScanError(f"ListTaskDefinitions answered without a list of ARNs: {error!r}") from error
        yield from arns
        following = page.get("nextToken")
        if not following:
            return
        if not isinstance(following, str) or following in seen_tokens:
            raise ScanError(f"ListTaskDefinitions answered a page token that leads nowhere: {following!r:.200}")
        seen_tokens.add(following)
        token = {"nextToken": following}


def _newest(arns: Iterable[TaskDefinitionArn]) -> list[TaskDefinitionArn]:
    newest: dict[str, TaskDefinitionArn] = {}
    for arn in arns:
        if arn.family_key not in newest or newest[arn.family_key].revision < arn.revision:
            newest[arn.family_key] = arn
    return sorted(newest.values())


def _definition(found: Mapping[str, Any]) -> Definition | None:
    try:
        return Definition.from_task_definition(found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ScanError(
            f"DescribeTaskDefinition of {found['taskDefinitionArn']} answered without all of it: {error!r}"
        ) from error


def _is_gone(ecs: ECSClient, arn: str) -> bool:
    """Tell whether AWS says that this revision is no longer ACTIVE; an answer without its status says nothing."""
    try:
        status = _describe(ecs, arn).get("status")
    except _UnknownRevisionError:
        return True
    if status != "ACTIVE" and status not in _GONE:
        raise ScanError(f"DescribeTaskDefinition of {arn} answered without a status that is known: {status!r}")
    return status in _GONE


class _UnknownRevisionError(ScanError):
    """AWS says that it has no such revision (any more)."""


def _describe(ecs: ECSClient, arn: str) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = ecs.describe_task_definition(taskDefinition=arn)
    except ClientError as error:
        unknown = "Unable to describe task definition" in str(error)
        kind = _UnknownRevisionError if unknown else ScanError
        raise kind(f"DescribeTaskDefinition of {arn} failed: {error}") from error
    except NO_ANSWER as error:
        raise ScanError(f"DescribeTaskDefinition of {arn} failed: {error}") from error
    try:
        found: Mapping[str, Any] = answer["taskDefinition"]
        complete = found["taskDefinitionArn"] == arn and bool(found["containerDefinitions"])
    except (KeyError, TypeError) as error:
        raise ScanError(f"DescribeTaskDefinition of {arn} answered without the task definition") from error
    if not complete:
        raise ScanError(f"DescribeTaskDefinition of {arn} answered something else")
    return found

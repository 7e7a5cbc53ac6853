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
from airflow_ecs_dag_loader.budget import Budget
from airflow_ecs_dag_loader.definition import Definition, TaskDefinitionArn, with_dags
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_loader.scan_progress import Listing, ScanProgress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_loader.call_rate import CallRate

log = logging.getLogger(__name__)

_GONE = frozenset({"INACTIVE", "DELETE_IN_PROGRESS", "DELETED"})
"""Statuses of a revision after which its DAG leaves."""
_FEW_FAMILIES = 4
"""Families of which any number may leave without a doubt about the list."""


@dataclass(frozen=True)
class Registry:
    """What one scan found.

    Attributes:
        definitions: The newest ACTIVE definition of each family, by ARN; ``None`` for one without Airflow labels. While
            a family's newest one is pending, the one before.
        described: Calls of DescribeTaskDefinition that the scan made.
        pending: Questions that the budget left for the next scan; what they are about is as it was.
    """

    definitions: Mapping[str, Definition | None] = field(default_factory=dict)
    described: int = 0
    pending: int = 0

    @property
    def with_dags(self) -> tuple[Definition, ...]:
        """The definitions that carry Airflow labels, by account, region and family."""
        return with_dags(self.definitions)

    @property
    def account(self) -> str:
        """The account that was scanned; empty if it has no task definitions."""
        return next((TaskDefinitionArn.parse(text).account for text in self.definitions), "")


def scan(
    ecs: ECSClient,
    *,
    known: Mapping[str, Definition | None],
    progress: ScanProgress | None = None,
    family_prefix: str = "",
    account: str = "",
    budget: Budget | None = None,
    rate: CallRate | None = None,
) -> Registry:
    """Read the registry that ``ecs`` sees (one account, one region).

    A family that was there before and is not listed now, or only with an older revision, is looked at once more: only
    AWS's own word that its revision is no longer ACTIVE, and no other one is, lets it go.

    Args:
        ecs: A boto3 client for ECS.
        known: ``definitions`` of the scan before.
        progress: Takes what each call told and is asked before one; a caller who gives the same one again after a scan
            that failed or left something pending has no describe done twice, and a long list read on.
        family_prefix: Only families that begin so.
        account: The account that is expected; empty for any.
        budget: The time; without it, as much as it takes.
        rate: Waited for before each call.

    Raises:
        ScanError: A call failed, its answer lacks what it must have, or it is of another account.
    """
    questions = _Questions(ecs, known, progress or ScanProgress(), budget or Budget(), rate)
    listed_now = questions.active_arns()
    if listed_now is None:
        return Registry(known, pending=1)
    newest = {key: arn for key, arn in listed_now.items() if arn.family.startswith(family_prefix)}
    _check_account(newest.values(), account)
    former = _newest(arn for arn in map(TaskDefinitionArn.parse, known) if arn.family.startswith(family_prefix))
    if doubtful := len(former) > _FEW_FAMILIES and len(newest) < len(former) / 2:
        log.warning("%s families are listed where %s were: each one missing is asked for", len(newest), len(former))
    definitions: dict[str, Definition | None] = {}
    unlisted_stays = False
    for family in _by_urgency(newest, former, known):
        listed, before = newest.get(family), former.get(family)
        active = None
        if before is not None and known[before.text] is not None and (listed is None or listed < before):
            active = questions.active_of(before)
        if active is not None:
            definitions[active.text] = questions.definition(active)
            unlisted_stays = True
        elif listed is not None and questions.is_answered(listed):
            definitions[listed.text] = questions.definition(listed)
        elif before is not None and listed is not None:
            definitions[before.text] = known[before.text]
    if doubtful and unlisted_stays:  # a list that is wrong about these may be so about those without labels
        definitions |= {
            arn.text: None
            for family, arn in former.items()
            if family not in newest and arn.text not in definitions and known[arn.text] is None
        }
    return Registry(definitions, questions.asked, questions.pending)


def _newest(arns: Iterable[TaskDefinitionArn]) -> dict[str, TaskDefinitionArn]:
    """Return the highest revision of each family, by family key."""
    return {arn.family_key: arn for arn in sorted(arns)}


def _by_urgency(
    newest: Mapping[str, TaskDefinitionArn],
    former: Mapping[str, TaskDefinitionArn],
    known: Mapping[str, Definition | None],
) -> list[str]:
    """Return the families: first those whose DAG changed or left, for a budget may not reach the new ones."""

    def has_dag(family: str) -> bool:
        return family in former and known[former[family].text] is not None

    return sorted(newest.keys() | former.keys(), key=lambda family: (not has_dag(family), family not in newest, family))


def _check_account(arns: Iterable[TaskDefinitionArn], expected: str) -> None:
    accounts = sorted({arn.account for arn in arns})
    if len(accounts) > 1 or (expected and accounts not in ([], [expected])):
        raise ScanError(
            f"ListTaskDefinitions answered from account {', '.join(accounts)}, but here {expected or accounts[0]} was "
            "scanned before: correct the credentials, or give the source another name"
        )


class _Questions:
    """What a scan asks AWS, each describe once and within the budget.

    Attributes:
        asked: Calls of DescribeTaskDefinition.
        pending: Questions that the budget did not reach.
    """

    def __init__(
        self,
        ecs: ECSClient,
        known: Mapping[str, Definition | None],
        progress: ScanProgress,
        budget: Budget,
        rate: CallRate | None,
    ) -> None:
        self._ecs = ecs
        self._known = known
        self._progress = progress
        self._budget = budget
        self._rate = rate
        self.asked = 0
        self.pending = 0

    def active_arns(self) -> Mapping[str, TaskDefinitionArn] | None:
        """Return the highest ACTIVE revision of each family; ``None`` if the budget did not reach the list's end."""
        listing = self._progress.listing
        self._progress.listing = None  # a list that fails is begun anew
        if listing is None or not listing.is_worth_using(self._budget.now()):
            listing = Listing(began_at=self._budget.now())
        pages = 0
        while listing.ended_at is None:
            if not self._budget.allows(pages):
                self._progress.listing = listing
                return None
            pages += 1
            self._read_page(listing)
        self._progress.listing = listing
        return listing.newest

    def _read_page(self, listing: Listing) -> None:
        token = {"nextToken": listing.token} if listing.token else {}
        self._wait()
        try:
            page: Mapping[str, Any] = self._ecs.list_task_definitions(status="ACTIVE", maxResults=100, **token)  # type: ignore[arg-type] # the token is spread
        except NO_ANSWER as error:
            raise ScanError(f"ListTaskDefinitions failed: {error}") from error
        try:
            listing.add([TaskDefinitionArn.parse(text) for text in page["taskDefinitionArns"]])
        except (KeyError, TypeError, ValueError) as error:
            raise ScanError(f"ListTaskDefinitions answered without a list of ARNs: {error!r}") from error
        following = page.get("nextToken")
        if not following:
            listing.token, listing.ended_at = "", self._budget.now()
        elif not isinstance(following, str) or following in listing.tokens:
            raise ScanError(f"ListTaskDefinitions answered a page token that leads nowhere: {following!r:.200}")
        else:
            listing.token = following
            listing.tokens.add(following)

    def is_answered(self, listed: TaskDefinitionArn) -> bool:
        """Have what a listed revision is, unless that is pending or AWS says that it is gone by now."""
        if listed.text in self._known or listed.text in self._progress.described:
            return True
        if not self._may_ask():
            return False
        if (found := self._describe(listed.text)) is None:
            return False
        self._progress.described[listed.text] = _definition(found)
        return True

    def definition(self, listed: TaskDefinitionArn) -> Definition | None:
        """Return what an answered or known revision is."""
        source = self._known if listed.text in self._known else self._progress.described
        return source[listed.text]

    def active_of(self, before: TaskDefinitionArn) -> TaskDefinitionArn | None:
        """Return the ACTIVE revision of a family whose last one isn't listed; ``None`` if it has none any more.

        That is the last one unless AWS's own word is that it is gone; then AWS is asked for the family's newest.
        """
        if not self._may_ask() or self._is_active(before):
            return before
        if not self._may_ask():
            return before
        if (found := self._describe(before.family)) is None:
            return None
        newest = TaskDefinitionArn.parse(found["taskDefinitionArn"])
        if newest.family_key != before.family_key:
            raise ScanError(f"DescribeTaskDefinition of {before.family} answered {newest.text}, of another place")
        self._progress.described[newest.text] = _definition(found)
        return newest

    def _is_active(self, before: TaskDefinitionArn) -> bool:
        if (found := self._describe(before.text)) is None:
            return False
        if (status := found.get("status")) != "ACTIVE":
            raise ScanError(
                f"DescribeTaskDefinition of {before.text} answered without a status that is known: {status!r}"
            )
        log.warning("%s was not listed but is still ACTIVE: its DAG stays", before.text)
        return True

    def _may_ask(self) -> bool:
        allowed = self._budget.allows(self.asked)
        self.pending += not allowed
        return allowed

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        """Return what AWS has of a family or a revision; ``None`` if AWS's word is that it is gone."""
        self._wait()
        self.asked += 1
        try:
            found = _description(self._ecs, name)
        except _UnknownRevisionError:
            return None
        return None if found.get("status") in _GONE else found

    def _wait(self) -> None:
        if self._rate is not None:
            self._rate.take()


class _UnknownRevisionError(ScanError):
    """AWS says that it has no such revision (any more)."""


def describe_newest(ecs: ECSClient, family: str) -> Definition | None:
    """Return the newest ACTIVE definition of a family, by one call; ``None`` if it has no Airflow labels.

    Raises:
        ScanError: The call failed, or its answer lacks what it must have.
    """
    found = _description(ecs, family)
    if found.get("status") in _GONE:
        raise ScanError(f"DescribeTaskDefinition of {family} answered no ACTIVE revision")
    return _definition(found)


def _definition(found: Mapping[str, Any]) -> Definition | None:
    try:
        return Definition.from_task_definition(found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ScanError(
            f"DescribeTaskDefinition of {found['taskDefinitionArn']} answered without all of it: {error!r}"
        ) from error


def _description(ecs: ECSClient, name: str) -> Mapping[str, Any]:
    """Return what AWS has of a family or a revision, whole."""
    try:
        answer: Mapping[str, Any] = ecs.describe_task_definition(taskDefinition=name)
    except ClientError as error:
        unknown = "Unable to describe task definition" in str(error)
        kind = _UnknownRevisionError if unknown else ScanError
        raise kind(f"DescribeTaskDefinition of {name} failed: {error}") from error
    except NO_ANSWER as error:
        raise ScanError(f"DescribeTaskDefinition of {name} failed: {error}") from error
    try:
        found: Mapping[str, Any] = answer["taskDefinition"]
        arn = found["taskDefinitionArn"]
        complete = bool(found["containerDefinitions"])
        is_it = arn == name or TaskDefinitionArn.parse(arn).family == name
    except (KeyError, TypeError, ValueError) as error:
        raise ScanError(f"DescribeTaskDefinition of {name} answered without the task definition") from error
    if not complete or not is_it:
        raise ScanError(f"DescribeTaskDefinition of {name} answered something else")
    return found

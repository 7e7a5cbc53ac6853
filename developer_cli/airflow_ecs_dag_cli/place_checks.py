"""The doctor's questions about a bundle of many places: which one has the family, and what the others make of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.aws_access import AwsAccessError
from airflow_ecs_dag_cli.bundle_config import among_airflow
from airflow_ecs_dag_cli.checkup import Check, not_known, ok, problem
from airflow_ecs_dag_cli.families import TAKEN, named_dag_id, reason_text
from airflow_ecs_dag_cli.place_access import PlaceAccess
from airflow_ecs_dag_cli.place_reading import why_unread
from airflow_ecs_dag_cli.registry_checks import alike_families, revisions
from airflow_ecs_dag_loader.aws_answers import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_ecs.literals import TaskDefinitionStatusType

    from airflow_ecs_dag_cli.bundle_config import BundleConfig
    from airflow_ecs_dag_cli.bundle_view import BundleView
    from airflow_ecs_dag_cli.named_family import NamedFamily
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.places import Place

_AT_ONCE = 16
_TOO_MANY = "source.too-many-dags"


@dataclass(frozen=True)
class _Answer:
    """What a place says of a family: its newest revision's account and region, or why it says nothing."""

    access: PlaceAccess
    where: str = ""
    error: str = ""


def check_place(config: BundleConfig, named: NamedFamily) -> tuple[Check, PlaceAccess | None]:
    """Check that a place of the bundle has the family; the first one that does is the one that it is of."""
    with among_airflow():  # its connections give the credentials
        return _check_place(config, named)


def check_among_all(view: BundleView, definition: Definition) -> Check:
    """Check that no other family of the bundle's places has the dag id, and that its source has a place for it."""
    name, arn = "duplicate", definition.parsed_arn
    dag_id = named_dag_id(definition.labels)
    verdict = view.verdict(arn.family_key)
    reasons = [] if verdict is None else [each for each in verdict.violations if each.rule in {TAKEN, _TOO_MANY}]
    others = [each.parsed_arn for each in view.claimants(dag_id) if each.parsed_arn.family_key != arn.family_key]
    rivals = [f"{each.name} in {each.account}/{each.region} claims it too" for each in others]
    unread = [f"can't be read: {why_unread(scan)}" for scan in view.unread]
    if reasons:
        return problem(name, "; ".join(map(reason_text, reasons)), [*rivals, *unread])
    if unread:
        return not_known(name, f"no place that could be read takes the dag id {dag_id} away", [*rivals, *unread])
    if rivals:
        return ok(name, f"the dag id {dag_id} is this family's; the others are refused", rivals)
    return ok(name, f"no other task definition of the bundle's places has the dag id {dag_id}")


def _check_place(config: BundleConfig, named: NamedFamily) -> tuple[Check, PlaceAccess | None]:
    name = "place"
    asked = [place for place in config.places if _may_have(place, named)]
    if not asked:
        return problem(
            name,
            f"no place of {config.name} looks for {named}: have a source look there, or name the family otherwise",
            [_why_not(place, named) for place in config.places],
        ), None
    accesses, failed = _accesses(asked)
    answers: list[_Answer] = []
    status: TaskDefinitionStatusType
    for status in ("ACTIVE", "INACTIVE"):
        answers = _ask(accesses, named, status)
        if any(answer.where for answer in answers):
            break
    unread = [*failed, *(f"{each.access.place.key}: {each.error}" for each in answers if each.error)]
    details = [f"can't be read: {each}" for each in unread]
    have = [answer for answer in answers if answer.where]
    if not have:
        return _check_nowhere(config, named, accesses, details), None
    first, *others = have
    for other in others:
        key = other.access.place.key
        if other.where == first.where:
            details.append(f"{key} reaches it too; it is the first one's, {first.access.place.key}")
        else:
            details.append(f"{key} has a family of this name too, in {other.where}: name that one by its ARN")
    role = first.access.place.access.role_arn
    with_role = f", scanned as {role}" if role else ""
    return ok(name, f"{first.access.place.key} of {config.name}: {first.where}{with_role}", details), first.access


def _may_have(place: Place, named: NamedFamily) -> bool:
    if named.account is None or named.region is None:
        return named.family.startswith(place.family_prefix)
    return place.may_have(f"{named.account}/{named.region}/{named.family}")


def _why_not(place: Place, named: NamedFamily) -> str:
    if not named.family.startswith(place.family_prefix):
        return f"{place.key} looks for families that begin with {place.family_prefix}"
    of = f" of the account {place.access.account}" if place.access.account else ""
    return f"{place.key} is another region or account{of}"


def _accesses(places: Iterable[Place]) -> tuple[list[PlaceAccess], list[str]]:
    """Return AWS as each place sees it, and why some can't see it. Connections are read here, not in threads."""
    found, failed = [], []
    for place in places:
        try:
            found.append(PlaceAccess(place))
        except AwsAccessError as error:
            failed.append(f"{place.key}: {error}")
    return found, failed


def _ask(accesses: list[PlaceAccess], named: NamedFamily, status: TaskDefinitionStatusType) -> list[_Answer]:
    def answer(access: PlaceAccess) -> _Answer:
        try:
            found = revisions(access.ecs, named.family, status)
        except AwsAccessError as error:
            return _Answer(access, error=str(error))
        except NO_ANSWER as error:
            return _Answer(access, error=str(AwsAccessError(error)))
        there = [arn for arn in found if named.account in (None, arn.account)]
        return _Answer(access, where=f"{there[0].account}/{there[0].region}" if there else "")

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return list(pool.map(answer, accesses))


def _check_nowhere(
    config: BundleConfig, named: NamedFamily, accesses: Iterable[PlaceAccess], details: list[str]
) -> Check:
    alike = []
    for access in accesses:
        try:
            if found := alike_families(access.ecs, named.family):
                alike.append(f"families in {access.place.key} with a name like it: {', '.join(found)}")
        except (AwsAccessError, *NO_ANSWER):
            continue  # said already
    if details:
        text = f"no place of {config.name} that could be read has a task definition of the family {named.family}"
        return problem("place", f"{text}: make the others readable first, or check the name", [*details, *alike])
    return problem(
        "place",
        f"no place of {config.name} has a task definition of the family {named.family}: check the name, and that a "
        "source looks where it is deployed; what is asked for is the task definition's family, not the dag id",
        alike,
    )

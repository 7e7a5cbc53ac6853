"""The doctor's first questions: who asks, is the family there, and does it carry a DAG's labels."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.aws_access import AwsAccessError
from airflow_ecs_dag_cli.aws_failures import AwsFailure
from airflow_ecs_dag_cli.checkup import Check, not_known, ok, problem
from airflow_ecs_dag_loader.aws_answers import NO_ANSWER
from airflow_ecs_dag_loader.definition import Definition, TaskDefinitionArn
from airflow_ecs_dag_schema.labels_v1 import VERSION_LABEL
from airflow_ecs_dag_schema.problems import label_path

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.literals import TaskDefinitionStatusType

    from airflow_ecs_dag_cli.aws_access import AwsAccess, Caller
    from airflow_ecs_dag_cli.named_family import NamedFamily

TaskDefinition = Mapping[str, Any]
"""The ``taskDefinition`` of DescribeTaskDefinition."""
_OLDER_LOOKED_AT = 20
_ALIKE = 5
_KEYS_SHOWN = 5
_AT_ONCE = 8


@dataclass(frozen=True)
class Found:
    """The revision that Airflow would take: the newest ACTIVE one, as AWS describes it."""

    arn: TaskDefinitionArn
    task_definition: TaskDefinition


def check_credentials(access: AwsAccess, named: NamedFamily) -> tuple[Check, Caller | None]:
    """Check that AWS knows who asks, and that it is the account of the ARN that was named."""
    name = "credentials"
    try:
        caller = access.caller
    except AwsAccessError as error:
        return problem(name, str(error)), None
    if named.account is not None and named.account != caller.account:
        return (
            problem(
                name,
                f"{caller.arn} is of account {caller.account}, the task definition of {named.account}: name a "
                "--profile of that account",
            ),
            None,
        )
    return ok(name, f"account {caller.account}, region {caller.region}, as {caller.arn}"), caller


def check_found(access: AwsAccess, caller: Caller, named: NamedFamily) -> tuple[Check, Found | None]:
    """Check that the family has an ACTIVE revision, and that it is the one that was named."""
    name, ecs = "found", access.ecs
    try:
        active = revisions(ecs, named.family, "ACTIVE")
        if not active:
            return _check_gone(access, caller, named), None
        newest = active[0]
        found = Found(newest, ecs.describe_task_definition(taskDefinition=newest.text)["taskDefinition"])
        if named.revision in (None, newest.revision):
            return ok(name, f"{newest.name} is ACTIVE{_registered(found)}"), found
        was = "is ACTIVE too" if any(arn.revision == named.revision for arn in active) else "is not ACTIVE"
        text = (
            f"Airflow takes the newest ACTIVE revision, {newest.name}{_registered(found)}, not {named}, which "
            f"{was}: deploy again if that one is meant; what follows is about {newest.name}"
        )
        return problem(name, text), found
    except NO_ANSWER as error:
        failure = AwsFailure.of(error)
        return (not_known if failure.is_denied else problem)(name, str(failure)), None


def check_labels(ecs: ECSClient, found: Found) -> tuple[Check, Definition | None]:
    """Check that one container of the revision carries the labels of a DAG."""
    name = "labels"
    try:
        definition = Definition.from_task_definition(found.task_definition)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return not_known(name, f"AWS's answer was not whole ({error!r}): try again"), None
    if definition is None:
        return problem(name, f"no container of {found.arn.name} has a DAG's labels", _missing(ecs, found)), None
    if definition.problem:
        return problem(name, definition.problem), definition
    count = sum(key.startswith("airflow.") for key in definition.labels)
    version = definition.labels.get(VERSION_LABEL)
    form = "the form of 2019" if version is None else f"version {label_path(version)}"
    return ok(name, f"{count} Airflow labels on container {definition.labelled_container}, {form}"), definition


def _check_gone(access: AwsAccess, caller: Caller, named: NamedFamily) -> Check:
    """Say what there is instead of an ACTIVE revision."""
    ecs = access.ecs
    inactive = revisions(ecs, named.family, "INACTIVE")
    if inactive:
        last = ecs.describe_task_definition(taskDefinition=inactive[0].text)["taskDefinition"]
        return problem(
            "found",
            f"no revision of {named.family} is ACTIVE in {caller.place}, {inactive[0].name} was the last"
            f"{_moment(last, 'deregisteredAt', ', deregistered')}: its stack was destroyed or rolled back, or somebody "
            "deregistered it; deploy the stack again",
        )
    details = []
    if alike := alike_families(ecs, named.family):
        details.append(f"families there with a name like it: {', '.join(alike)}")
    if elsewhere := _regions_with(access, named.family):
        details.append(f"it is ACTIVE in {', '.join(elsewhere)}: name that by --region, and have a bundle scan it")
    else:
        details.append("no other region of this account that answered has it, either")
    return problem(
        "found",
        f"{caller.place} has no task definition of the family {named.family}: check the name, the account and the "
        "region; what is asked for is the task definition's family, not the dag id",
        details,
    )


def revisions(ecs: ECSClient, family: str, status: TaskDefinitionStatusType) -> list[TaskDefinitionArn]:
    """Return the revisions of one family, newest first.

    Raises:
        BotoCoreError: AWS gave no answer, as do the other ones of ``NO_ANSWER``.
    """
    pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, status=status)
    arns = [TaskDefinitionArn.parse(text) for page in pages for text in page["taskDefinitionArns"]]
    return sorted((arn for arn in arns if arn.family == family), reverse=True)


def alike_families(ecs: ECSClient, family: str) -> list[str]:
    """Return the families that somebody may have meant: spelt likewise, or with this one's name as a part.

    Raises:
        BotoCoreError: As :func:`revisions`.
    """
    pages = ecs.get_paginator("list_task_definition_families").paginate(status="ACTIVE")
    families = [each for page in pages for each in page["families"]]
    by_lower = {each.lower(): each for each in families}
    close = difflib.get_close_matches(family.lower(), by_lower, n=_ALIKE, cutoff=0.7)
    parts = sorted(each for each in by_lower if family.lower() in each)
    return [by_lower[each] for each in dict.fromkeys([*close, *parts])][:_ALIKE]


def _regions_with(access: AwsAccess, family: str) -> list[str]:
    """Return the other regions where the family is ACTIVE; a region that doesn't answer counts as without it."""

    def has(ecs: ECSClient) -> bool:
        try:
            return bool(revisions(ecs, family, "ACTIVE"))
        except NO_ANSWER:
            return False

    clients = {region: access.ecs_in(region) for region in access.other_regions}  # not in threads: boto3's are not safe
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return [region for region, is_there in zip(clients, pool.map(has, clients.values()), strict=True) if is_there]


def _missing(ecs: ECSClient, found: Found) -> list[str]:
    """Return what may have become of the labels."""
    details = []
    for container in found.task_definition.get("containerDefinitions") or ():
        labels = container.get("dockerLabels") or {}
        near = [label_path(key) for key in labels if "airflow" in key.lower()]
        if near:
            shown = ", ".join(near[:_KEYS_SHOWN]) + (", ..." if len(near) > _KEYS_SHOWN else "")
            details.append(
                f"container {container.get('name')} has {shown}; a DAG's labels begin with airflow.dag. or "
                "airflow.tasks., in small letters"
            )
    try:
        older = [arn for status in ("ACTIVE", "INACTIVE") for arn in revisions(ecs, found.arn.family, status)]
        older = sorted((arn for arn in older if arn < found.arn), reverse=True)
        last = next((arn for arn in older[:_OLDER_LOOKED_AT] if _has_labels(ecs, arn)), None)
    except NO_ANSWER as error:
        return [*details, f"older revisions could not be looked at: {AwsFailure.of(error)}"]
    if last is not None:
        details.append(f"{last.name} had them last: deploy the stack with its AirflowEcsDag again")
    elif older:
        details.append(f"none of the {min(len(older), _OLDER_LOOKED_AT)} revisions before it had them, either")
    return details or ["the stack declares no AirflowEcsDag for it, or another task definition carries the DAG"]


def _has_labels(ecs: ECSClient, arn: TaskDefinitionArn) -> bool:
    described = ecs.describe_task_definition(taskDefinition=arn.text)["taskDefinition"]
    return Definition.from_task_definition(described) is not None


def _registered(found: Found) -> str:
    return _moment(found.task_definition, "registeredAt", ", registered")


def _moment(task_definition: TaskDefinition, key: str, words: str) -> str:
    value = task_definition.get(key)
    return f"{words} {value.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else ""

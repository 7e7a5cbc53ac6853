"""``airflow-ecs-dag doctor``: why a DAG isn't there, as a checklist from the credentials to the last run."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.admission_checks import check_admitted, check_decoded, check_duplicate, check_published
from airflow_ecs_dag_cli.airflow_api import AirflowApi
from airflow_ecs_dag_cli.airflow_checks import TOKEN, AirflowQuestion, airflow_checks
from airflow_ecs_dag_cli.aws_access import AwsAccess
from airflow_ecs_dag_cli.bundle_config import Where
from airflow_ecs_dag_cli.bundle_folder import BundleFolder, BundleFolderError
from airflow_ecs_dag_cli.bundle_view import look
from airflow_ecs_dag_cli.checkup import Check, Status, not_known, problem
from airflow_ecs_dag_cli.named_family import NamedFamily
from airflow_ecs_dag_cli.paragraphs import FOUND, print_place
from airflow_ecs_dag_cli.permission_checks import check_permissions
from airflow_ecs_dag_cli.place_checks import check_among_all, check_place
from airflow_ecs_dag_cli.registry_checks import check_credentials, check_found, check_labels
from airflow_ecs_dag_cli.validate_command import printable, write_json
from airflow_ecs_dag_schema import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from airflow_ecs_dag_cli.aws_access import Caller
    from airflow_ecs_dag_cli.bundle_config import BundleConfig
    from airflow_ecs_dag_cli.registry_checks import Found
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_schema import DagSpec

HEALTHY, ILL = 0, 1
_MARKS = {
    Status.OK: "[green]✓[/green]",
    Status.PROBLEM: "[red]✗[/red]",
    Status.NOT_KNOWN: "[yellow]?[/yellow]",
}
_NAME = 12


class WrongQuestionError(ValueError):
    """What was typed can't be asked; the message says what to type instead."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the doctor is asked.

    Attributes:
        named: The family.
        where: Where it is looked for.
        config: The bundle in whose places it is looked for; ``None`` for one account and region.
        policy: The platform's policy; ``None`` if it wasn't given.
        bundle_folder: The folder of a bundle on this machine.
        airflow_url: Where Airflow's page is.
        runner_role: ARN of the role that runs the DAG's tasks.
    """

    named: NamedFamily
    where: Where
    config: BundleConfig | None = None
    policy: Policy | None = None
    bundle_folder: Path | None = None
    airflow_url: str | None = None
    runner_role: str | None = None

    @classmethod
    def of(cls, family: str, *, where: Where, bundle_folder: Path | None, **more: Any) -> Self:  # noqa: ANN401 - the other fields
        """Put together what a person typed.

        Raises:
            BundleConfigError: The bundle's configuration can't be read.
            WrongQuestionError: The family is no name, the region is not the ARN's, or the policy can't be read.
        """
        try:
            named = NamedFamily.parse(family)
            policy = None if where.policy_file is None else Policy.read(where.policy_file)
        except ValueError as error:
            raise WrongQuestionError(str(error)) from None
        if where.region is not None and named.region not in {None, where.region}:
            raise WrongQuestionError(
                f"the ARN is of the region {named.region}, --region says {where.region}: leave --region out"
            )
        config = None if bundle_folder is not None and where == Where() else where.config()
        return cls(named=named, where=where, config=config, policy=policy, bundle_folder=bundle_folder, **more)


def examine(question: Question, *, as_json: bool) -> int:
    """Print the checklist on stdout, each line as it is known.

    Returns:
        The exit status: 0 if all that could be checked is right, 1 if a problem was found.
    """
    checks = _Examination(question).checks()
    if as_json:
        found = list(checks)
        status = _status(found)
        document = {
            "family": str(question.named),
            **({} if question.config is None else question.config.to_json()),
            "ok": status == HEALTHY,
            "checks": [each.to_json() for each in found],
        }
        write_json(document)
        return status
    console = Console(highlight=False, soft_wrap=True)
    found = []
    for check in checks:
        found.append(check)
        text = escape(printable(check.text))
        console.print(f"{_MARKS[check.status]} [bold]{check.name:<{_NAME}}[/bold] {text}")
        for detail in check.details:
            console.print(f"  {'':<{_NAME}} {escape(printable(detail))}")
    console.print(escape(_summary(question.named, found)))
    status = _status(found)
    if status == ILL:
        print_place(Console(stderr=True, highlight=False, soft_wrap=True), FOUND)
    return status


def _status(checks: Iterable[Check]) -> int:
    return ILL if any(check.status is Status.PROBLEM for check in checks) else HEALTHY


def _summary(named: NamedFamily, checks: list[Check]) -> str:
    counts = Counter(check.status for check in checks)
    count = counts[Status.PROBLEM]
    said = f"{count or 'no'} problem{'' if count == 1 else 's'}"
    first = next((check.name for check in checks if check.status is Status.PROBLEM), None)
    begin = f", begin with {first}" if count > 1 else ""
    unknown = f"; {counts[Status.NOT_KNOWN]} not known" if counts[Status.NOT_KNOWN] else ""
    return f"{named}: {said}{begin}{unknown}"


class _Examination:
    """One family's way through the checks; where the chain breaks, what comes after is not known."""

    def __init__(self, question: Question) -> None:
        self._question = question
        where = question.where
        self._access: AwsAccess | None = None
        if question.config is None:
            self._access = AwsAccess(region=where.region or question.named.region, profile=where.profile)
        self._source = where.source()
        self._policy = question.policy
        self._caller: Caller | None = None
        self._found: Found | None = None
        self._definition: Definition | None = None
        self._spec: DagSpec | None = None
        self._bundle: BundleFolder | None = None
        self._dag_id = ""

    def checks(self) -> Iterator[Check]:
        """Yield the checks in the order in which a DAG passes them."""
        unusable = self._read_folder()
        if self._question.config is not None:
            check, access = check_place(self._question.config, self._question.named)
            yield check
            if access is not None:
                self._access, self._source, self._policy = access, access.place.source, access.place.policy
        yield from self._registry_checks()
        yield from self._admission_checks()
        yield self._published(unusable)
        yield from self._airflow_checks()
        yield self._permissions()

    def _read_folder(self) -> Check | None:
        """Read the bundle's folder, where there is one; return why it can't be read, else ``None``."""
        config, given = self._question.config, self._question.bundle_folder
        folder = given or (None if config is None else config.folder)
        if folder is None:
            return None
        try:
            self._bundle = BundleFolder.read(folder)
        except BundleFolderError as error:
            # Nobody said that the bundle is read on this machine, if the folder follows from Airflow's settings.
            return (not_known if given is None else problem)("published", str(error))
        return None

    def _registry_checks(self) -> Iterator[Check]:
        named = self._question.named
        if self._access is None:
            yield from (_after(name, "a place that has the family") for name in ("credentials", "found", "labels"))
            return
        check, self._caller = check_credentials(self._access, named)
        yield check
        if self._caller is None:
            yield _after("found", "AWS credentials")
        else:
            check, self._found = check_found(self._access, self._caller, named)
            yield check
        if self._found is None:
            yield _after("labels", "an ACTIVE revision")
        else:
            check, self._definition = check_labels(self._access.ecs, self._found)
            yield check

    def _admission_checks(self) -> Iterator[Check]:
        definition, access = self._definition, self._access
        if access is None or definition is None or definition.problem:
            yield from (_after(name, "a DAG's labels") for name in ("decoded", "admitted", "duplicate"))
            return
        check, self._spec = check_decoded(definition)
        yield check
        if self._spec is None:
            yield from (_after(name, "labels that can be read") for name in ("admitted", "duplicate"))
            return
        self._dag_id = self._spec.dag_id
        yield check_admitted(definition, source=self._source, policy=self._policy)
        if self._question.config is not None:
            yield check_among_all(look(self._question.config), definition)
        else:
            yield check_duplicate(access.ecs, definition, source=self._source, policy=self._policy, bundle=self._bundle)

    def _published(self, unusable: Check | None) -> Check:
        if unusable is not None:
            return unusable
        if self._bundle is None:
            return not_known("published", "what the bundle made of it: give --bundle-folder on Airflow's machine")
        arn = None if self._found is None else self._found.arn
        check, dag_id = check_published(self._bundle, self._question.named.family, arn=arn)
        self._dag_id = self._dag_id or dag_id
        return check

    def _airflow_checks(self) -> Iterator[Check]:
        url = self._question.airflow_url
        if url is None:
            yield not_known("parsed", "what Airflow made of it: give --airflow URL")
            return
        api = AirflowApi(url.rstrip("/"), token=os.environ.get(TOKEN) or None)
        place = None if self._caller is None else self._caller.place
        try:
            yield from airflow_checks(AirflowQuestion(api, self._question.named.family, self._dag_id, place))
        finally:
            api.close()

    def _permissions(self) -> Check:
        role = self._question.runner_role
        if role is None:
            return not_known("permissions", "whether a run may start: give --runner-role ARN")
        if self._access is None or self._found is None or self._definition is None or self._spec is None:
            return _after("permissions", "labels that can be read")
        return check_permissions(
            self._access.iam(),
            self._access.ecs,
            role=role,
            found=self._found,
            definition=self._definition,
            spec=self._spec,
            cluster=self._spec.ecs.cluster or self._source.cluster or "default",
        )


def _after(name: str, what: str) -> Check:
    return not_known(name, f"comes after {what}")

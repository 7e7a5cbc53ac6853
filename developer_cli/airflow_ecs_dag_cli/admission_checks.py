"""The doctor's questions to the loader: can the labels be read, does the policy admit the DAG, is its id taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.aws_access import AwsAccessError, scan_shown
from airflow_ecs_dag_cli.checkup import Check, not_known, ok, problem
from airflow_ecs_dag_cli.families import TAKEN, named_dag_id, reason_text, remembered_reasons
from airflow_ecs_dag_cli.next_runs import in_words
from airflow_ecs_dag_cli.validate_command import counted
from airflow_ecs_dag_loader.admission import Admitted, admit, declared_spec
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_schema import LabelError

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_cli.bundle_folder import BundleFolder
    from airflow_ecs_dag_loader.definition import Definition, TaskDefinitionArn
    from airflow_ecs_dag_loader.source import RegistrySource
    from airflow_ecs_dag_schema import DagSpec, Policy


def check_decoded(definition: Definition) -> tuple[Check, DagSpec | None]:
    """Check that the labels are a DAG, and that the containers it names are there."""
    name = "decoded"
    try:
        spec = declared_spec(definition)
    except LabelError as error:
        count = counted(len(error.problems), "problem")
        text = f"{count} in the labels: correct the DAG where it is declared, and deploy it"
        return problem(name, text, map(str, error.problems)), None
    return ok(name, f"DAG {spec.dag_id}: {counted(len(spec.tasks), 'task')}, {in_words(spec.schedule)}"), spec


def check_admitted(definition: Definition, *, source: RegistrySource, policy: Policy | None) -> Check:
    """Check that the bundle's arguments and the platform's policy let the DAG in."""
    name = "admitted"
    (verdict,) = admit([definition], source=source, owners={}, policy=policy)
    if not isinstance(verdict, Admitted):
        count = counted(len(verdict.violations), "rule")
        text = f"{count} broken: correct the DAG, or have the platform change its policy"
        if policy is None:
            text += "; judged without the platform's policy, which may allow more: give --policy FILE"
        return problem(name, text, map(reason_text, verdict.violations))
    if verdict.violations:
        return ok(name, "the policy warns, and lets it in", map(reason_text, verdict.violations))
    if policy is None:
        return ok(name, "as far as it goes without the platform's policy, which may refuse it: give --policy FILE")
    return ok(name, "the policy lets it in")


def check_duplicate(
    ecs: ECSClient,
    definition: Definition,
    *,
    source: RegistrySource,
    policy: Policy | None,
    bundle: BundleFolder | None,
) -> Check:
    """Check that no other family has the dag id: in the bundle's memory, and in the account's registry."""
    name, own = "duplicate", definition.parsed_arn.family_key
    dag_id = named_dag_id(definition.labels)
    owners = {} if bundle is None else bundle.snapshot.owners
    owner = owners.get(dag_id)
    if owner not in {None, own}:
        return problem(
            name, f"the dag id {dag_id} belongs to the task definition {owner}, which had it first: choose another one"
        )
    known = {} if bundle is None else _of_place(bundle, definition.parsed_arn)
    try:
        with scan_shown(ecs):
            registry = scan(ecs, known=known)
    except ScanError as error:
        return not_known(name, f"the other task definitions could not be read: {AwsAccessError(error)}")
    verdicts = admit(registry.with_dags, source=source, owners=owners, policy=policy)
    others = [each.parsed_arn for each in registry.with_dags if named_dag_id(each.labels) == dag_id]
    rivals = ", ".join(each.name for each in others if each.family_key != own)
    if any(
        reason.rule == TAKEN
        for verdict in verdicts
        if verdict.definition.parsed_arn.family_key == own
        for reason in verdict.violations
    ):
        first = "which only the bundle knows (--bundle-folder)" if bundle is None else "and the bundle knows of none"
        return problem(
            name,
            f"{rivals} claims the dag id {dag_id} too; it stays with whoever had it first, {first}: choose another dag "
            "id for one of them",
        )
    if rivals:
        return ok(name, f"the dag id {dag_id} is this family's; {rivals} claims it too, and is refused")
    return ok(
        name, f"no other task definition of {definition.parsed_arn.account}/{definition.parsed_arn.region} has it"
    )


def check_published(bundle: BundleFolder, family: str, *, arn: TaskDefinitionArn | None) -> tuple[Check, str]:
    """Check what the bundle made of the family on this machine; return the dag id that it knows, too.

    Args:
        bundle: The bundle's folder.
        family: The family.
        arn: Its newest ACTIVE revision; ``None`` if that isn't known.
    """
    name, snapshot = "published", bundle.snapshot
    as_of = f"in its snapshot of {bundle.age_words}"
    there = [
        (text, definition)
        for text, definition in snapshot.definitions.items()
        if text.endswith(f":task-definition/{family}:{_revision_of(text)}")
        and (arn is None or text.split(":")[3:5] == [arn.region, arn.account])
    ]
    if not there:
        follows = ", ".join(bundle.places) or "no account that has task definitions"
        return (
            problem(
                name,
                f"the bundle has not seen the family, {as_of}; it follows {follows}: is the family's account and "
                "region among them, and does the DAG processor's log tell of a refresh that failed?",
            ),
            "",
        )
    text, definition = max(there, key=lambda each: _revision_of(each[0]))
    revision = f"{family}:{_revision_of(text)}"
    if arn is not None and _revision_of(text) != arn.revision:
        return (
            problem(
                name,
                f"the bundle still has {revision}, {as_of}, and not {family}:{arn.revision}: wait for its next "
                "refresh; if it stays so, the DAG processor's log says why",
            ),
            "" if definition is None else named_dag_id(definition.labels),
        )
    if definition is None:
        return problem(name, f"the bundle found no Airflow labels on {revision}, {as_of}"), ""
    judgement = snapshot.judgements.get(definition.parsed_arn.family_key)
    dag_id = named_dag_id(definition.labels)
    if judgement is not None and judgement.admitted:
        return ok(name, f"{revision} as the DAG {judgement.dag_id}, {as_of}"), judgement.dag_id
    reasons = () if judgement is None else remembered_reasons(definition, snapshot, judgement)
    return problem(name, f"the bundle refuses {revision}, {as_of}", map(reason_text, reasons)), dag_id


def _of_place(bundle: BundleFolder, arn: TaskDefinitionArn) -> dict[str, Definition | None]:
    """Return what the bundle knows of an account and region, which needs no describing."""
    return {
        text: definition
        for text, definition in bundle.snapshot.definitions.items()
        if text.split(":")[3:5] == [arn.region, arn.account]
    }


def _revision_of(arn: str) -> int:
    return int(arn.rpartition(":")[2])

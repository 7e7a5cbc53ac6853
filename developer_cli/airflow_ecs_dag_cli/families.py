"""What becomes of each task definition family in Airflow: judged now after a scan, or as a bundle last found it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.admission import Admitted, admit, declared_spec, judge
from airflow_ecs_dag_loader.definition import TaskDefinitionArn
from airflow_ecs_dag_schema import LabelError, Problem, Violation, decode
from airflow_ecs_dag_schema.codec import dag_id_label
from airflow_ecs_dag_schema.policy_rules import invalid_labels
from airflow_ecs_dag_schema.violations import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag_cli.bundle_view import BundleView
    from airflow_ecs_dag_loader.admission import Verdict
    from airflow_ecs_dag_loader.audit import Judgement
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.places import Place
    from airflow_ecs_dag_loader.registry import Registry
    from airflow_ecs_dag_loader.snapshot import Snapshot
    from airflow_ecs_dag_loader.source import RegistrySource
    from airflow_ecs_dag_schema import DagSpec, Policy

TAKEN = "dag-id.taken"
"""The rule that a dag id which belongs to another family breaks."""
_INVALID = "labels.invalid"


class State(StrEnum):
    """What becomes of a family."""

    LIVE = "live"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    UNLABELLED = "no labels"


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family as Airflow sees it.

    Attributes:
        arn: Its newest ACTIVE revision.
        state: What becomes of it.
        dag_id: Its DAG; empty if its labels name none.
        spec: The DAG; ``None`` if the labels can't be read.
        reasons: Why it is refused.
        warnings: What the policy only warns about.
        place: The key of the bundle's place in which it was found; empty if no bundle looked.
    """

    arn: TaskDefinitionArn
    state: State
    dag_id: str = ""
    spec: DagSpec | None = None
    reasons: tuple[Violation, ...] = ()
    warnings: tuple[Violation, ...] = ()
    place: str = ""

    @property
    def source(self) -> str:
        """The name of the source that the place is of."""
        return self.place.rpartition("/")[0]


def judged_families(registry: Registry, *, source: RegistrySource, policy: Policy | None) -> list[Family]:
    """Return the families of a scan, as the loader would judge them that sees all of them for the first time."""
    verdicts = admit(registry.with_dags, source=source, owners={}, policy=policy)
    return _sorted([*map(_judged, verdicts), *_unlabelled(registry.definitions)])


def viewed_families(view: BundleView) -> list[Family]:
    """Return the families of a bundle's places, as the bundle would judge them now; in the order of its places."""
    by_family = {verdict.definition.parsed_arn.family_key: verdict for verdict in view.outcome.verdicts}
    found: list[Family] = []
    for scan, arn, definition in view.definitions():
        if definition is None:
            family = Family(arn=TaskDefinitionArn.parse(arn), state=State.UNLABELLED)
        elif verdict := by_family.get(definition.parsed_arn.family_key):
            family = _judged(verdict)
        else:
            family = _unsaid(definition, scan.place)
        found.append(replace(family, place=scan.place.key))
    order = {scan.place.key: number for number, scan in enumerate(view.scans)}
    return sorted(found, key=lambda family: (order[family.place], family.arn))


def remembered_families(snapshot: Snapshot, places: Mapping[str, str]) -> list[Family]:
    """Return the families of a bundle's last good scan, as the bundle judged them.

    Args:
        snapshot: What it found.
        places: The key of the place of each definition, by its ARN.
    """
    found = [
        _remembered(definition, snapshot) for definition in snapshot.definitions.values() if definition is not None
    ]
    families = [*found, *_unlabelled(snapshot.definitions)]
    return _sorted([replace(each, place=places.get(each.arn.text, "")) for each in families])


def named_dag_id(labels: Mapping[str, str]) -> str:
    """Return the dag id that labels name, well or badly; empty if they name none."""
    label = dag_id_label(labels)
    return "" if label is None else labels[label]


def readable_spec(definition: Definition) -> DagSpec | None:
    """Return the DAG of a definition; ``None`` if its labels can't be read."""
    try:
        return decode(definition.labels)
    except LabelError:
        return None


def reason_text(reason: Violation) -> str:
    """Return why a family is refused, in one line; labels that are no DAG have no rule that one could look up."""
    if reason.rule == _INVALID:
        return str(Problem(reason.path, reason.message, reason.value))
    return str(reason.problem)


def remembered_reasons(definition: Definition, snapshot: Snapshot, judgement: Judgement) -> tuple[Violation, ...]:
    """Return what a bundle found to be broken; it keeps the rules, and the labels say what is wrong with themselves."""
    broken = [text.partition(" @ ") for text in judgement.broken]
    invalid = _invalid_labels(definition) if any(rule == _INVALID for rule, _, _ in broken) else ()
    known = {violation.path for violation in invalid}
    kept = [
        _kept(rule, path, definition, snapshot) for rule, _, path in broken if rule != _INVALID or path not in known
    ]
    return (*invalid, *kept)


def _judged(verdict: Verdict) -> Family:
    definition = verdict.definition
    if isinstance(verdict, Admitted):
        return Family(
            arn=definition.parsed_arn,
            state=State.LIVE,
            dag_id=verdict.spec.dag_id,
            spec=verdict.spec,
            warnings=verdict.violations,
        )
    return _refused(definition, verdict.violations)


def _remembered(definition: Definition, snapshot: Snapshot) -> Family:
    arn = definition.parsed_arn
    judgement = snapshot.judgements.get(arn.family_key)
    if judgement is None:
        return _refused(definition, _invalid_labels(definition))
    reasons = remembered_reasons(definition, snapshot, judgement)
    if judgement.admitted:
        spec = readable_spec(definition)
        return Family(arn=arn, state=State.LIVE, dag_id=judgement.dag_id, spec=spec, warnings=reasons)
    return _refused(definition, reasons)


def _unsaid(definition: Definition, place: Place) -> Family:
    """Return a family for which Airflow shows no error, because its source has too many of them."""
    verdict = judge(definition, source=place.source, policy=place.policy)
    if isinstance(verdict, Admitted):
        reason = Violation(
            "source.too-many-dags",
            "airflow.dag.dag_id",
            verdict.spec.dag_id,
            "other task definitions have this dag id or this source's places, and Airflow shows no more errors of it",
            "remove a DAG that is not needed, or ask the platform for more",
        )
        return _refused(definition, (reason,))
    return _refused(definition, verdict.violations)


def _refused(definition: Definition, reasons: tuple[Violation, ...]) -> Family:
    return Family(
        arn=definition.parsed_arn,
        state=State.DUPLICATE if any(each.rule == TAKEN for each in reasons) else State.REFUSED,
        dag_id=named_dag_id(definition.labels),
        spec=readable_spec(definition),
        reasons=reasons,
    )


def _invalid_labels(definition: Definition) -> tuple[Violation, ...]:
    try:
        declared_spec(definition)
    except LabelError as error:
        return invalid_labels(error.problems)
    return ()


def _kept(rule: str, path: str, definition: Definition, snapshot: Snapshot) -> Violation:
    value = definition.labels.get(path)
    if rule == TAKEN:
        owner = snapshot.owners.get(named_dag_id(definition.labels))
        whose = (
            f"belongs to the task definition {owner}, which had it first"
            if owner
            else "is claimed by other task definitions too"
        )
        return Violation(rule, path, value, f"this dag id {whose}", "choose another one")
    if rule == _INVALID:
        message = "this bundle can't make a DAG of the labels"
    else:
        message = f"against the bundle's rules ({RULES.get(rule, 'a rule that this version does not know')})"
    return Violation(rule, path, value, message, "its import error in Airflow says what is allowed")


def _unlabelled(definitions: Mapping[str, Definition | None]) -> Iterator[Family]:
    for arn, definition in definitions.items():
        if definition is None:
            yield Family(arn=TaskDefinitionArn.parse(arn), state=State.UNLABELLED)


def _sorted(families: list[Family]) -> list[Family]:
    return sorted(families, key=lambda family: family.arn)

"""Which of the definitions found may become DAGs, and why the others may not."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.decoded_specs import decoded
from airflow_ecs_dag_schema import DagSpec, Facts, LabelError, Policy, Problem, Violation, check
from airflow_ecs_dag_schema.policy_rules import invalid_labels, label_bytes
from airflow_ecs_dag_schema.task_definition import container_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.source import RegistrySource


log = logging.getLogger(__name__)

MOST_ERRORS = 100
"""Errors of a source that are shown at least, where ``max_dags`` is less; without ``max_dags`` all are."""


@dataclass(frozen=True)
class Admitted:
    """A definition whose DAG Airflow gets.

    Attributes:
        definition: What was admitted.
        spec: Its DAG.
        source: Where it was found, with what the platform offers to this DAG.
        violations: What the policy only warns about.
    """

    definition: Definition
    spec: DagSpec
    source: RegistrySource
    violations: tuple[Violation, ...] = ()

    @property
    def claims(self) -> tuple[str, ...]:
        """The dag ids that its family wants."""
        return (self.spec.dag_id,)


@dataclass(frozen=True)
class Refused:
    """A definition whose author gets an error.

    Attributes:
        definition: What was refused.
        reason: For Airflow's import-errors page.
        keeps: The dag ids that its family had and that nobody else gets while its author mends it.
        violations: Each rule that it breaks.
    """

    definition: Definition
    reason: str
    keeps: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()

    @property
    def claims(self) -> tuple[str, ...]:
        """The dag ids that its family wants: those that it keeps."""
        return self.keeps


Verdict = Admitted | Refused


def admit(
    definitions: Iterable[Definition],
    *,
    source: RegistrySource,
    owners: Mapping[str, str],
    policy: Policy | None = None,
    now: datetime | None = None,
    for_one_task: bool = False,
) -> list[Verdict]:
    """Judge each definition by itself, then settle who owns a dag id that two of them claim, and who has a place.

    Args:
        definitions: What the registry holds.
        source: What the platform configured.
        owners: From before: dag id to the family key that had it first; the first owner keeps it, also while its
            newest revision is refused. Where nobody had it before and several claim it, all of them are refused:
            which one was first can't be told.
        policy: What the platform lets a DAG be; without one, all that the contract allows.
        now: When a revision was deployed of which that isn't known; without it, the clock's.
        for_one_task: Whether a worker asks, which knows no owners and parses just the file that the scheduler names;
            so a claim of somebody else's makes no difference to it, and refuses nothing.
    """
    policy = Policy() if policy is None else policy
    verdicts = [judge(definition, source=source, policy=policy, now=now) for definition in definitions]
    return settle([(policy, verdicts)], owners=owners, for_one_task=for_one_task)


def judge(definition: Definition, *, source: RegistrySource, policy: Policy, now: datetime | None = None) -> Verdict:
    """Judge a definition by itself; arguments are those of :func:`admit`.

    Where it is known when the revision was registered, the answer is always the same.
    """
    try:
        spec = _checked_spec(definition, source)
    except LabelError as error:
        return refused_labels(definition, error)
    foreign = tuple(_prefix_violations(spec, source))
    broken = check(spec, policy, _facts(definition, now))
    if foreign or any(each.refuses(policy.mode) for each in broken):
        return _refused(definition, (*foreign, *broken))
    return Admitted(definition, spec, source.serving(spec, policy), broken)


def refused_labels(definition: Definition, error: LabelError) -> Refused:
    """Return the refusal of a definition whose labels are no DAG."""
    return Refused(definition, refusal(definition, error), violations=invalid_labels(error.problems))


def settle(
    groups: Iterable[tuple[Policy, Iterable[Verdict]]],
    *,
    owners: Mapping[str, str],
    staying: Collection[str] = (),
    for_one_task: bool = False,
) -> list[Verdict]:
    """Settle who owns a dag id that two definitions claim, and who has a place.

    Args:
        groups: The verdicts of each source by itself, with its policy.
        owners: As in :func:`admit`.
        staying: Families without a verdict that could not be looked for: they keep what they own.
        for_one_task: As in :func:`admit`.
    """
    owned: dict[str, tuple[str, ...]] = {}
    for dag_id, family in owners.items():
        owned[family] = (*owned.get(family, ()), dag_id)
    kept = [(policy, [_keeping(verdict, owned) for verdict in verdicts]) for policy, verdicts in groups]
    claims: dict[str, list[str]] = {}
    for _, verdicts in kept:
        for verdict in verdicts:
            for dag_id in verdict.claims:
                claims.setdefault(dag_id, []).append(verdict.definition.parsed_arn.family_key)
    settled = {dag_id: _owner(families, owners.get(dag_id), staying) for dag_id, families in claims.items()}
    if for_one_task:
        settled = {dag_id: owner for dag_id, owner in settled.items() if owner is not None}
        return [_keep_owner(verdict, settled) for _, verdicts in kept for verdict in verdicts]
    return [
        verdict
        for policy, verdicts in kept
        for verdict in _shown(_within_quota([_keep_owner(each, settled) for each in verdicts], policy, owners), policy)
    ]


def _keeping(verdict: Verdict, owned: Mapping[str, tuple[str, ...]]) -> Verdict:
    keeps = owned.get(verdict.definition.parsed_arn.family_key, ())
    return replace(verdict, keeps=keeps) if isinstance(verdict, Refused) and keeps else verdict


def _owner(families: list[str], before: str | None, staying: Collection[str]) -> str | None:
    """Return who has the dag id that ``families`` claim; ``None`` if that can't be told."""
    if before in families or before in staying:
        return before
    return families[0] if len(set(families)) == 1 else None


def _facts(definition: Definition, now: datetime | None) -> Facts:
    arn = definition.parsed_arn
    registered = definition.registered_at
    return Facts(
        deployed_at=datetime.fromisoformat(registered) if registered else now or datetime.now(UTC),
        label_bytes=label_bytes(definition.labels),
        account=arn.account,
        region=arn.region,
    )


def _refused(definition: Definition, violations: tuple[Violation, ...], *, keeps: tuple[str, ...] = ()) -> Refused:
    error = LabelError(violation.problem for violation in violations)
    return Refused(definition, refusal(definition, error), keeps, violations)


def _prefix_violations(spec: DagSpec, source: RegistrySource) -> Iterator[Violation]:
    if source.dag_id_prefix and not spec.dag_id.startswith(source.dag_id_prefix):
        yield Violation(
            "dag-id.source-prefix",
            "airflow.dag.dag_id",
            spec.dag_id,
            f"the dag ids of this account and region begin with {source.dag_id_prefix} in this Airflow",
            f"name the DAG {source.dag_id_prefix}{spec.dag_id} or the like",
        )


def declared_spec(definition: Definition) -> DagSpec:
    """Return the DAG that a definition declares.

    Raises:
        LabelError: Its labels are none, or name containers that it does not have.
    """
    if definition.problem:
        raise LabelError([Problem("airflow", definition.problem)])
    spec = decoded(definition.labels)
    if problems := container_problems(spec, [container.name for container in definition.containers]):
        raise LabelError(problems)
    return spec


def _checked_spec(definition: Definition, source: RegistrySource) -> DagSpec:
    spec = declared_spec(definition)
    if spec.ecs.cluster is None and source.cluster is None:
        raise LabelError(
            [
                Problem(
                    "airflow.ecs.cluster",
                    "no cluster is named, and this Airflow has no default for such DAGs: name the cluster in the "
                    "DAG, or let the platform give the bundle the argument cluster",
                )
            ]
        )
    return spec


def refusal(definition: Definition, error: LabelError) -> str:
    """Return the words for an author: which task definition, then each label with its problem and what to change."""
    arn = definition.parsed_arn
    return (
        f"The DAG of ECS task definition {arn.family}, revision {arn.revision} (account {arn.account}, "
        f"region {arn.region}) can't be loaded: {error}\n"
        "Correct the DAG in the project that deploys this task definition, and deploy it again."
    )


def _keep_owner(verdict: Verdict, owners: Mapping[str, str | None]) -> Verdict:
    own = verdict.definition.parsed_arn.family_key
    if isinstance(verdict, Refused) or owners.get(verdict.spec.dag_id, own) == own:
        return verdict
    owner = owners[verdict.spec.dag_id]
    taken = Violation(
        "dag-id.taken",
        "airflow.dag.dag_id",
        verdict.spec.dag_id,
        "other task definitions claim this dag id too, and it is not known which one had it first"
        if owner is None
        else f"this dag id belongs to the task definition {owner}, which had it first",
        "choose another one",
    )
    return _refused(verdict.definition, (taken,))


def _within_quota(verdicts: list[Verdict], policy: Policy, owners: Mapping[str, str]) -> list[Verdict]:
    """Return the verdicts with those over ``max_dags`` refused: who has a dag id keeps a place, then by family.

    A family that is refused for its labels keeps its place too while its author mends them.
    """
    if policy.max_dags is None:
        return verdicts
    had = set(owners.values())
    claimants = {
        verdict.definition.parsed_arn.family_key
        for verdict in verdicts
        if isinstance(verdict, Admitted) or verdict.keeps
    }
    placed = set(sorted(claimants, key=lambda family: (family not in had, family))[: policy.max_dags])
    return [
        _over_quota(verdict, policy, owners)
        if isinstance(verdict, Admitted) and verdict.definition.parsed_arn.family_key not in placed
        else verdict
        for verdict in verdicts
    ]


def _shown(verdicts: list[Verdict], policy: Policy) -> list[Verdict]:
    """Return the verdicts without the errors that are too many, for each of them is a file that Airflow parses.

    Those of families that keep a dag id all stay; the last error of the others says how many more there are.
    """
    refused = [verdict for verdict in verdicts if isinstance(verdict, Refused) and not verdict.keeps]
    most = max(policy.max_dags or 0, MOST_ERRORS)
    if policy.max_dags is None or len(refused) <= most:
        return verdicts
    refused.sort(key=lambda verdict: verdict.definition.parsed_arn.family_key)
    *shown, last = refused[:most]
    others = [verdict.definition.parsed_arn.family for verdict in refused[most:]]
    log.warning("%s more task definitions of a source are refused, and have no error of their own", len(others))
    told = replace(
        last,
        reason=f"{last.reason}\n{len(others)} more task definitions of this source are refused, and Airflow shows no "
        f"error for them, because a source with max_dags has {most} errors at most: {', '.join(others[:10])}"
        f"{' and so on' if len(others) > 10 else ''}. `airflow-ecs-dag doctor FAMILY` tells why.",  # noqa: PLR2004 - enough to know them by
    )
    return [verdict for verdict in verdicts if isinstance(verdict, Admitted) or verdict.keeps] + [*shown, told]


def _over_quota(verdict: Admitted, policy: Policy, owners: Mapping[str, str]) -> Verdict:
    dag_id = verdict.spec.dag_id
    too_many = Violation(
        "source.too-many-dags",
        "airflow.dag.dag_id",
        dag_id,
        f"this source has {policy.max_dags} DAGs in this Airflow at most, and other ones have the places",
        "remove a DAG that is not needed, or ask the platform for more",
    )
    if policy.mode == "warn":
        return replace(verdict, violations=(*verdict.violations, too_many))
    family = verdict.definition.parsed_arn.family_key
    return _refused(verdict.definition, (too_many,), keeps=(dag_id,) if owners.get(dag_id) == family else ())

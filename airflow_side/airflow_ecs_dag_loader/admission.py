"""Which of the definitions found may become DAGs, and why the others may not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import DagSpec, Facts, LabelError, Policy, Problem, Violation, check, decode
from airflow_ecs_dag_schema.policy_rules import invalid_labels, label_bytes
from airflow_ecs_dag_schema.task_definition import container_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.source import RegistrySource


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
    owned: dict[str, list[str]] = {}
    for dag_id, family in owners.items():
        owned.setdefault(family, []).append(dag_id)
    judge = _Judge(source, policy, now or datetime.now(UTC))
    verdicts = [judge(definition, owned.get(definition.parsed_arn.family_key, ())) for definition in definitions]
    claims: dict[str, list[str]] = {}
    for verdict in verdicts:
        for dag_id in [verdict.spec.dag_id] if isinstance(verdict, Admitted) else verdict.keeps:
            claims.setdefault(dag_id, []).append(verdict.definition.parsed_arn.family_key)
    settled = {dag_id: _owner(families, owners.get(dag_id)) for dag_id, families in claims.items()}
    if for_one_task:
        settled = {dag_id: owner for dag_id, owner in settled.items() if owner is not None}
        return [_keep_owner(verdict, settled) for verdict in verdicts]
    return _within_quota([_keep_owner(verdict, settled) for verdict in verdicts], policy, owners)


def _owner(families: list[str], before: str | None) -> str | None:
    """Return who of ``families`` has the dag id that they claim; ``None`` if that can't be told."""
    if before in families:
        return before
    return families[0] if len(set(families)) == 1 else None


@dataclass(frozen=True)
class _Judge:
    """What a definition is judged by."""

    source: RegistrySource
    policy: Policy
    now: datetime

    def __call__(self, definition: Definition, owned: Iterable[str]) -> Verdict:
        try:
            spec = _checked_spec(definition, self.source)
        except LabelError as error:
            return Refused(definition, refusal(definition, error), tuple(owned), invalid_labels(error.problems))
        foreign = tuple(_prefix_violations(spec, self.source))
        broken = check(spec, self.policy, self._facts(definition))
        if foreign or any(each.refuses(self.policy.mode) for each in broken):
            return _refused(definition, (*foreign, *broken), keeps=tuple(owned))
        return Admitted(definition, spec, self.source.serving(spec, self.policy), broken)

    def _facts(self, definition: Definition) -> Facts:
        arn = definition.parsed_arn
        registered = definition.registered_at
        return Facts(
            deployed_at=datetime.fromisoformat(registered) if registered else self.now,
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


def _checked_spec(definition: Definition, source: RegistrySource) -> DagSpec:
    if definition.problem:
        raise LabelError([Problem("airflow", definition.problem)])
    spec = decode(definition.labels)
    if problems := container_problems(spec, [container.name for container in definition.containers]):
        raise LabelError(problems)
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


def _over_quota(verdict: Admitted, policy: Policy, owners: Mapping[str, str]) -> Verdict:
    dag_id = verdict.spec.dag_id
    too_many = Violation(
        "source.too-many-dags",
        "airflow.dag.dag_id",
        dag_id,
        f"this account and region has {policy.max_dags} DAGs in this Airflow at most, and other ones have the places",
        "remove a DAG that is not needed, or ask the platform for more",
    )
    if policy.mode == "warn":
        return replace(verdict, violations=(*verdict.violations, too_many))
    family = verdict.definition.parsed_arn.family_key
    return _refused(verdict.definition, (too_many,), keeps=(dag_id,) if owners.get(dag_id) == family else ())

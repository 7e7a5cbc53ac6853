"""Which of the definitions found may become DAGs, and why the others may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import DagSpec, LabelError, Problem, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.source import RegistrySource


@dataclass(frozen=True)
class Admitted:
    """A definition whose DAG Airflow gets."""

    definition: Definition
    spec: DagSpec


@dataclass(frozen=True)
class Refused:
    """A definition whose author gets an error.

    Attributes:
        definition: What was refused.
        reason: For Airflow's import-errors page.
        keeps: The dag ids that its family had and that nobody else gets while its author mends it.
    """

    definition: Definition
    reason: str
    keeps: tuple[str, ...] = ()


Verdict = Admitted | Refused


def admit(definitions: Iterable[Definition], *, source: RegistrySource, owners: Mapping[str, str]) -> list[Verdict]:
    """Decode and judge each definition by itself, then settle who owns a dag id that two of them claim.

    Args:
        definitions: What the registry holds.
        source: What the platform configured.
        owners: From before: dag id to the family key that had it first; the first owner keeps it, also while its
            newest revision is refused.
    """
    owned: dict[str, list[str]] = {}
    for dag_id, family in owners.items():
        owned.setdefault(family, []).append(dag_id)
    verdicts = [
        _judge(definition, source, owned.get(definition.parsed_arn.family_key, ())) for definition in definitions
    ]
    claims: dict[str, list[str]] = {}
    for verdict in verdicts:
        for dag_id in [verdict.spec.dag_id] if isinstance(verdict, Admitted) else verdict.keeps:
            claims.setdefault(dag_id, []).append(verdict.definition.parsed_arn.family_key)
    settled = {
        dag_id: owners[dag_id] if owners.get(dag_id) in families else min(families)
        for dag_id, families in claims.items()
    }
    return [_keep_owner(verdict, settled) for verdict in verdicts]


def _judge(definition: Definition, source: RegistrySource, owned: Iterable[str]) -> Verdict:
    try:
        spec = _checked_spec(definition, source)
    except LabelError as error:
        return Refused(definition, refusal(definition, error), keeps=tuple(owned))
    return Admitted(definition, spec)


def _checked_spec(definition: Definition, source: RegistrySource) -> DagSpec:
    if definition.problem:
        raise LabelError([Problem("airflow", definition.problem)])
    spec = decode(definition.labels)
    definition.container(spec.ecs.container_name)
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


def _keep_owner(verdict: Verdict, owners: Mapping[str, str]) -> Verdict:
    if isinstance(verdict, Refused):
        return verdict
    owner = owners[verdict.spec.dag_id]
    if owner == verdict.definition.parsed_arn.family_key:
        return verdict
    problem = Problem(
        "airflow.dag.dag_id",
        f"this dag id belongs to the task definition {owner}, which had it first: choose another one",
        verdict.spec.dag_id,
    )
    return Refused(verdict.definition, refusal(verdict.definition, LabelError([problem])))

"""Who was admitted, who was refused and why, as one log line for each change; a refresh without one writes none."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow_ecs_dag_loader.admission import Admitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_ecs_dag_loader.admission import Verdict


@dataclass(frozen=True)
class Judgement:
    """What became of one family, as it is kept from scan to scan.

    Attributes:
        arn: The revision that was judged.
        admitted: Whether Airflow gets its DAG.
        dag_id: Its DAG, or the one that it keeps while refused; empty if it never had one.
        broken: What it breaks, ``schedule.too-often @ airflow.dag.schedule.cron`` each; of an admitted DAG, what the
            policy only warns about.
    """

    arn: str
    admitted: bool
    dag_id: str = ""
    broken: tuple[str, ...] = ()

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Put down a verdict."""
        return cls(
            arn=verdict.definition.arn,
            admitted=isinstance(verdict, Admitted),
            dag_id=", ".join(verdict.claims),
            broken=tuple(f"{each.rule} @ {each.path}" for each in verdict.violations),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the judgement as plain JSON values."""
        return {**asdict(self), "broken": list(self.broken)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**value, "broken": tuple(value["broken"])})


@dataclass(frozen=True)
class Change:
    """One line of the audit log.

    Attributes:
        event: ``dag admitted``, ``dag refused`` or ``dag left``.
        family_key: Account, region and family.
        judgement: The new one; of a family that left, the last.
    """

    event: str
    family_key: str
    judgement: Judgement

    @property
    def fields(self) -> dict[str, Any]:
        """The line's fields."""
        values = self.judgement.to_json()
        del values["admitted"]
        return {"family": self.family_key, **values}


def judgements(verdicts: Iterable[Verdict]) -> dict[str, Judgement]:
    """Return each family's judgement, by its key."""
    return {verdict.definition.parsed_arn.family_key: Judgement.of(verdict) for verdict in verdicts}


def changes(before: Mapping[str, Judgement], after: Mapping[str, Judgement]) -> Iterator[Change]:
    """Yield what is different, in order of the families."""
    for family in sorted(before.keys() | after.keys()):
        new = after.get(family)
        if new is None:
            yield Change("dag left", family, before[family])
        elif new != before.get(family):
            yield Change("dag admitted" if new.admitted else "dag refused", family, new)

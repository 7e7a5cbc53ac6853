"""The verdicts of one place, each made once: what was judged and proven stays so while policy and source do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.admission import Admitted, judge
from airflow_ecs_dag_loader.proof import proven

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_ecs_dag_loader.admission import Verdict
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.places import Place


class Judge:
    """Judges the definitions of one place, and remembers each verdict by its ARN.

    Where it is not known when a revision was registered, what the policy says of that moment depends on the clock, so
    such a definition is judged anew each time. Its proof is not.
    """

    def __init__(self) -> None:
        self._place: Place | None = None
        self._verdicts: dict[str, Verdict] = {}
        self._proofs: dict[str, Verdict] = {}

    def verdicts(self, place: Place, definitions: Iterable[Definition]) -> list[Verdict]:
        """Return the verdict on each definition by itself; what is not among them is forgotten."""
        if place != self._place:
            self._verdicts, self._proofs = {}, {}
        self._place = place
        verdicts = [self._verdict(place, definition) for definition in definitions]
        self._verdicts = {each.definition.arn: each for each in verdicts if each.definition.registered_at}
        self._proofs = {
            each.definition.arn: self._proofs[each.definition.arn]
            for each in verdicts
            if each.definition.arn in self._proofs
        }
        return verdicts

    def _verdict(self, place: Place, definition: Definition) -> Verdict:
        before = self._verdicts.get(definition.arn)
        if before is not None and before.definition == definition:
            return before
        return judge(definition, source=place.source, policy=place.policy)

    def proof(self, verdict: Admitted) -> Verdict | None:
        """Return what the proof of a DAG came to; ``None`` if it wasn't made yet."""
        before = self._proofs.get(verdict.definition.arn)
        if before is None or before.definition != verdict.definition:
            return None
        return verdict if isinstance(before, Admitted) else before

    def prove(self, verdict: Admitted) -> Verdict:
        """Make the proof of a DAG and return what it came to."""
        after = proven(verdict)
        self._proofs[verdict.definition.arn] = after
        return after

    def accept(self, verdict: Admitted) -> None:
        """Take a DAG for proven, as an earlier process did."""
        self._proofs[verdict.definition.arn] = verdict

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

    def begin(self, place: Place, definitions: Iterable[Definition]) -> None:
        """Judge for ``place`` from now on; what is not among ``definitions`` is forgotten, and all if it is changed."""
        known = {definition.arn for definition in definitions} if place == self._place else set()
        self._place = place
        self._verdicts = {arn: each for arn, each in self._verdicts.items() if arn in known}
        self._proofs = {arn: each for arn, each in self._proofs.items() if arn in known}

    def verdict(self, definition: Definition) -> Verdict | None:
        """Return the verdict on a definition by itself; ``None`` if it has to be made (anew)."""
        before = self._verdicts.get(definition.arn)
        return before if before is not None and before.definition == definition else None

    def judge(self, definition: Definition) -> Verdict:
        """Make the verdict on a definition by itself and return it.

        Raises:
            RuntimeError: Nothing was begun.
        """
        if self._place is None:
            raise RuntimeError("a judge begins with a place")
        verdict = judge(definition, source=self._place.source, policy=self._place.policy)
        if definition.registered_at:
            self._verdicts[definition.arn] = verdict
        return verdict

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

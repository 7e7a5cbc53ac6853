"""From scans to what Airflow parses: judged, proven, settled, written."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.admission import Admitted, Refused, settle
from airflow_ecs_dag_loader.definition import with_dags
from airflow_ecs_dag_loader.judging import Judge
from airflow_ecs_dag_loader.proof import PROVEN_WITH
from airflow_ecs_dag_loader.snapshot import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ecs_dag_loader.admission import Verdict
    from airflow_ecs_dag_loader.budget import Budget
    from airflow_ecs_dag_loader.dag_folder import DagFolder
    from airflow_ecs_dag_loader.place_scans import PlaceScan
    from airflow_ecs_dag_loader.published import Published

log = logging.getLogger(__name__)


@dataclass
class _Found:
    """What one place has to say in a refresh.

    Attributes:
        scan: Its scan.
        judge: Who judges its definitions.
        verdicts: On each of its families that no place before it has, by family key.
        held: Families whose proof the budget did not reach.
    """

    scan: PlaceScan
    judge: Judge
    verdicts: dict[str, Verdict]
    held: set[str] = field(default_factory=set)

    def claims(self) -> list[Verdict]:
        """Return the verdicts; what is held keeps the dag ids that it has."""
        return [
            Refused(verdict.definition, "its proof is pending") if family in self.held else verdict
            for family, verdict in self.verdicts.items()
        ]


class Judging:
    """Judges what the scans found, refresh after refresh, each definition once.

    Args:
        dags: The folder that Airflow parses.
    """

    def __init__(self, dags: DagFolder) -> None:
        self._dags = dags
        self._judges: dict[str, Judge] = {}

    def outcome(
        self, scans: Sequence[PlaceScan], *, before: Published, budget: Budget | None, for_one_task: bool = False
    ) -> Outcome:
        """Return what becomes of the families that were found.

        Args:
            scans: One a place.
            before: What was published before.
            budget: The time for proofs; ``None`` for no proofs at all.
            for_one_task: As in :func:`admission.settle`.
        """
        found = self._found(scans)
        if budget is not None:
            self._prove(found, before, budget)
        unfinished = [each for each in found if each.scan.state is None or not each.scan.state.is_complete]
        sources = [list(each) for _, each in groupby(found, key=lambda each: each.scan.place.source.name)]
        settled = settle(
            [(each[0].scan.place.policy, [claim for place in each for claim in place.claims()]) for each in sources],
            owners=before.owners,
            staying=before.judgements.keys() - {family for each in found for family in each.verdicts}
            if unfinished
            else frozenset(),
            for_one_task=for_one_task,
        )
        held = frozenset(family for each in found for family in each.held)
        return Outcome(
            verdicts=[each for each in settled if each.definition.parsed_arn.family_key not in held],
            held=held,
            unsettled=frozenset(family for each in (found if for_one_task else unfinished) for family in each.verdicts),
            keeps_others=bool(unfinished),
            proven_with="" if budget is None or held else PROVEN_WITH,
            place_of={family: each.scan.place.key for each in found for family in each.verdicts},
        )

    def _found(self, scans: Sequence[PlaceScan]) -> list[_Found]:
        self._judges = {each.place.key: self._judges.get(each.place.key, Judge()) for each in scans}
        found: list[_Found] = []
        taken: set[str] = set()
        for each in scans:
            judge = self._judges[each.place.key]
            verdicts = {
                verdict.definition.parsed_arn.family_key: verdict
                for verdict in judge.verdicts(each.place, with_dags(each.state.definitions if each.state else {}))
            }
            if twice := taken & verdicts.keys():
                log.warning("another source has these families too, and keeps them: %s", ", ".join(sorted(twice)))
            found.append(_Found(each, judge, {key: verdicts[key] for key in verdicts if key not in taken}))
            taken |= verdicts.keys()
        return found

    def _prove(self, found: Sequence[_Found], before: Published, budget: Budget) -> None:
        """Replace each verdict by what its proof came to; those that Airflow has by now come first."""
        was_proven = before.proven_with == PROVEN_WITH
        done = 0
        for each, family in _in_turn(found, before):
            verdict = each.verdicts[family]
            if not isinstance(verdict, Admitted):
                continue
            if (proof := each.judge.proof(verdict)) is not None:
                each.verdicts[family] = proof
            elif was_proven and self._dags.holds(verdict):
                each.judge.accept(verdict)
            elif budget.allows(done):
                each.verdicts[family] = each.judge.prove(verdict)
                done += 1
            else:
                each.held.add(family)


def _in_turn(found: Sequence[_Found], before: Published) -> list[tuple[_Found, str]]:
    """Return the families, those that Airflow has by now first, and of each place one in turn: none starves another."""
    turns = [
        (family not in before.judgements, turn, each, family)
        for each in found
        for turn, family in enumerate(sorted(each.verdicts, key=lambda family: family not in before.judgements))
    ]
    return [(each, family) for _, _, each, family in sorted(turns, key=lambda one: one[:2])]

"""From scans to what Airflow parses: judged, proven, settled, written."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.admission import Admitted, Refused, settle
from airflow_ecs_dag_loader.budget import Budget
from airflow_ecs_dag_loader.definition import with_dags
from airflow_ecs_dag_loader.judging import Judge
from airflow_ecs_dag_loader.out_of_sight import OutOfSight
from airflow_ecs_dag_loader.proof import PROVEN_WITH
from airflow_ecs_dag_loader.snapshot import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ecs_dag_loader.admission import Verdict
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.family_files import FamilyFiles
    from airflow_ecs_dag_loader.place_scans import PlaceScan
    from airflow_ecs_dag_loader.published import Published

log = logging.getLogger(__name__)


@dataclass
class _Found:
    """What one place has to say in a refresh.

    Attributes:
        scan: Its scan.
        judge: Who judges its definitions.
        definitions: Those of its families that no place before it has, by family key.
        verdicts: On those that the budget reached.
        unproven: Families whose proof it did not reach.
    """

    scan: PlaceScan
    judge: Judge
    definitions: dict[str, Definition]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    unproven: set[str] = field(default_factory=set)

    @property
    def unjudged(self) -> set[str]:
        """Families whose verdict the budget did not reach."""
        return self.definitions.keys() - self.verdicts.keys()

    @property
    def held(self) -> set[str]:
        """Families of which nothing new can be said yet."""
        return self.unproven | self.unjudged

    def claims(self) -> list[Verdict]:
        """Return the verdicts; what is held keeps the dag ids that it has, and claims the one that it wants."""
        return [self._claim(family, definition) for family, definition in self.definitions.items()]

    def _claim(self, family: str, definition: Definition) -> Verdict:
        verdict = self.verdicts.get(family)
        if verdict is None or family in self.unproven:
            return Refused(definition, "it is held", verdict.claims if verdict else ())
        return verdict


class Judging:
    """Judges what the scans found, refresh after refresh, each definition once.

    Args:
        families: The files of all families.
    """

    def __init__(self, families: FamilyFiles) -> None:
        self._families = families
        self._judges: dict[str, Judge] = {}

    def outcome(
        self, scans: Sequence[PlaceScan], *, before: Published, budget: Budget | None, for_one_task: bool = False
    ) -> Outcome:
        """Return what becomes of the families that were found.

        Args:
            scans: One a place.
            before: What was published before.
            budget: The time for verdicts and proofs; ``None`` for all verdicts and no proofs at all.
            for_one_task: As in :func:`admission.settle`.
        """
        found = self._found(scans)
        self._judge(found, before, budget or Budget())
        if budget is not None:
            self._prove(found, before, budget)
        unfinished = [each for each in found if not each.scan.is_whole]
        is_partial = for_one_task or any(each.unjudged for each in found)
        out_of_sight = OutOfSight(scans, before.places)
        sources = [list(each) for _, each in groupby(found, key=lambda each: each.scan.place.source.name)]
        settled = settle(
            [(each[0].scan.place.policy, [claim for place in each for claim in place.claims()]) for each in sources],
            owners=before.owners,
            staying={family for family in before.judgements if family in out_of_sight}
            - {family for each in found for family in each.definitions},
            for_one_task=for_one_task,
        )
        held = frozenset(family for each in found for family in each.held)
        return Outcome(
            verdicts=[each for each in settled if each.definition.parsed_arn.family_key not in held],
            held=held,
            unsettled=frozenset(family for each in (found if is_partial else unfinished) for family in each.verdicts),
            out_of_sight=out_of_sight,
            proven_with="" if budget is None or held else PROVEN_WITH,
            place_of={family: each.scan.place.key for each in found for family in each.definitions},
        )

    def _found(self, scans: Sequence[PlaceScan]) -> list[_Found]:
        self._judges = {each.place.key: self._judges.get(each.place.key, Judge()) for each in scans}
        found: list[_Found] = []
        taken: set[str] = set()
        for each in scans:
            definitions = {
                definition.parsed_arn.family_key: definition
                for definition in with_dags(each.state.definitions if each.state else {})
            }
            self._judges[each.place.key].begin(each.place, definitions.values())
            if twice := taken & definitions.keys():
                log.warning("another source has these families too, and keeps them: %s", ", ".join(sorted(twice)))
            own = {key: definitions[key] for key in definitions if key not in taken}
            found.append(_Found(each, self._judges[each.place.key], own))
            taken |= definitions.keys()
        return found

    def _judge(self, found: Sequence[_Found], before: Published, budget: Budget) -> None:
        """Find the verdict on each definition by itself, as far as the budget reaches."""
        done = 0
        for each, family in _in_turn(found, before):
            definition = each.definitions[family]
            verdict = each.judge.verdict(definition)
            if verdict is None and budget.allows(done):
                verdict = each.judge.judge(definition)
                done += 1
            if verdict is not None:
                each.verdicts[family] = verdict

    def _prove(self, found: Sequence[_Found], before: Published, budget: Budget) -> None:
        """Replace each verdict by what its proof came to; those that Airflow has by now come first."""
        was_proven = before.proven_with == PROVEN_WITH
        done = 0
        for each, family in _in_turn(found, before):
            verdict = each.verdicts.get(family)
            if not isinstance(verdict, Admitted):
                continue
            if (proof := each.judge.proof(verdict)) is not None:
                each.verdicts[family] = proof
            elif was_proven and self._families.holds(verdict):
                each.judge.accept(verdict)
            elif budget.allows(done):
                each.verdicts[family] = each.judge.prove(verdict)
                done += 1
            else:
                each.unproven.add(family)


def _in_turn(found: Sequence[_Found], before: Published) -> list[tuple[_Found, str]]:
    """Return the families, those that Airflow has by now first, and of each place one in turn: none starves another."""
    turns = [
        (family not in before.judgements, turn, each, family)
        for each in found
        for turn, family in enumerate(sorted(each.definitions, key=lambda family: family not in before.judgements))
    ]
    return [(each, family) for _, _, each, family in sorted(turns, key=lambda one: one[:2])]

"""What a bundle keeps on disk: the files that Airflow parses, and the state for the next refresh.

::

    <folder>/dags/                                  a file a family (:mod:`family_files`), or archives of them
    <folder>/families/                              a file a family, where there are archives (:mod:`dag_archives`)
    <folder>/state/<source>/<region>.json           one a place: definitions by ARN
    <folder>/state/published.json                   version, owners of dag ids, judgements
    <folder>/published/                             the same in parts (:mod:`published`)

The places are written first, then the files, the archives, and what was published last. A process that is killed in
between leaves whole files, and the next refresh does the rest. All is private to its user.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.audit import Judgement, judgements
from airflow_ecs_dag_loader.dag_archives import DagArchives
from airflow_ecs_dag_loader.family_files import FamilyFiles
from airflow_ecs_dag_loader.file_names import PARSED, UNPACKED
from airflow_ecs_dag_loader.place_state import PlaceState, PlaceStates
from airflow_ecs_dag_loader.places import Place
from airflow_ecs_dag_loader.private_files import make_private_folder, remove_left_over
from airflow_ecs_dag_loader.published import Published

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from pathlib import Path

    from airflow_ecs_dag_loader.admission import Verdict
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.registry import Registry
    from airflow_ecs_dag_loader.source import RegistrySource


@dataclass(frozen=True)
class Snapshot:
    """All that the last refresh left, in one.

    Attributes:
        definitions: Those of all places, as in :class:`Registry`.
        owners: As in :class:`Published`.
        version: As in :class:`Published`.
        judgements: As in :class:`Published`.
    """

    definitions: Mapping[str, Definition | None] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    judgements: Mapping[str, Judgement] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Snapshot:
        """Read what is in ``folder``; what is absent, broken or of another format counts as none."""
        published = cls.read_published(folder)
        states = PlaceStates(state_folder(folder))
        definitions: dict[str, Definition | None] = {}
        for key in published.places:
            if state := states.read(key):
                definitions |= {arn: each for arn, each in state.definitions.items() if arn not in definitions}
        return cls(definitions, published.owners, published.version, published.judgements)

    @classmethod
    def read_published(cls, folder: Path) -> Published:
        """Read the version, the owners and the judgements alone, and no definition."""
        return Published.read(state_folder(folder))


def dags_folder(folder: Path) -> Path:
    """Return the folder that the DAG processor parses."""
    return folder / PARSED


def state_folder(folder: Path) -> Path:
    """Return the folder of the state."""
    return folder / "state"


@dataclass(frozen=True)
class Outcome:
    """What a refresh made of what it found.

    Attributes:
        verdicts: One a family.
        held: Keys of families of which nothing new can be said yet: what is there stays.
        unsettled: Keys of families whose place was not looked through whole yet: who had a dag id first is not known.
        out_of_sight: Keys of families that could not be looked for: they stay too.
        proven_with: The versions that built each DAG; empty if one wasn't built yet.
        place_of: The key of the place in which each of these families was found, by its own key.
    """

    verdicts: Sequence[Verdict]
    held: frozenset[str] = frozenset()
    unsettled: frozenset[str] = frozenset()
    out_of_sight: Container[str] = frozenset()
    proven_with: str = ""
    place_of: Mapping[str, str] = field(default_factory=dict)


class SnapshotWriter:
    """Writes what refreshes find.

    Args:
        folder: The bundle's folder.
        archives: How many archives the DAGs of an account's region are packed into; 0 for none.

    Attributes:
        families: The files of all families.
        states: What was found, by place.
    """

    def __init__(self, folder: Path, archives: int = 0) -> None:
        self._folder = folder
        self.families = FamilyFiles(folder, archives)
        self._archives = DagArchives(folder) if archives else None
        self.states = PlaceStates(state_folder(folder))

    def write(self, states: Mapping[str, PlaceState | None], outcome: Outcome, before: Published) -> Published:
        """Write it all, only where it changed; return what is published then.

        Args:
            states: The state of each place, by its key; ``None`` for one that was not scanned well, whose file stays.
            outcome: What became of the families.
            before: What was published before.

        Raises:
            OSError: The folder can't be written.
        """
        make_private_folder(state_folder(self._folder), within=self._folder)
        for key, state in states.items():
            if state is not None:
                self.states.write(key, state)
        hashes = self.families.write(outcome.verdicts, held=outcome.held, out_of_sight=outcome.out_of_sight)
        if self._archives is not None:
            self._archives.write(self.families.path, hashes)
        elif (unpacked := self._folder / UNPACKED).is_dir():
            shutil.rmtree(unpacked)
        version = hashlib.sha256("".join(f"{path}\0{hashes[path]}\0" for path in sorted(hashes)).encode()).hexdigest()
        judged = judgements(outcome.verdicts)
        stays = {
            family: judgement
            for family, judgement in before.judgements.items()
            if family not in judged and (family in outcome.held or family in outcome.out_of_sight)
        }
        claims = {
            dag_id: family
            for dag_id, family in _claims(outcome.verdicts)
            if family not in outcome.unsettled or before.owners.get(dag_id) == family
        }
        kept = {dag_id: family for dag_id, family in before.owners.items() if family in stays}
        accounts = {key: state.account if state else before.places.get(key, "") for key, state in states.items()}
        published = Published(version[:40], {**claims, **kept}, {**stays, **judged}, accounts, outcome.proven_with)
        published.write(state_folder(self._folder))
        self.states.keep_only(states.keys())
        for folder in (self._folder, state_folder(self._folder)):
            remove_left_over(folder)
        return published


def _claims(verdicts: Iterable[Verdict]) -> list[tuple[str, str]]:
    return [(dag_id, each.definition.parsed_arn.family_key) for each in verdicts for dag_id in each.claims]


def publish(
    folder: Path, *, registry: Registry, verdicts: Sequence[Verdict], source: RegistrySource, archives: int = 0
) -> Snapshot:
    """Write what the scan of a single place found; return what is there then.

    Raises:
        OSError: The folder can't be written.
    """
    place = Place(source)
    state = PlaceState(registry.definitions, place.identity, registry.account, is_complete=True)
    SnapshotWriter(folder, archives).write({place.key: state}, Outcome(verdicts), Snapshot.read_published(folder))
    return Snapshot.read(folder)

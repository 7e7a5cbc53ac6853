"""What a bundle would make of what its places hold now: read and judged as the bundle does, and nothing written."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.bundle_config import among_airflow
from airflow_ecs_dag_cli.families import named_dag_id
from airflow_ecs_dag_cli.place_reading import read_places
from airflow_ecs_dag_loader.budget import Budget
from airflow_ecs_dag_loader.dag_owners import known_owners, may_ask_database
from airflow_ecs_dag_loader.family_files import FamilyFiles
from airflow_ecs_dag_loader.place_scans import PlaceScans
from airflow_ecs_dag_loader.place_state import PlaceStates
from airflow_ecs_dag_loader.refresh import Judging
from airflow_ecs_dag_loader.snapshot import Snapshot, state_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from airflow_ecs_dag_cli.bundle_config import BundleConfig
    from airflow_ecs_dag_loader.admission import Verdict
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.place_scans import PlaceScan
    from airflow_ecs_dag_loader.snapshot import Outcome

_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class BundleView:
    """What was read, and what became of it.

    Attributes:
        scans: One a place, in the bundle's order.
        outcome: The verdicts.
        owners: Who had each dag id before, as far as this machine knows.
    """

    scans: tuple[PlaceScan, ...]
    outcome: Outcome
    owners: Mapping[str, str]

    @property
    def unread(self) -> tuple[PlaceScan, ...]:
        """The places that could not be read."""
        return tuple(scan for scan in self.scans if scan.error is not None)

    @property
    def is_blind(self) -> bool:
        """Whether nothing is known of any place."""
        return all(scan.state is None for scan in self.scans)

    def definitions(self) -> Iterator[tuple[PlaceScan, str, Definition | None]]:
        """Yield each family's newest revision by its ARN, once: a family that two places reach is the first one's."""
        seen: set[str] = set()
        for scan in self.scans:
            found = {} if scan.state is None else scan.state.definitions
            yield from ((scan, arn, definition) for arn, definition in found.items() if arn not in seen)
            seen |= found.keys()

    def verdict(self, family_key: str) -> Verdict | None:
        """Return the verdict on a family; ``None`` if it has none."""
        verdicts = (each for each in self.outcome.verdicts if each.definition.parsed_arn.family_key == family_key)
        return next(verdicts, None)

    def claimants(self, dag_id: str) -> list[Definition]:
        """Return the definitions whose labels name a dag id."""
        return [each for _, _, each in self.definitions() if each is not None and named_dag_id(each.labels) == dag_id]


def look(config: BundleConfig) -> BundleView:
    """Read all places of a bundle and judge what is there.

    Where the bundle's folder can be read, nothing is asked that the bundle knows, and a place that can't be read
    is shown as the bundle found it last.
    """
    with tempfile.TemporaryDirectory(prefix="airflow-ecs-dag-") as empty, _shown(config), among_airflow():
        folder = config.folder or Path(empty)
        scanner = PlaceScans(PlaceStates(state_folder(folder)), call_share=config.call_share)
        scans = read_places(scanner, config.places)
        published = Snapshot.read_published(folder)
        before = replace(published, owners=_owners(config, published.owners))
        outcome = Judging(FamilyFiles(folder, config.archives)).outcome(scans, before=before, budget=Budget())
    return BundleView(tuple(scans), outcome, before.owners)


def _owners(config: BundleConfig, on_disk: Mapping[str, str]) -> dict[str, str]:
    """Return who has each dag id as a DAG processor that starts on this machine would."""
    if not config.bundle or not _has_database():
        return dict(on_disk)
    return known_owners(config.bundle, on_disk, with_last=True)


def _has_database() -> bool:
    """Tell whether Airflow has a database here; to ask for one of SQLite that isn't there would make it."""
    if not may_ask_database():
        return False
    from airflow.configuration import conf  # noqa: PLC0415 - for a machine of Airflow's

    address = conf.get("database", "sql_alchemy_conn", fallback="")
    return bool(address) and (not address.startswith(_SQLITE) or Path(address.removeprefix(_SQLITE)).exists())


def _shown(config: BundleConfig) -> AbstractContextManager[object]:
    """Show that places are read, on stderr and only if that is a terminal."""
    console = Console(stderr=True, highlight=False)
    return console.status(f"reading {escape(config.title)}") if console.is_terminal else nullcontext()

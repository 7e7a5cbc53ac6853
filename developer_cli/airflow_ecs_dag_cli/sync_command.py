"""``airflow-ecs-dag sync``: writes what the registry holds to a shared snapshot, for Airflows without bundles."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.aws_access import AwsAccess, AwsAccessError, use_profile
from airflow_ecs_dag_cli.place_reading import read_places, why_unread
from airflow_ecs_dag_cli.validate_command import printable
from airflow_ecs_dag_loader.admission import Admitted
from airflow_ecs_dag_loader.budget import Budget
from airflow_ecs_dag_loader.definition import Definition
from airflow_ecs_dag_loader.place_scans import PlaceScans
from airflow_ecs_dag_loader.place_state import PlaceState
from airflow_ecs_dag_loader.places import BundlePlaces, Place, ScanAccess
from airflow_ecs_dag_loader.private_files import make_private_folder
from airflow_ecs_dag_loader.proof import PROVEN_WITH
from airflow_ecs_dag_loader.refresh import Judging
from airflow_ecs_dag_loader.shared_snapshot import (
    Index,
    SharedDag,
    SharedRefusal,
    dag_record,
    digest_of,
    read_index,
    read_object,
    read_record,
    write_snapshot,
)
from airflow_ecs_dag_loader.snapshot import Snapshot, SnapshotWriter
from airflow_ecs_dag_loader.snapshot_stores import MOST_CALLS, AbsentError, SnapshotError, open_store
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema import DagDefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_ecs_dag_loader.place_scans import PlaceScan
    from airflow_ecs_dag_loader.place_state import PlaceStates
    from airflow_ecs_dag_loader.snapshot import Outcome
    from airflow_ecs_dag_loader.snapshot_stores import Store

SYNCED, IN_PART = 0, 1
_NAME = "sync"
"""The source of a sync without a file of sources."""


class SyncError(RuntimeError):
    """Nothing was synced; the message says why."""


@dataclass(frozen=True, kw_only=True)
class SyncOptions:
    """What a sync reads and where it writes.

    Attributes:
        to: ``s3://bucket/prefix``, or the path of a folder.
        sources_file: YAML file of the sources; without it, the five options below make one.
        region: AWS region; ``None`` for that of the profile or of the environment.
        cluster: ECS cluster for DAGs that name none.
        dag_id_prefix: What each dag id begins with.
        policy_file: What the DAGs may be.
        profile: A profile of the AWS configuration, for ECS and S3.
        state: Folder for what was described; ``None`` for one in the user's cache.
        expected_bucket_owner: The account that the bucket belongs to.
    """

    to: str
    sources_file: Path | None = None
    region: str | None = None
    cluster: str | None = None
    dag_id_prefix: str | None = None
    policy_file: Path | None = None
    profile: str | None = None
    state: Path | None = None
    expected_bucket_owner: str | None = None

    def places(self) -> tuple[Place, ...]:
        """Return where to look.

        Raises:
            DagDefinitionError: The sources or the policy are none.
            AwsAccessError: There is no region, or there are no credentials.
        """
        source = RegistrySource(name=_NAME)
        if self.sources_file is None:
            source = replace(
                source,
                region_name=AwsAccess(region=self.region, profile=self.profile).caller.region,
                cluster=self.cluster,
                dag_id_prefix=self.dag_id_prefix,
            )
        return BundlePlaces(
            bundle=_NAME,
            single=Place(source, ScanAccess()),
            sources_file=None if self.sources_file is None else str(self.sources_file),
            policy_file=None if self.policy_file is None else str(self.policy_file),
        ).read()


def sync_registry(options: SyncOptions) -> int:
    """Bring a shared snapshot up to date and print what changed; return the exit status.

    Raises:
        SyncError: Nothing could be synced, and nothing was changed.
    """
    if options.profile is not None:
        use_profile(options.profile)
    try:
        store = open_store(
            options.to if "://" in options.to else str(Path(options.to).absolute()),
            expected_bucket_owner=options.expected_bucket_owner,
        )
        with _state_folder(options.state, store.address) as folder:
            return _sync(options.places(), store, folder)
    except (DagDefinitionError, SnapshotError, AwsAccessError, OSError) as error:
        raise SyncError(str(error)) from error


def _sync(places: Sequence[Place], store: Store, folder: Path) -> int:
    index = read_index(store) or Index()
    writer = SnapshotWriter(folder)
    _seed(writer.states, places, index, store)
    scans = read_places(PlaceScans(writer.states), places)
    failed = [each for each in scans if each.error is not None]
    if len(failed) == len(scans):
        raise SyncError("nothing is changed, for no source can be read: " + "; ".join(map(why_unread, failed)))
    before = Snapshot.read_published(folder)
    if index.version != Index().version:
        before = replace(before, owners=index.owners)
    outcome = Judging(writer.families).outcome(scans, before=before, budget=Budget())
    writer.write({each.place.key: None if each.error else each.state for each in scans}, outcome, before)
    after, records = _content(outcome, index)
    changed = write_snapshot(store, after, records, now=time.time())
    _print(index, after, failed, f"{store.address}: {'written' if changed else 'nothing changed'}")
    return IN_PART if failed else SYNCED


def _seed(states: PlaceStates, places: Sequence[Place], index: Index, store: Store) -> None:
    """Give a place whose state is lost the definitions that the snapshot has of it: what it knew can't get lost then.

    Raises:
        SnapshotError: They can't be read.
    """
    new = [place for place in places if states.read(place.key) is None]
    if not new:
        return
    with ThreadPoolExecutor(max_workers=MOST_CALLS) as threads:
        records = list(threads.map(lambda digest: _known(store, digest), sorted(index.digests)))
    found: dict[str, dict[str, Definition | None]] = {}
    for key, definition in filter(None, records):
        found.setdefault(key, {})[definition.arn] = definition
    for place in new:
        if definitions := found.get(place.key):
            account = {each.parsed_arn.account for each in definitions.values() if each is not None}
            states.write(place.key, PlaceState(definitions, place.identity, min(account)))


def _known(store: Store, digest: str) -> tuple[str, Definition] | None:
    """Return a definition and the key of its place; ``None`` if the object is lost or an older version's."""
    try:
        record, source = read_record(read_object(store, digest))
        place = Place(RegistrySource(name=source["name"], region_name=source["region_name"]))
        return place.key, Definition.from_json(record)
    except (AbsentError, KeyError, TypeError):
        return None


def _content(outcome: Outcome, before: Index) -> tuple[Index, dict[str, bytes]]:
    """Return what the snapshot shall hold, and the objects of it."""
    dags: dict[str, SharedDag] = {}
    refused: dict[str, SharedRefusal] = {}
    records: dict[str, bytes] = {}
    for verdict in outcome.verdicts:
        family = verdict.definition.parsed_arn.family_key
        if isinstance(verdict, Admitted):
            record = dag_record(verdict)
            digest = digest_of(record)
            dags[verdict.spec.dag_id] = SharedDag(family, digest)
            records[digest] = record
        else:
            refused[family] = SharedRefusal(verdict.reason, verdict.keeps)
    families = {verdict.definition.parsed_arn.family_key for verdict in outcome.verdicts}
    there = before.refused.keys() | {each.family for each in before.dags.values()}
    stay = {family for family in there - families if family in outcome.out_of_sight}
    kept = {dag_id: each for dag_id, each in before.dags.items() if each.family in stay}
    still_refused = {family: each for family, each in before.refused.items() if family in stay}
    proven_with = outcome.proven_with if not kept or before.proven_with == PROVEN_WITH else ""
    return Index(dags | kept, refused | still_refused, proven_with), records


def _print(before: Index, after: Index, failed: Sequence[PlaceScan], result: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for dag_id in sorted(before.dags.keys() | after.dags.keys()):
        old, new = before.dags.get(dag_id), after.dags.get(dag_id)
        if old != new:
            mark = "[red]-[/red]" if new is None else "[yellow]~[/yellow]" if old else "[green]+[/green]"
            family = next(each.family for each in (new, old) if each is not None)
            console.print(f"{mark} {escape(printable(dag_id))}  {escape(family)}")
    for family, refusal in sorted(after.refused.items()):
        console.print(f"[red]✗[/red] {escape(printable(family))}")
        for line in refusal.reason.splitlines():
            console.print(f"    {escape(printable(line))}")
    for each in failed:
        console.print(f"[yellow]![/yellow] {escape(printable(why_unread(each)))}: its DAGs stay as they were")
    console.print(escape(f"{result}; {len(after.dags)} DAGs, {len(after.refused)} refused"))


@contextmanager
def _state_folder(given: Path | None, address: str) -> Iterator[Path]:
    """Yield the private folder of a snapshot's state, which no other sync has meanwhile.

    Raises:
        SyncError: Another one has it.
        OSError: It can't be made.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airflow-ecs-dag"
    folder = (given or cache).absolute() / f"sync-{hashlib.sha256(address.encode()).hexdigest()[:20]}"
    make_private_folder(folder, within=folder)
    lock = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise SyncError(f"another sync to {address} is under way with the state {folder}: let it end first") from None
    try:
        yield folder
    finally:
        os.close(lock)

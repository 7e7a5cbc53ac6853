"""The scans of all places of a bundle at once, each failing alone and going on where it stopped."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.aws_clients import CallCount, PlaceClient
from airflow_ecs_dag_loader.call_rate import DEFAULT_SHARE, CallRate
from airflow_ecs_dag_loader.place_state import PlaceState
from airflow_ecs_dag_loader.registry import Registry, describe_newest, scan
from airflow_ecs_dag_loader.scan_error import ScanError
from airflow_ecs_dag_loader.scan_progress import ScanProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_ecs_dag_loader.budget import Budget
    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.place_state import PlaceStates
    from airflow_ecs_dag_loader.places import Place, ScanAccess

_MOST_THREADS = 64
"""Places that are scanned at once. A scan mostly waits for its turn in AWS's bucket, and each place has its own."""


@dataclass(frozen=True)
class PlaceScan:
    """What the scan of one place came to.

    Attributes:
        place: What was scanned.
        before: The state of the last good scan, if there is one of this place; where this disk has none and the scan
            failed, what Airflow shows of it.
        registry: What was found; empty if it failed.
        error: Why it failed, else ``None``.
        seconds: How long it took.
        count: What was sent.
    """

    place: Place
    before: PlaceState | None
    registry: Registry
    error: ScanError | None
    seconds: float
    count: CallCount

    @property
    def state(self) -> PlaceState | None:
        """The state to go on with: that of this scan, or of the last good one."""
        if self.error is not None:
            return self.before
        was_complete = self.before is not None and self.before.is_complete
        return PlaceState(
            definitions=self.registry.definitions,
            identity=self.place.identity,
            account=self.registry.account or (self.before.account if self.before else ""),
            is_complete=was_complete or not self.registry.pending,
        )

    @property
    def is_whole(self) -> bool:
        """Whether this scan, or one before, has gone through all that there is."""
        return self.state is not None and self.state.is_complete

    @property
    def has_changed(self) -> bool:
        """Whether it found something else than the scan before."""
        return self.error is None and self.state != self.before


class PlaceScans:
    """Scans places, refresh after refresh; keeps their clients, their rates and what unfinished scans got to know.

    Args:
        states: The states of the places.
        shown: Returns what Airflow shows of places, by their key; asked for those that this disk knows nothing of, if
            their scan fails.
        call_share: The part of AWS's own rate that may be used, for each account and region.
        clock: Seconds that only go up.
        sleep: Waits for so many seconds.

    Raises:
        ValueError: ``call_share`` is no such part.
    """

    def __init__(
        self,
        states: PlaceStates,
        *,
        shown: Callable[[Sequence[Place]], Mapping[str, PlaceState]] = lambda _: {},
        call_share: float = DEFAULT_SHARE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._states = states
        self._shown = shown
        self._remembered: dict[str, PlaceState] = {}
        self._clock = clock
        self._new_rate = partial(CallRate, call_share, clock=clock, sleep=sleep)
        self._new_rate()  # a share that is none is told at once
        self._clients: dict[_ClientKey, PlaceClient] = {}
        self._rates: dict[tuple[str, str], CallRate] = {}
        self._progress: dict[_ClientKey, ScanProgress] = {}

    def scan(self, places: Sequence[Place], budget: Budget) -> list[PlaceScan]:
        """Scan ``places``; no thread is left when this returns, for the DAG processor forks."""
        work = [self._work(place) for place in places]
        with ThreadPoolExecutor(max_workers=min(_MOST_THREADS, len(work))) as threads:
            scans = list(threads.map(lambda each: self._scan(each, budget), work))
        unknown = [each.place for each in scans if each.state is None]
        if missing := [place for place in unknown if place.key not in self._remembered]:
            self._remembered |= self._shown(missing)
        self._remembered = {
            place.key: self._remembered[place.key] for place in unknown if place.key in self._remembered
        }
        return [each if each.state else replace(each, before=self._remembered.get(each.place.key)) for each in scans]

    def ask_one(self, place: Place, family: str) -> Definition | None:
        """Return the newest ACTIVE definition of one family, by one call; ``None`` if it has no Airflow labels.

        Raises:
            ScanError: AWS gave no usable answer.
        """
        return describe_newest(PlaceClient(place).get(), family)

    def client(self, place: Place) -> PlaceClient:
        """Return the client with which a place is scanned.

        Raises:
            ScanError: Airflow's connection for it can't be used.
        """
        key = _key(place)
        if key not in self._clients:
            try:
                self._clients[key] = PlaceClient(place)
            except ScanError:
                raise
            except Exception as error:
                raise ScanError(f"the connection {place.access.aws_conn_id} can't be read: {error}") from error
        return self._clients[key]

    def _work(self, place: Place) -> _Work:
        before = self._states.read(place.key)
        if before is not None and before.identity != place.identity:
            before = None
        try:
            client = self.client(place)
        except ScanError as error:
            return _Work(place, before, None, self._rate(place, before), error)
        return _Work(place, before, client, self._rate(place, before), None)

    def _rate(self, place: Place, before: PlaceState | None) -> CallRate:
        """Return the rate of an account and region, whichever sources are in it."""
        account = before.account if before else ""
        who = account or place.access.account or place.access.aws_conn_id or ""
        return self._rates.setdefault((who, place.source.region_name or ""), self._new_rate())

    def _scan(self, work: _Work, budget: Budget) -> PlaceScan:
        place = work.place
        start = self._clock()
        count = CallCount()
        registry, failed = Registry(), work.error
        if work.client is not None:
            progress = self._progress.setdefault(_key(place), ScanProgress())
            sent = replace(work.client.count)
            try:
                registry = _scan_with(work.client, work, progress, budget)
            except ScanError as error:
                failed = error
                self._clients.pop(_key(place), None)  # its connection may be what failed: make another next time
            count = work.client.count - sent
            if not failed and not registry.pending:
                progress.clear()
        return PlaceScan(place, work.before, registry, failed, self._clock() - start, count)


_ClientKey = tuple[str, "ScanAccess"]


def _key(place: Place) -> _ClientKey:
    return (place.key, place.access)


@dataclass(frozen=True)
class _Work:
    place: Place
    before: PlaceState | None
    client: PlaceClient | None
    rate: CallRate
    error: ScanError | None


def _scan_with(client: PlaceClient, work: _Work, progress: ScanProgress, budget: Budget) -> Registry:
    before = work.before or PlaceState()
    try:
        return scan(
            client.get(),
            known=before.definitions,
            progress=progress,
            family_prefix=work.place.family_prefix,
            account=before.account,
            budget=budget,
            rate=work.rate,
        )
    except ScanError:
        raise
    except Exception as error:
        raise ScanError(f"the scan failed: {type(error).__name__}: {error}") from error

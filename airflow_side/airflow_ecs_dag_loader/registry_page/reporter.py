"""Tells the API server what a bundle found, through Airflow's database; the DAG processor's refresh is not to suffer.

The report, which is large, is written when it is another one; the pulse, which is small, when something failed or went
well again, and every half minute.
"""

from __future__ import annotations

import platform
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from airflow_ecs_dag_loader.dag_owners import may_ask_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_ecs_dag_loader.place_scans import PlaceScan
    from airflow_ecs_dag_loader.place_state import PlaceStates
    from airflow_ecs_dag_loader.published import Published
    from airflow_ecs_dag_loader.registry_page.report import Pulse
    from airflow_ecs_dag_loader.snapshot import Outcome

_BEAT = 30.0
"""Seconds between two pulses that say the same."""
_SLACK = 60.0
"""Seconds by which a pulse may be late before the page says so."""


class RegistryReporter:
    """Tells of one bundle, refresh after refresh, in the DAG processor alone.

    Args:
        bundle: Its name.
        clock: Seconds since 1970; without it, the machine's.
    """

    def __init__(self, bundle: str, clock: Callable[[], float] | None = None) -> None:
        self._bundle = bundle
        self._clock = clock or time.time
        self._after: Published | None = None
        self._report: str | None = None
        self._digest = ""
        self._told: Pulse | None = None
        self._interval = 0
        self._has_failed = False
        self._is_told = False
        self._log = structlog.get_logger(__name__).bind(bundle=bundle)

    @contextmanager
    def refresh(self, interval: int) -> Iterator[None]:
        """Tell of a refresh that raises something before it told of itself.

        Args:
            interval: Seconds between two refreshes.
        """
        self._interval = interval
        self._is_told = False
        try:
            yield
        except Exception as error:
            if not self._is_told:
                self._tell(error=str(error) or type(error).__name__)
            raise

    def refreshed(self, scans: Sequence[PlaceScan], outcome: Outcome, after: Published, states: PlaceStates) -> None:
        """Tell what a refresh found.

        Args:
            scans: One a place.
            outcome: What became of what they found.
            after: What is published now.
            states: Which know how old each place's last good scan is.
        """
        self._is_told = True
        self._tell(scans=scans, outcome=outcome, after=after, states=states)

    def _tell(
        self,
        *,
        scans: Sequence[PlaceScan] = (),
        outcome: Outcome | None = None,
        after: Published | None = None,
        states: PlaceStates | None = None,
        error: str = "",
    ) -> None:
        if not may_ask_database():
            return
        try:
            if outcome is not None and after is not None and self._is_another(scans, after):
                self._make(scans, outcome, after)
            pulse = self._pulse(scans, states, error)
            if self._is_due(pulse):
                self._write(pulse)
            self._has_failed = False
        except Exception as failed:  # noqa: BLE001 - the database, a full disk: nothing of the DAGs hangs on the page
            if not self._has_failed:
                self._log.warning("the page ECS registry is not told of this refresh", error=str(failed))
            self._has_failed = True
            self._told = None

    def _is_another(self, scans: Sequence[PlaceScan], after: Published) -> bool:
        return self._after != after or any(scan.has_changed for scan in scans)

    def _make(self, scans: Sequence[PlaceScan], outcome: Outcome, after: Published) -> None:
        # Imported here: a worker makes a bundle, too, and never tells of it.
        from airflow_ecs_dag_loader.registry_page.report import digest_of  # noqa: PLC0415
        from airflow_ecs_dag_loader.registry_page.report_maker import report_of  # noqa: PLC0415

        text = report_of(self._bundle, scans, outcome, after).to_text()
        self._after = after
        if digest_of(text) != self._digest:
            self._report, self._digest = text, digest_of(text)

    def _pulse(self, scans: Sequence[PlaceScan], states: PlaceStates | None, error: str) -> Pulse:
        from airflow_ecs_dag_loader.registry_page.report import PlaceHealth, Pulse, cut  # noqa: PLC0415 - as above

        now = self._clock()
        before = {} if self._told is None else {each.key: each for each in self._told.places}
        places = []
        for scan in scans:
            age = 0.0 if scan.error is None else None if states is None else states.age(scan.place.key, now)
            places.append(
                PlaceHealth(
                    key=cut(scan.place.key),
                    read_at=None if age is None else now - age,
                    error="" if scan.error is None else cut(str(scan.error)),
                )
            )
        return Pulse(
            bundle=cut(self._bundle),
            digest=self._digest,
            written_at=now,
            next_within=2 * max(self._interval, _BEAT) + _SLACK,
            processor=cut(platform.node(), 200),
            error=cut(error),
            places=tuple(places if scans else before.values()),
        )

    def _is_due(self, pulse: Pulse) -> bool:
        told = self._told
        return (
            told is None
            or pulse.written_at - told.written_at >= _BEAT
            or told.written_at > pulse.written_at
            or (told.digest, told.error, [(each.key, each.error) for each in told.places])
            != (pulse.digest, pulse.error, [(each.key, each.error) for each in pulse.places])
        )

    def _write(self, pulse: Pulse) -> None:
        # The DAG processor, alone in this, has imported these long since.
        from airflow.utils.session import create_session  # noqa: PLC0415

        from airflow_ecs_dag_loader.registry_page.report import Pulse, ReportError  # noqa: PLC0415
        from airflow_ecs_dag_loader.registry_page.report_store import has_report, read_pulse, write_texts  # noqa: PLC0415

        with create_session() as session:
            text = read_pulse(self._bundle, session)
            try:
                known = None if text is None else Pulse.of_text(text)
            except ReportError:
                known = None
            if not pulse.digest and known is not None:  # this process has not found anything yet; another one had
                pulse = pulse.model_copy(update={"digest": known.digest, "places": pulse.places or known.places})
            is_there = known is not None and known.digest == pulse.digest and has_report(self._bundle, session)
            write_texts(self._bundle, pulse=pulse.to_text(), report=None if is_there else self._report, session=session)
        self._told = pulse

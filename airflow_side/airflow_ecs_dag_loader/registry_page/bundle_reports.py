"""What the DAG processors told of each bundle, as the API server reads it from Airflow's database."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from airflow.models.dagbundle import DagBundleModel
from sqlalchemy import select, true

from airflow_ecs_dag_loader.registry_page.report import Pulse, Report, ReportError, digest_of
from airflow_ecs_dag_loader.registry_page.report_store import pulse_key, read_pulses, read_report

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_NEVER_DUE = 1e11
_MOST_KEPT = 8


@dataclass(frozen=True)
class BundleReport:
    """What is known of a bundle.

    Attributes:
        pulse: What its DAG processor said last.
        report: What it found.
        problem: Why there is no report, else empty.
    """

    pulse: Pulse
    report: Report
    problem: str = ""


class _ReportCache:
    """The last reports, by the digest of their text: one is unpacked once, and never changes."""

    def __init__(self) -> None:
        self._reports: OrderedDict[str, Report] = OrderedDict()
        self._lock = Lock()

    def get(self, pulse: Pulse, session: Session) -> Report:
        """Return the report that a pulse speaks of.

        Raises:
            ReportError: It is not there, or is none.
        """
        with self._lock:
            if known := self._reports.get(pulse.digest):
                self._reports.move_to_end(pulse.digest)
                return known
        text = read_report(pulse.bundle, session)
        if text is None or digest_of(text) != pulse.digest:
            raise ReportError("what was found is not there, or is being written: load this page again in a minute")
        report = Report.of_text(text)
        with self._lock:
            self._reports[pulse.digest] = report
            while len(self._reports) > _MOST_KEPT:
                self._reports.popitem(last=False)
        return report


_CACHE = _ReportCache()


def bundle_reports(session: Session) -> list[BundleReport]:
    """Return what is told of each bundle that Airflow has now, by its name."""
    active = set(session.scalars(select(DagBundleModel.name).where(DagBundleModel.active == true())))
    found: list[BundleReport] = []
    for key, text in read_pulses(session).items():
        try:
            pulse = Pulse.of_text(text)
        except ReportError as error:
            nameless = Pulse(bundle=key, written_at=0, next_within=_NEVER_DUE)
            found.append(BundleReport(nameless, Report(bundle=key), str(error)))
            continue
        if key == pulse_key(pulse.bundle) and pulse.bundle in active:
            found.append(_with_report(pulse, session))
    return sorted(found, key=lambda each: each.pulse.bundle)


def _with_report(pulse: Pulse, session: Session) -> BundleReport:
    nothing = Report(bundle=pulse.bundle)
    if not pulse.digest:
        return BundleReport(pulse, nothing, "" if pulse.error else "nothing is known of it yet")
    try:
        return BundleReport(pulse, _CACHE.get(pulse, session))
    except ReportError as error:
        return BundleReport(pulse, nothing, str(error))

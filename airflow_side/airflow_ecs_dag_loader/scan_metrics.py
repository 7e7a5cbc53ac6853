"""What a platform sees of the scans: Airflow's own metrics, and a line of the log for each scan that matters."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.observability import stats

from airflow_ecs_dag_loader.admission import Admitted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import FilteringBoundLogger

    from airflow_ecs_dag_loader.place_scans import PlaceScan
    from airflow_ecs_dag_loader.snapshot import Outcome

_PREFIX = "ecs_registry"


def emit_scan(scan: PlaceScan, *, age: float | None) -> None:
    """Send what a scan cost, tagged with its source and region.

    Args:
        scan: The scan.
        age: Seconds since this place was scanned well; ``None`` if it never was.
    """
    tags = scan.place.tags
    stats.timing(f"{_PREFIX}.scan_seconds", timedelta(seconds=scan.seconds), tags=tags)
    stats.incr(f"{_PREFIX}.calls", scan.count.calls, tags=tags)
    stats.incr(f"{_PREFIX}.throttles", scan.count.throttles, tags=tags)
    stats.gauge(f"{_PREFIX}.definitions", len(scan.state.definitions) if scan.state else 0, tags=tags)
    if age is not None:
        stats.gauge(f"{_PREFIX}.snapshot_age_seconds", age, tags=tags)


def emit_outcome(scans: Iterable[PlaceScan], outcome: Outcome) -> None:
    """Send what became of the families of each scan's place."""
    judged = Counter(
        (outcome.place_of[each.definition.parsed_arn.family_key], isinstance(each, Admitted))
        for each in outcome.verdicts
    )
    held = Counter(outcome.place_of[family] for family in outcome.held)
    for scan in scans:
        key, tags = scan.place.key, scan.place.tags
        stats.gauge(f"{_PREFIX}.dags", judged[key, True], tags=tags)
        stats.gauge(f"{_PREFIX}.refused", judged[key, False], tags=tags)
        stats.gauge(f"{_PREFIX}.pending", scan.registry.pending + held[key], tags=tags)


def write_line(log: FilteringBoundLogger, scan: PlaceScan, *, age: float | None) -> None:
    """Write a line if a scan failed or found a change; arguments are those of :func:`emit_scan`."""
    bound = log.bind(**scan.place.tags, account=scan.state.account if scan.state else "")
    if scan.error is not None:
        bound.error(
            "the ECS registry can't be read: the DAGs of the last good scan stay",
            reason=str(scan.error),
            last_good_scan_seconds_ago=None if age is None else round(age),
        )
    elif scan.has_changed:
        bound.info(
            "the ECS registry changed",
            definitions=len(scan.registry.definitions),
            described=scan.registry.described,
            pending=scan.registry.pending,
            calls=scan.count.calls,
            throttles=scan.count.throttles,
            seconds=round(scan.seconds, 3),
        )

"""The places of a bundle read by a command, which has no next refresh to put right what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.aws_access import AwsAccessError
from airflow_ecs_dag_loader.budget import Budget
from airflow_ecs_dag_loader.scan_error import ScanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ecs_dag_loader.place_scans import PlaceScan, PlaceScans
    from airflow_ecs_dag_loader.places import Place

_SCANS = 3
"""Scans of a place that can't be read, each of which goes on where the one before stopped."""


def read_places(scanner: PlaceScans, places: Sequence[Place]) -> list[PlaceScan]:
    """Return a scan of each place; one that fails is tried again."""
    done: dict[str, PlaceScan] = {}
    for _ in range(_SCANS):
        left = [place for place in places if place.key not in done or done[place.key].error is not None]
        if left:
            done |= {each.place.key: each for each in scanner.scan(left, Budget())}
    return [done[place.key] for place in places]


def why_unread(scan: PlaceScan) -> str:
    """Return why a place can't be read, in one sentence."""
    return f"{scan.place.key}: {AwsAccessError(scan.error or ScanError())}"

"""A refresh that finds nobody to ask: when AWS is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_loader.scan_error import ScanError
from sources.conftest import ORDERS, published, sources
from strict_ecs.faults import Fault

if TYPE_CHECKING:
    from airflow_ecs_dag_loader import EcsDagBundle
    from sources.conftest import Fleet

_CHECK = 5.0
"""Seconds after which Airflow tries a refresh that failed again."""


def calls_of_failing_refreshes(fleet: Fleet, bundle: EcsDagBundle, seconds: float) -> int:
    """Let Airflow refresh for so long; return in how many refreshes AWS was asked."""
    asked = 0
    end = fleet.clock.settle() + seconds
    while fleet.clock.settle() < end:
        with pytest.raises(ScanError):
            bundle.refresh()
        asked += bool(fleet.calls())
        fleet.clock.sleep(_CHECK)
    return asked


def test_an_aws_that_is_down_is_asked_less_and_less_often(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    bundle = fleet.bundle(refresh_interval=60)
    bundle.refresh()
    fleet.calls()
    fleet.aws.faults.add(Fault.ACCESS_DENIED, count=None)
    assert calls_of_failing_refreshes(fleet, bundle, 600) < 20
    with pytest.raises(ScanError, match=r"AWS is asked again in \d+ s"):
        bundle.refresh()
    assert "orders:1" in published(bundle)["orders"]


def test_when_it_answers_again_it_is_asked_within_the_refresh_interval(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    bundle = fleet.bundle(sources=sources("orders"), refresh_interval=20)
    fleet.aws.faults.add(Fault.ACCESS_DENIED, count=None)
    calls_of_failing_refreshes(fleet, bundle, 300)
    fleet.aws.faults.clear()
    fleet.clock.sleep(20)
    fleet.clock.settle()
    bundle.refresh()
    assert list(published(bundle)) == ["orders"]
    fleet.aws.faults.add(Fault.ACCESS_DENIED, "ListTaskDefinitions")
    with pytest.raises(ScanError):
        bundle.refresh()
    bundle.refresh()  # a single failure has no wait after it


def test_one_place_that_answers_is_enough(fleet: Fleet) -> None:
    fleet.deploy(ORDERS, "orders")
    bundle = fleet.bundle()
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    for _ in range(5):
        bundle.refresh()
        assert fleet.calls()

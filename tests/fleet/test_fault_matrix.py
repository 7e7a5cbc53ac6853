"""Each fault of AWS against each call of a refresh: no DAG is lost or frozen, and two refreshes later all is right.

What is refreshed is the real bundle over a hundred services and some DAGs on both pages of the list, in an account that
the faults hit, beside another account that none does. A fault hits one call, or all of two refreshes; meanwhile DAGs
are deployed, rolled back and taken away.

Not in the matrix, because they can't happen:

==============================  ====================================================================
fault                           of
==============================  ====================================================================
lost page token, stale list     describe, assume role: neither has pages or is a list
mid-update, rollback, destroy   assume role: it knows no task definitions
destroy                         describe: what is deregistered before its describe is a rollback
==============================  ====================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet.conftest import HIT, Fleet, deploy, parsed
from strict_ecs.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ecs_dag_loader import EcsDagBundle

OPERATIONS = {"list": "ListTaskDefinitions", "describe": "DescribeTaskDefinition", "assume role": "AssumeRole"}
OF_LISTS = {Fault.LOST_PAGE_TOKEN, Fault.STALE_LIST}
CELLS = [
    pytest.param(fault, column, count, id=f"{fault.value}, {column}, {'once' if count else 'always'}")
    for fault in Fault
    for column in OPERATIONS
    for count in (1, None)
    if column == "list" or fault not in OF_LISTS
]
ENDS = ("a", "z")
"""Beginnings of families: those of the first page of the list and those of the second."""
SERVICES = 105


@pytest.fixture
def running(fleet: Fleet) -> EcsDagBundle:
    """An Airflow that has seen everything: with ``rolls`` at its second revision, the others at their first."""
    for number in range(SERVICES):
        fleet.hit.register(f"m-service-{number:03}")
    for end in ENDS:
        for name, revisions in (("stays", 1), ("changes", 1), ("rolls", 2), ("goes", 1)):
            deploy(fleet.hit, f"{end}-{name}", revisions)
    deploy(fleet.well, "well")
    bundle = fleet.bundle()
    bundle.initialize()
    fleet.refresh(bundle, 2)
    assert_right(fleet, bundle)
    return bundle


def dags(fleet: Fleet) -> dict[str, int]:
    """Return what Airflow should have."""
    newest = {**fleet.hit.newest(), **fleet.well.newest()}
    return {family: revision for family, revision in newest.items() if not family.startswith("m-")}


def assert_right(fleet: Fleet, bundle: EcsDagBundle) -> None:
    found = parsed(bundle)
    assert found.errors == {}
    assert found.revisions == dags(fleet)


def assert_nothing_lost(fleet: Fleet, bundle: EcsDagBundle) -> None:
    """What is deployed is there, at a revision that it has had, and the other account's is followed."""
    found = parsed(bundle)
    assert found.errors == {}
    for end in ENDS:
        assert found.revisions[f"{end}-stays"] == 1
        assert found.revisions[f"{end}-changes"] in (1, 2)
        assert found.revisions[f"{end}-rolls"] in (1, 2)
    assert found.revisions["well"] == fleet.well.newest()["well"]


def change_everything(fleet: Fleet) -> None:
    for end in ENDS:
        deploy(fleet.hit, f"{end}-changes")
        deregister(fleet, f"{end}-changes", 1)
        deregister(fleet, f"{end}-rolls", 2)
        deregister(fleet, f"{end}-goes", 1)
        deploy(fleet.hit, f"{end}-comes")


def deregister(fleet: Fleet, family: str, revision: int) -> None:
    found = fleet.hit.find(f"{family}:{revision}")
    assert found
    fleet.hit.deregister(found.arn)


@pytest.mark.parametrize(("fault", "column", "count"), CELLS)
def test_a_fault_takes_no_dag_away(
    fleet: Fleet, running: EcsDagBundle, fault: Fault, column: str, count: int | None
) -> None:
    bundle = running
    fleet.aws.calls.clear()
    fleet.aws.faults.add(fault, OPERATIONS[column], account=HIT, count=count)
    change_everything(fleet)
    if column == "assume role":  # that is what a process begins with
        bundle = fleet.bundle()
        bundle.initialize()
        assert_nothing_lost(fleet, bundle)
    for _ in range(2):
        deploy(fleet.well, "well")
        fleet.refresh(bundle)
        assert_nothing_lost(fleet, bundle)
    assert any(call.fault is fault for call in fleet.aws.made(OPERATIONS[column], account=HIT))
    fleet.aws.faults.clear()
    fleet.refresh(bundle, 2)
    assert_right(fleet, bundle)


def test_an_account_that_goes_down_in_the_middle_of_a_scan(fleet: Fleet, running: EcsDagBundle) -> None:
    faults = fleet.aws.faults
    faults.before(
        "DescribeTaskDefinition", lambda: faults.add(Fault.ACCOUNT_DOWN, account=HIT, count=None), account=HIT
    )
    change_everything(fleet)
    fleet.refresh(running, 2)
    assert_nothing_lost(fleet, running)
    faults.clear()
    fleet.refresh(running, 2)
    assert_right(fleet, running)


def test_sessions_that_are_over_are_assumed_anew(fleet: Fleet, running: EcsDagBundle) -> None:
    fleet.aws.roles.expire_sessions()
    change_everything(fleet)
    fleet.refresh(running)
    assert_nothing_lost(fleet, running)
    fleet.refresh(running)
    assert_right(fleet, running)


def before_page_two(fleet: Fleet, action: Callable[[], None]) -> None:
    fleet.aws.faults.before("ListTaskDefinitions", action, account=HIT, occurrence=2)


def before_a_describe(fleet: Fleet, action: Callable[[], None]) -> None:
    fleet.aws.faults.before("DescribeTaskDefinition", action, account=HIT)


def update_between_pages(fleet: Fleet) -> None:
    before_page_two(fleet, lambda: update(fleet, 2))


def update_before_a_describe(fleet: Fleet) -> None:
    update(fleet, 2)
    before_a_describe(fleet, lambda: update(fleet, 3))


def update(fleet: Fleet, revision: int) -> None:
    for end in ENDS:
        deploy(fleet.hit, f"{end}-changes")
        deregister(fleet, f"{end}-changes", revision - 1)


def roll_back_between_pages(fleet: Fleet) -> None:
    before_page_two(fleet, lambda: roll_back(fleet, 2))


def roll_back_before_a_describe(fleet: Fleet) -> None:
    for end in ENDS:
        deploy(fleet.hit, f"{end}-rolls")
    before_a_describe(fleet, lambda: roll_back(fleet, 3))


def roll_back(fleet: Fleet, revision: int) -> None:
    for end in ENDS:
        deregister(fleet, f"{end}-rolls", revision)


def destroy_between_pages(fleet: Fleet) -> None:
    before_page_two(fleet, lambda: destroy(fleet))


def destroy(fleet: Fleet) -> None:
    for end in ENDS:
        deregister(fleet, f"{end}-goes", 1)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(update_between_pages, id="mid-update, list"),
        pytest.param(update_before_a_describe, id="mid-update, describe"),
        pytest.param(roll_back_between_pages, id="rollback, list"),
        pytest.param(roll_back_before_a_describe, id="rollback, describe"),
        pytest.param(destroy_between_pages, id="destroy, list"),
    ],
)
def test_a_change_in_the_middle_of_a_scan_is_followed(
    fleet: Fleet, running: EcsDagBundle, plan: Callable[[Fleet], None]
) -> None:
    plan(fleet)
    planned = fleet.hit.newest()
    fleet.refresh(running)
    assert fleet.hit.newest() != planned
    found = parsed(running)
    assert found.errors == {}
    assert found.revisions.keys() >= dags(fleet).keys()
    fleet.refresh(running)
    assert_right(fleet, running)


def test_the_newest_of_two_that_are_active_counts_until_it_is_rolled_back(fleet: Fleet, running: EcsDagBundle) -> None:
    for end in ENDS:
        deploy(fleet.hit, f"{end}-changes")
    fleet.refresh(running)
    assert_right(fleet, running)
    assert parsed(running).revisions["a-changes"] == 2
    for end in ENDS:
        deregister(fleet, f"{end}-changes", 2)
    fleet.refresh(running, 2)
    assert_right(fleet, running)
    assert parsed(running).revisions["a-changes"] == 1


@pytest.mark.parametrize("seed", range(5))
def test_faults_here_and_there_end_with_all_that_is_deployed(fleet: Fleet, running: EcsDagBundle, seed: int) -> None:
    fleet.aws.faults.sprinkle(Fault, seed=seed, chance=0.25)
    change_everything(fleet)
    for _ in range(4):
        fleet.refresh(running)
        found = parsed(running)
        assert found.errors == {}
        assert found.revisions.keys() >= {f"{end}-{name}" for end in ENDS for name in ("stays", "changes", "rolls")}
        assert "well" in found.revisions
    assert {call.fault for call in fleet.aws.calls} > {None}
    fleet.aws.faults.clear()
    fleet.refresh(running, 2)
    assert_right(fleet, running)

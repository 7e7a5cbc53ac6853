"""Each fault as a real client meets it, and the plan of which calls have one."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

from strict_ecs.faults import Fault, FaultPlan, Place
from strict_ecs.virtual_clock import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from strict_ecs.strict_aws import Region, StrictAws
    from strict_ecs.virtual_clock import VirtualClock

DESCRIBE = "DescribeTaskDefinition"
REFUSALS = {
    Fault.THROTTLED: "ThrottlingException",
    Fault.SERVER_ERROR: "ServerException",
    Fault.EXPIRED_TOKEN: "ExpiredTokenException",
    Fault.ACCESS_DENIED: "AccessDeniedException",
}
LOST = {
    Fault.RESET: (ConnectionClosedError, 0),
    Fault.TIMEOUT: (ReadTimeoutError, 10),
    Fault.ACCOUNT_DOWN: (ConnectTimeoutError, 3),
}
SPOILT = {Fault.TRUNCATED, Fault.EMPTY, Fault.HTML}


@pytest.fixture
def ecs(client: Callable[..., Any], region: Region) -> Any:
    region.definitions.register("reports")
    return client()


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_refusal_has_awss_code(ecs: Any, aws: StrictAws, fault: Fault) -> None:
    aws.faults.add(fault, DESCRIBE)
    with pytest.raises(ClientError) as error:
        ecs.describe_task_definition(taskDefinition="reports")
    assert error.value.response["Error"]["Code"] == REFUSALS[fault]
    assert aws.calls[-1].code == REFUSALS[fault]
    assert ecs.describe_task_definition(taskDefinition="reports")["taskDefinition"]["revision"] == 1


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_is_botocores_own_error(ecs: Any, aws: StrictAws, clock: VirtualClock, fault: Fault) -> None:
    aws.faults.add(fault, DESCRIBE)
    kind, seconds = LOST[fault]
    with pytest.raises(kind):
        ecs.describe_task_definition(taskDefinition="reports")
    assert clock.now() == EPOCH + seconds
    assert ecs.describe_task_definition(taskDefinition="reports")


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_answer_has_none_of_its_keys(ecs: Any, aws: StrictAws, fault: Fault) -> None:
    aws.faults.add(fault, DESCRIBE)
    assert "taskDefinition" not in ecs.describe_task_definition(taskDefinition="reports")
    assert "taskDefinition" in ecs.describe_task_definition(taskDefinition="reports")


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.TIMEOUT, Fault.EMPTY])
def test_a_call_whose_answer_is_lost_was_carried_out(ecs: Any, aws: StrictAws, region: Region, fault: Fault) -> None:
    aws.faults.add(fault, "RegisterTaskDefinition")
    try:
        ecs.register_task_definition(family="reports", containerDefinitions=[{"name": "main", "image": "x"}])
    except BotoCoreError:
        assert fault is not Fault.EMPTY
    assert region.definitions.find("reports:2")


@pytest.mark.parametrize("fault", [*REFUSALS, Fault.ACCOUNT_DOWN])
def test_a_call_that_is_refused_was_not(ecs: Any, aws: StrictAws, region: Region, fault: Fault) -> None:
    aws.faults.add(fault, "RegisterTaskDefinition")
    with pytest.raises((BotoCoreError, ClientError)):
        ecs.register_task_definition(family="reports", containerDefinitions=[{"name": "main", "image": "x"}])
    assert region.definitions.find("reports:2") is None


def test_a_lost_page_token_looks_like_the_end(ecs: Any, aws: StrictAws, region: Region) -> None:
    for number in range(150):
        region.definitions.register(f"family-{number}")
    aws.faults.add(Fault.LOST_PAGE_TOKEN, "ListTaskDefinitions")
    page = ecs.list_task_definitions()
    assert (len(page["taskDefinitionArns"]), "nextToken" in page) == (100, False)
    assert "nextToken" in ecs.list_task_definitions()


def test_a_stale_list_lacks_the_last_change(ecs: Any, aws: StrictAws, region: Region) -> None:
    first = region.definitions.find("reports")
    newer = region.definitions.register("reports")
    aws.faults.add(Fault.STALE_LIST, "ListTaskDefinitions", count=2)
    assert first
    assert ecs.list_task_definitions()["taskDefinitionArns"] == [first.arn]
    region.definitions.deregister(first.arn)
    assert ecs.list_task_definitions()["taskDefinitionArns"] == [first.arn, newer]
    assert ecs.list_task_definitions()["taskDefinitionArns"] == [newer]


def test_botocore_retries_what_it_can(client: Callable[..., Any], aws: StrictAws, region: Region) -> None:
    region.definitions.register("reports")
    ecs = client(retries={"mode": "standard", "total_max_attempts": 4})
    retried = {Fault.THROTTLED, Fault.SERVER_ERROR, Fault.RESET, Fault.TIMEOUT, Fault.ACCOUNT_DOWN}
    for fault in retried:
        aws.faults.add(fault, DESCRIBE, count=2)
        assert ecs.describe_task_definition(taskDefinition="reports")["ResponseMetadata"]["RetryAttempts"] == 2
        aws.faults.clear()


def test_a_plan_means_occurrences_of_a_place() -> None:
    plan = FaultPlan()
    plan.add(Fault.RESET, "A", account="1", first=2, count=2)
    plan.add(Fault.EMPTY, region="r2", count=None)
    here, there, elsewhere = Place("1", "r1", "A"), Place("1", "r2", "A"), Place("2", "r1", "A")
    assert [plan.of(here) for _ in range(4)] == [None, Fault.RESET, Fault.RESET, None]
    assert [plan.of(there) for _ in range(3)] == [Fault.EMPTY, Fault.RESET, Fault.RESET]
    assert plan.of(elsewhere) is None
    plan.clear()
    assert plan.of(there) is None


def test_something_can_happen_right_before_a_call(ecs: Any, aws: StrictAws, region: Region) -> None:
    aws.faults.before(DESCRIBE, lambda: region.definitions.register("reports"), occurrence=2)
    described = [ecs.describe_task_definition(taskDefinition="reports")["taskDefinition"]["revision"] for _ in "123"]
    assert described == [1, 2, 2]


def test_the_same_seed_sprinkles_the_same_faults_in_any_order() -> None:
    places = [Place(str(account), "r", operation) for account in range(5) for operation in ("A", "B")]

    def drawn(seed: int, order: list[Place]) -> dict[Place, list[Fault | None]]:
        plan = FaultPlan()
        plan.sprinkle(Fault, seed=seed, chance=0.3)
        return {place: [plan.of(place) for _ in range(50)] for place in order}

    first = drawn(1, places)
    assert drawn(1, places[::-1]) == first
    assert drawn(2, places) != first
    counted = Counter(fault for faults in first.values() for fault in faults)
    assert counted.keys() == {None, *Fault}
    assert 300 < counted[None] < 400


def test_nothing_here_takes_real_time(ecs: Any, aws: StrictAws, clock: VirtualClock) -> None:
    real = time.sleep
    aws.faults.add(Fault.TIMEOUT, count=None)
    for _ in range(100):
        with pytest.raises(ReadTimeoutError):
            ecs.list_tasks()
    assert clock.now() == EPOCH + 1_000
    assert time.sleep is real  # only botocore's and the loader's modules have the clock

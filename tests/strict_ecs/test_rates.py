"""ECS's token buckets and botocore's retries against them, on a clock that costs no time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from strict_ecs.virtual_clock import EPOCH, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from strict_ecs.strict_aws import Region, StrictAws


def taken_until_throttled(call: Callable[[], object]) -> int:
    for taken in range(1_000):
        try:
            call()
        except ClientError as error:
            assert error.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}  # noqa: PT017 - how it ends
            return taken
    raise AssertionError("nothing was throttled")


READS = "DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"


def calls(ecs: Any) -> dict[str, Callable[[], object]]:
    return {
        "DescribeTaskDefinition": lambda: ecs.describe_task_definition(taskDefinition="reports"),
        "ListTaskDefinitions": ecs.list_task_definitions,
        "ListTaskDefinitionFamilies": ecs.list_task_definition_families,
        "RegisterTaskDefinition": lambda: ecs.register_task_definition(
            family="reports", containerDefinitions=[{"name": "main", "image": "x"}]
        ),
        "RunTask": lambda: ecs.run_task(taskDefinition="reports"),
        "RunTask on Fargate": lambda: ecs.run_task(taskDefinition="reports", launchType="FARGATE"),
        "DescribeTasks": lambda: ecs.describe_tasks(tasks=["f" * 32]),
        "ListTasks": ecs.list_tasks,
    }


@pytest.mark.parametrize(
    ("operation", "rate"),
    [
        ("DescribeTaskDefinition", (50, 20)),
        ("ListTaskDefinitions", (50, 20)),
        ("ListTaskDefinitionFamilies", (50, 20)),
        ("RegisterTaskDefinition", (20, 1)),
        ("RunTask", (100, 40)),
        ("RunTask on Fargate", (20, 20)),
        ("DescribeTasks", (100, 20)),
        ("ListTasks", (100, 20)),
    ],
)
def test_a_bucket_has_its_burst_and_refill(
    client: Callable[..., Any], region: Region, clock: VirtualClock, operation: str, rate: tuple[int, int]
) -> None:
    burst, refill = rate
    region.definitions.register("reports")
    call = calls(client())[operation]
    assert taken_until_throttled(call) == burst
    clock.sleep(1)
    assert taken_until_throttled(call) == refill
    clock.sleep(10_000)
    assert taken_until_throttled(call) == burst  # never fuller than full


def test_reads_of_task_definitions_share_one_bucket(client: Callable[..., Any], region: Region) -> None:
    region.definitions.register("reports")
    each = calls(client())
    rounds = taken_until_throttled(lambda: [each[operation]() for operation in READS])
    assert rounds == 50 // 3
    assert taken_until_throttled(each["DescribeTasks"]) == 100  # the others are full


def test_each_account_and_region_has_its_own_buckets(client: Callable[..., Any], aws: StrictAws) -> None:
    aws.region("444455556666", "eu-west-1")
    assert taken_until_throttled(client().list_task_definitions) == 50
    assert taken_until_throttled(client(region_name="eu-central-1").list_task_definitions) == 50
    assert taken_until_throttled(client(key="444455556666").list_task_definitions) == 50


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_botocores_retries_wait_by_the_clock(
    client: Callable[..., Any], aws: StrictAws, region: Region, clock: VirtualClock, mode: str
) -> None:
    region.definitions.register("reports")
    ecs = client(retries={"mode": mode, "total_max_attempts": 10})
    for _ in range(300):
        ecs.describe_task_definition(taskDefinition="reports")
    seconds = clock.now() - EPOCH
    assert 12.4 <= seconds < 60  # (300 - 50) / 20, and what botocore waits beyond
    assert aws.codes()[""] == 300
    assert aws.codes()["ThrottlingException"] > 0


def test_each_thread_has_its_own_time_until_they_meet() -> None:
    clock = VirtualClock()
    seen = []

    def wait(seconds: float) -> None:
        clock.sleep(seconds)
        seen.append(clock.now() - EPOCH)

    for seconds in (5, 3):
        thread = threading.Thread(target=wait, args=(seconds,))
        thread.start()
        thread.join()
    assert seen == [5, 3]
    assert clock.now() == EPOCH
    assert clock.settle() == clock.now() == EPOCH + 5


def test_work_in_a_pool_begins_when_it_is_submitted(aws: StrictAws, clock: VirtualClock) -> None:
    assert aws.calls == []

    def wait(seconds: float) -> float:
        clock.sleep(seconds)
        return clock.now() - EPOCH

    clock.sleep(1)
    with ThreadPoolExecutor(max_workers=1) as pool:  # one thread does all, as if there were one for each
        assert list(pool.map(wait, (5, 3))) == [6, 4]
    assert clock.settle() == EPOCH + 6


def test_calls_are_kept_with_place_and_time(client: Callable[..., Any], aws: StrictAws) -> None:
    client().list_task_definitions()
    (call,) = aws.made("ListTaskDefinitions", account="111122223333", region="eu-west-1")
    assert (call.code, call.fault, call.at) == ("", None, EPOCH)
    assert aws.made("DescribeTaskDefinition") == []
    assert aws.made(region="eu-central-1") == []

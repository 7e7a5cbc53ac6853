"""What ECS starts and what it refuses, from a real client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from strict_ecs.strict_aws import Region
    from strict_ecs.virtual_clock import VirtualClock


@pytest.fixture
def ecs(client: Callable[..., Any], region: Region) -> Any:
    region.definitions.register("reports")
    return client()


def overrides(characters: int) -> dict[str, Any]:
    """Return overrides whose JSON has so many characters."""
    empty = '{"containerOverrides":[{"name":"main","command":[""]}]}'
    return {"containerOverrides": [{"name": "main", "command": ["x" * (characters - len(empty))]}]}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ({"taskDefinition": "nothing"}, "ClientException", "not found"),
        ({"taskDefinition": "reports:2"}, "ClientException", "not found"),
        ({"cluster": "nowhere"}, "ClusterNotFoundException", "Cluster not found"),
        ({"overrides": overrides(8_193)}, "InvalidParameterException", "at most 8192"),
        ({"overrides": {"containerOverrides": [{"name": "other"}]}}, "InvalidParameterException", "named other"),
        ({"startedBy": "a b@c"}, "InvalidParameterException", "startedBy"),
        ({"startedBy": "a" * 129}, "InvalidParameterException", "startedBy"),
        ({"clientToken": "a" * 65}, "InvalidParameterException", "clientToken"),
        ({"count": 11}, "InvalidParameterException", "count"),
    ],
)
def test_what_ecs_would_not_start(ecs: Any, arguments: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(ClientError, match=said) as error:
        ecs.run_task(**{"taskDefinition": "reports", **arguments})
    assert error.value.response["Error"]["Code"] == code
    assert ecs.list_tasks()["taskArns"] == []


def test_the_largest_that_ecs_starts(ecs: Any) -> None:
    answer = ecs.run_task(
        taskDefinition="reports", overrides=overrides(8_192), startedBy="a/_-" * 32, clientToken="t" * 64, count=10
    )
    assert len(answer["tasks"]) == 10


def test_an_inactive_revision_starts_nothing(ecs: Any, region: Region) -> None:
    newer = region.definitions.register("reports")
    region.definitions.deregister(newer)
    with pytest.raises(ClientError, match="inactive"):
        ecs.run_task(taskDefinition=newer)
    (task,) = ecs.run_task(taskDefinition="reports")["tasks"]
    assert task["taskDefinitionArn"].endswith(":1")


def test_awsvpc_needs_a_network(ecs: Any) -> None:
    ecs.register_task_definition(
        family="vpc", networkMode="awsvpc", containerDefinitions=[{"name": "main", "image": "x"}]
    )
    with pytest.raises(ClientError, match="Network Configuration must be provided"):
        ecs.run_task(taskDefinition="vpc")


def test_a_client_token_starts_a_task_once(ecs: Any) -> None:
    ecs.create_cluster(clusterName="other")
    first = ecs.run_task(taskDefinition="reports", clientToken="one")["tasks"]
    assert ecs.run_task(taskDefinition="reports", clientToken="one")["tasks"] == first
    assert ecs.run_task(taskDefinition="reports")["tasks"] != first
    assert ecs.run_task(taskDefinition="reports", clientToken="one", cluster="other")["tasks"] != first
    with pytest.raises(ClientError, match="ConflictException"):
        ecs.run_task(taskDefinition="reports", clientToken="one", startedBy="somebody")


def test_a_task_ends_as_the_test_says_and_is_shown_an_hour(ecs: Any, region: Region, clock: VirtualClock) -> None:
    (task,) = ecs.run_task(taskDefinition="reports", startedBy="airflow")["tasks"]
    arn = task["taskArn"]
    assert ecs.list_tasks(startedBy="airflow", family="reports")["taskArns"] == [arn]
    region.tasks.finish(arn, exit_code=3)
    (task,) = ecs.describe_tasks(tasks=[arn])["tasks"]
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    assert [container["exitCode"] for container in task["containers"]] == [3]
    assert ecs.list_tasks()["taskArns"] == []
    assert ecs.list_tasks(desiredStatus="STOPPED")["taskArns"] == [arn]
    clock.sleep(3_599)
    assert ecs.describe_tasks(tasks=[arn])["failures"] == []
    clock.sleep(1)
    assert ecs.describe_tasks(tasks=[arn])["failures"] == [{"arn": arn, "reason": "MISSING"}]


def test_a_task_can_end_by_the_clock(ecs: Any, region: Region, clock: VirtualClock) -> None:
    region.tasks.run_seconds = 60
    arn = ecs.run_task(taskDefinition="reports")["tasks"][0]["taskArn"]
    clock.sleep(59)
    assert ecs.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING"
    clock.sleep(1)
    assert ecs.describe_tasks(tasks=[arn])["tasks"][0]["containers"][0]["exitCode"] == 0


def test_a_task_that_runs_can_be_given_its_end(ecs: Any, region: Region, clock: VirtualClock) -> None:
    arn = ecs.run_task(taskDefinition="reports")["tasks"][0]["taskArn"]
    end = clock.now() + 60
    region.tasks.end_at(arn, end)
    clock.sleep(59)
    assert ecs.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING"
    clock.sleep(10)
    (task,) = ecs.describe_tasks(tasks=[arn])["tasks"]
    assert task["containers"][0]["exitCode"] == 0
    assert task["stoppedAt"].timestamp() == end


def test_a_task_that_is_stopped_stays_so(ecs: Any, region: Region) -> None:
    arn = ecs.run_task(taskDefinition="reports")["tasks"][0]["taskArn"]
    stopped = ecs.stop_task(task=arn, reason="enough")["task"]
    assert (stopped["lastStatus"], stopped["stoppedReason"], stopped["stopCode"]) == (
        "STOPPED",
        "enough",
        "UserInitiated",
    )
    region.tasks.run_seconds = 0
    assert ecs.stop_task(task=arn.rpartition("/")[2], reason="again")["task"]["stoppedReason"] == "enough"
    with pytest.raises(ClientError, match="not found"):
        ecs.stop_task(task="unknown")


def test_at_most_100_are_described(ecs: Any) -> None:
    arns = ["f" * 32] * 100
    assert len(ecs.describe_tasks(tasks=arns)["failures"]) == 100
    with pytest.raises(ClientError, match="1 to 100"):
        ecs.describe_tasks(tasks=[*arns, "f"])
    with pytest.raises(ClientError, match="Cluster not found"):
        ecs.describe_tasks(tasks=arns, cluster="nowhere")

"""CloudWatch Logs of the strict AWS: what a reader of a stream has to expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from strict_ecs.faults import Fault
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws
from strict_ecs.virtual_clock import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from strict_ecs.strict_aws import Region
    from strict_ecs.virtual_clock import VirtualClock

GROUP, STREAM = "/ecs/work", "airflow/main/0123"
WHERE: Any = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": True}
NOW = int(EPOCH * 1000)


@pytest.fixture
def logs(client: Callable[..., Any]) -> Any:
    return client("logs")


def say(region: Region, first: int, count: int, *, at: int = NOW) -> None:
    region.logs.put(GROUP, STREAM, [(at, f"line {number}") for number in range(first, first + count)])


def messages(answer: Any) -> list[str]:
    return [event["message"] for event in answer["events"]]


def test_there_is_no_stream_before_its_first_event(logs: Any, region: Region) -> None:
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_events(**WHERE)
    say(region, 0, 1)
    assert messages(logs.get_log_events(**WHERE)) == ["line 0"]


def test_a_token_leads_on_and_comes_back_at_the_end(logs: Any, region: Region) -> None:
    say(region, 0, 2)
    token = logs.get_log_events(**WHERE)["nextForwardToken"]
    nothing = logs.get_log_events(**WHERE, nextToken=token)
    assert (nothing["events"], nothing["nextForwardToken"]) == ([], token)
    say(region, 2, 1)
    more = logs.get_log_events(**WHERE, nextToken=token)
    assert messages(more) == ["line 2"]
    assert more["nextForwardToken"] != token


def test_a_page_has_10000_events_or_one_mebibyte(logs: Any, region: Region) -> None:
    say(region, 0, 10_001)
    assert len(logs.get_log_events(**WHERE)["events"]) == 10_000
    region.logs.put(GROUP, "large", [(NOW, "x" * 250_000)] * 5)
    assert len(logs.get_log_events(**{**WHERE, "logStreamName": "large"})["events"]) == 4
    with pytest.raises(ValueError, match="262144"):
        region.logs.put(GROUP, "large", [(NOW, "x" * 256 * 1024)])


def test_events_of_one_time_are_read_from_that_time_on(logs: Any, region: Region) -> None:
    for millisecond in range(3):
        say(region, millisecond * 2, 2, at=NOW + millisecond)
    assert messages(logs.get_log_events(**WHERE, startTime=NOW + 1)) == [f"line {number}" for number in range(2, 6)]


def test_a_page_may_be_empty_before_the_end(logs: Any, region: Region) -> None:
    say(region, 0, 3)
    region.logs.empty_pages = 1.0
    nothing = logs.get_log_events(**WHERE)
    assert nothing["events"] == []
    region.logs.empty_pages = 0.0
    assert len(logs.get_log_events(**WHERE, nextToken=nothing["nextForwardToken"])["events"]) == 3


def test_a_later_batch_may_be_visible_first(logs: Any, region: Region, clock: VirtualClock) -> None:
    delays = iter([10.0, 1.0])
    region.logs.delay = lambda: next(delays)
    say(region, 0, 1)
    say(region, 1, 1, at=NOW + 5)
    clock.sleep(2)
    first = logs.get_log_events(**WHERE)
    assert messages(first) == ["line 1"]
    clock.sleep(10)
    assert messages(logs.get_log_events(**WHERE, nextToken=first["nextForwardToken"])) == []
    assert messages(logs.get_log_events(**WHERE)) == ["line 0", "line 1"]


def test_a_token_lives_a_day(logs: Any, region: Region, clock: VirtualClock) -> None:
    say(region, 0, 1)
    token = logs.get_log_events(**WHERE)["nextForwardToken"]
    clock.sleep(24 * 3600 + 1)
    for bad in (token, "f/else"):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.get_log_events(**WHERE, nextToken=bad)


def test_ten_reads_a_second(logs: Any, region: Region, clock: VirtualClock) -> None:
    say(region, 0, 1)
    for _ in range(10):
        logs.get_log_events(**WHERE)
    with pytest.raises(ClientError, match="ThrottlingException"):
        logs.get_log_events(**WHERE)
    clock.sleep(0.11)
    logs.get_log_events(**WHERE)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.THROTTLED, "ThrottlingException"),
        (Fault.SERVER_ERROR, "ServiceUnavailableException"),
        (Fault.EXPIRED_TOKEN, "ExpiredTokenException"),
        (Fault.ACCESS_DENIED, "AccessDeniedException"),
    ],
)
def test_reads_that_are_refused(logs: Any, aws: StrictAws, region: Region, fault: Fault, error: str) -> None:
    say(region, 0, 1)
    aws.faults.add(fault, "GetLogEvents")
    with pytest.raises(ClientError, match=error):
        logs.get_log_events(**WHERE)
    assert len(logs.get_log_events(**WHERE)["events"]) == 1


@pytest.mark.parametrize(("fault", "error"), [(Fault.RESET, ConnectionClosedError), (Fault.TIMEOUT, ReadTimeoutError)])
def test_reads_without_an_answer(
    logs: Any, aws: StrictAws, region: Region, fault: Fault, error: type[Exception]
) -> None:
    say(region, 0, 1)
    aws.faults.add(fault, "GetLogEvents")
    with pytest.raises(error):
        logs.get_log_events(**WHERE)


def test_other_processes_read_over_loopback(session: boto3.Session) -> None:
    aws = StrictAws()
    region = aws.region("111122223333", "eu-west-1")
    say(region, 0, 2)
    with on_loopback(aws) as url:
        logs: Any = session.client(
            "logs",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="111122223333",
            aws_secret_access_key="not-aws",  # noqa: S106 - the opposite of a secret
            config=Config(retries={"total_max_attempts": 1}),
        )
        assert messages(logs.get_log_events(**WHERE)) == ["line 0", "line 1"]
        aws.faults.add(Fault.EMPTY, "GetLogEvents")
        assert "events" not in logs.get_log_events(**WHERE)
        aws.faults.add(Fault.RESET, "GetLogEvents")
        with pytest.raises(ConnectionClosedError):
            logs.get_log_events(**WHERE)

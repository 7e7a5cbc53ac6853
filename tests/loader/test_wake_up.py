"""The wake-up queue, against the emulator's SQS: when it makes a refresh come sooner, and what it can't do."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from structlog.testing import capture_logs

from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_loader.wake_up import WakeUpQueue
from loader.bundle_files import family_files
from loader.ecs_account import REGION, dag_labels

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from loader.ecs_account import EcsAccount

pytestmark = pytest.mark.emulator

_names = itertools.count()


class Clock:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Queue:
    """A queue of the test's own in the emulator."""

    def __init__(self, account: EcsAccount) -> None:
        self.sqs: SQSClient = boto3.Session().client("sqs", region_name=REGION)
        name = f"wake-up-{next(_names)}"
        self.emulator_url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.url = f"https://sqs.{REGION}.amazonaws.com/{account.number}/{name}"

    def put(self, count: int = 1) -> None:
        for number in range(count):
            self.sqs.send_message(QueueUrl=self.emulator_url, MessageBody=f"not read {number}")

    def left(self) -> int:
        asked = self.sqs.get_queue_attributes(QueueUrl=self.emulator_url, AttributeNames=["All"])["Attributes"]
        return int(asked["ApproximateNumberOfMessages"]) + int(asked["ApproximateNumberOfMessagesNotVisible"])


@pytest.fixture
def queue(account: EcsAccount) -> Queue:
    return Queue(account)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("count", [1, 9, 10, 11, 35])
def test_whatever_is_put_there_is_one_hint_and_is_taken_out(queue: Queue, clock: Clock, count: int) -> None:
    wake_up = WakeUpQueue(queue.url, clock=clock)
    assert not wake_up.has_hint()
    queue.put(count)
    clock.now += 5
    assert wake_up.has_hint()
    assert queue.left() == 0
    assert wake_up.has_hint(), "until there was a refresh"
    wake_up.refreshed(0.1)
    clock.now += 5
    assert not wake_up.has_hint()


def test_it_is_looked_at_every_five_seconds_at_most(queue: Queue, clock: Clock) -> None:
    wake_up = WakeUpQueue(queue.url, clock=clock)
    wake_up.has_hint()
    queue.put()
    clock.now += 4.9
    assert not wake_up.has_hint()
    clock.now += 0.2
    assert wake_up.has_hint()


def test_a_flood_leaves_time_between_refreshes(queue: Queue, clock: Clock) -> None:
    wake_up = WakeUpQueue(queue.url, clock=clock)
    wake_up.refreshed(20)
    queue.put(3)
    clock.now += 79
    assert not wake_up.has_hint()
    clock.now += 2
    assert wake_up.has_hint()


def test_a_queue_that_does_not_answer_is_told_of_once_and_knows_of_nothing(queue: Queue, clock: Clock) -> None:
    gone = WakeUpQueue(f"{queue.url}-gone", clock=clock)
    with capture_logs() as logs:
        for _ in range(30):
            assert not gone.has_hint()
            clock.now += 30
    assert [each["event"] for each in logs] == ["the wake-up queue can't be read: refreshes go on by time"]
    assert "Queue" in logs[0]["reason"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "airflow-wake-up",
        "arn:aws:sqs:eu-west-1:123456789012:airflow-wake-up",
        "http://sqs.eu-west-1.amazonaws.com/123456789012/airflow-wake-up",
        "https://sqs.eu-west-1.amazonaws.com.example.com/123456789012/airflow-wake-up",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/airflow-wake-up\n",
    ],
)
def test_what_is_no_queue(url: str) -> None:
    with pytest.raises(ValueError, match="give the URL of an SQS queue, such as https"):
        EcsDagBundle(name="ecs", wake_up_queue=url)


def test_a_deployment_is_found_at_once(account: EcsAccount, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Airflow does it: it asks for the refresh interval at each check, and refreshes where that is over."""
    clock = Clock()
    monkeypatch.setattr("airflow_ecs_dag_loader.bundle.time.monotonic", clock)
    bundle: Any = EcsDagBundle(name=f"wake-up-{account.number}", wake_up_queue=queue.url, refresh_interval=300)
    bundle.initialize()
    bundle.refresh()
    account.register("orders", dag_labels("orders"))
    clock.now += 6
    assert bundle.refresh_interval == 300
    queue.put()
    clock.now += 6
    assert bundle.refresh_interval == 0
    bundle.refresh()
    assert [*family_files(bundle.base_dir)] == ["orders"]
    assert bundle.refresh_interval == 300

"""A strict AWS of a test's own, on a clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from strict_ecs.botocore_door import in_this_process
from strict_ecs.strict_aws import StrictAws
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from strict_ecs.strict_aws import Region

ACCOUNT = "111122223333"
REGION = "eu-west-1"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def aws(clock: VirtualClock) -> Iterator[StrictAws]:
    """A strict AWS that answers this process."""
    strict = StrictAws(clock=clock.now)
    with in_this_process(strict, clock):
        yield strict


@pytest.fixture
def region(aws: StrictAws) -> Region:
    return aws.region(ACCOUNT, REGION)


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One for all, because each reads the service models from disk anew."""
    return boto3.Session()


@pytest.fixture
def client(aws: StrictAws, session: Any) -> Callable[..., Any]:
    """Make a client of :data:`ACCOUNT` that tries each call once, unless told otherwise."""
    aws.region(ACCOUNT, REGION)

    def make(service: str = "ecs", **arguments: Any) -> Any:
        retries = arguments.pop("retries", {"total_max_attempts": 1, "mode": "standard"})
        key = arguments.pop("key", ACCOUNT)
        return session.client(
            service,
            region_name=arguments.pop("region_name", REGION),
            aws_access_key_id=key,
            aws_secret_access_key="not-aws",  # noqa: S106 - the opposite of a secret
            config=Config(retries=retries, read_timeout=10, connect_timeout=3),
            **arguments,
        )

    return make

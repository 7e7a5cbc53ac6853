"""AWS as the caller's own credentials see it: who they are, and clients for what is asked."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoRegionError
from rich.console import Console

from airflow_ecs_dag_cli.aws_failures import AwsFailure
from airflow_ecs_dag_loader.aws_answers import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_ecs import ECSClient

_PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 10}, connect_timeout=5, read_timeout=20)
"""For a whole registry: stays below AWS's rate, and loses no call to it."""
_BRIEF = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=10)
_GLANCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=2, read_timeout=5)


class AwsAccessError(RuntimeError):
    """AWS gave no answer; the message says why, and what to do.

    Attributes:
        failure: The same as data.
    """

    def __init__(self, error: BaseException) -> None:
        self.failure = AwsFailure.of(error)
        super().__init__(str(self.failure))


@dataclass(frozen=True)
class Caller:
    """Who asks AWS, and where: an account of 12 digits, a region, and the ARN of the user or role."""

    account: str
    region: str
    arn: str

    @property
    def place(self) -> str:
        """Account and region."""
        return f"{self.account}/{self.region}"


class AwsAccess:
    """AWS with the credentials of whoever runs the command.

    Args:
        region: AWS region; ``None`` for that of the profile or of the environment.
        profile: A profile of the AWS configuration; ``None`` for the one in force.
    """

    def __init__(self, *, region: str | None = None, profile: str | None = None) -> None:
        logging.getLogger("botocore").setLevel(logging.WARNING)  # Airflow, once imported, shows its notes
        self._region = region
        self._profile = profile

    @cached_property
    def caller(self) -> Caller:
        """Who these credentials are.

        Raises:
            AwsAccessError: They are none, or AWS does not take them.
        """
        try:
            if self._session.region_name is None:
                raise NoRegionError
            answer = self._session.client("sts", config=_BRIEF).get_caller_identity()
            return Caller(answer["Account"], self._session.region_name, answer["Arn"])
        except NO_ANSWER as error:
            raise AwsAccessError(error) from error

    @cached_property
    def ecs(self) -> ECSClient:
        """A client for ECS that stays below AWS's rate."""
        return self._session.client("ecs", config=_PATIENT)

    def ecs_in(self, region: str) -> ECSClient:
        """Return a client for a glance at another region: one try, seconds at most."""
        return self._session.client("ecs", region_name=region, config=_GLANCE)

    def iam(self) -> Any:  # noqa: ANN401 - a service without type stubs here
        """Return a client for IAM."""
        make: Any = self._session.client
        return make("iam", config=_BRIEF)

    @property
    def other_regions(self) -> list[str]:
        """The regions of this partition that have ECS, without the one that is looked at."""
        partition = self._session.get_partition_for_region(self.caller.region)
        regions = self._session.get_available_regions("ecs", partition_name=partition)
        return [region for region in regions if region != self.caller.region]

    @cached_property
    def _session(self) -> boto3.Session:
        try:
            region = self._region or os.environ.get("AWS_REGION")  # which boto3 alone does not read
            return boto3.Session(profile_name=self._profile, region_name=region)
        except BotoCoreError as error:
            raise AwsAccessError(error) from error


def use_profile(name: str) -> None:
    """Make a profile the default of all clients; keys in the environment would come before it."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        os.environ.pop(variable, None)
    os.environ["AWS_PROFILE"] = name


@contextmanager
def scan_shown(ecs: ECSClient) -> Iterator[None]:
    """Show how far the reading of a registry is, on stderr and only if that is a terminal."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield
        return
    listed = described = 0
    with console.status("reading the ECS registry") as status:

        def count(*, parsed: Mapping[str, Any], **_: object) -> None:
            nonlocal listed, described
            arns = parsed.get("taskDefinitionArns")
            listed += len(arns) if isinstance(arns, list) else 0
            described += "taskDefinition" in parsed
            status.update(f"reading the ECS registry: {listed:,} revisions listed, {described:,} described")

        ecs.meta.events.register("after-call.ecs", count)
        try:
            yield
        finally:
            ecs.meta.events.unregister("after-call.ecs", count)

"""The clients for scanning: with an Airflow connection's credentials, or with a role that these assume."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper
from airflow.sdk import Connection
from botocore.config import Config

from airflow_ecs_dag_loader.aws_answers import THROTTLED
from airflow_ecs_dag_loader.aws_hook import AwsHook
from airflow_ecs_dag_loader.scan_error import ScanError

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_ecs import ECSClient

    from airflow_ecs_dag_loader.places import Place

RETRIES = Config(retries={"mode": "adaptive", "max_attempts": 3}, connect_timeout=2, read_timeout=5)
"""Adaptive retries stay below AWS's rate. They are few and wait shortly, because the DAG processor does nothing else
meanwhile, and Airflow takes one that is silent for 30 s for dead: three reads without an answer take 15 s and their
pauses. The next refresh goes on where this one stopped."""


@dataclass
class CallCount:
    """What a client sent, retries included.

    Attributes:
        calls: Requests.
        throttles: Those that AWS turned down because there were too many.
    """

    calls: int = 0
    throttles: int = 0

    def __sub__(self, before: CallCount) -> CallCount:
        return CallCount(self.calls - before.calls, self.throttles - before.throttles)

    def watch(self, client: ECSClient) -> None:
        """Count what ``client`` sends from now on."""
        client.meta.events.register("before-send.ecs", self._sent)
        client.meta.events.register("needs-retry.ecs", self._answered)

    def _sent(self, **_: object) -> None:
        self.calls += 1

    def _answered(self, response: tuple[Any, dict[str, Any]] | None = None, **_: object) -> None:
        if response is not None and response[1].get("Error", {}).get("Code") in THROTTLED:
            self.throttles += 1


class PlaceClient:
    """A place's client for ECS, made when it is asked for first.

    Airflow's connection is read here and now, for that is no work for another thread; a role is assumed by the thread
    that makes the client.

    Args:
        place: What it is for.

    Raises:
        ScanError: The connection assumes a role itself, and so does the source.
    """

    def __init__(self, place: Place) -> None:
        self.count = CallCount()
        self._hook = _hook(place)
        self._client: ECSClient | None = None

    def get(self) -> ECSClient:
        """Return the client.

        Raises:
            ScanError: There are no credentials, or the role can't be assumed.
        """
        if self._client is None:
            try:
                client: ECSClient = self._hook.get_conn()
            except Exception as error:
                raise ScanError(f"there is no access to ECS: {error}") from error
            self.count.watch(client)
            self._client = client
        return self._client

    def session(self) -> boto3.Session:
        """Return a session with the same credentials and region, for what is asked beside a scan.

        Raises:
            ScanError: As :meth:`get`.
        """
        try:
            return self._hook.get_session(region_name=self._hook.region_name)
        except Exception as error:
            raise ScanError(f"there is no access to AWS: {error}") from error


def _hook(place: Place) -> AwsHook:
    access = place.access
    hook: AwsHook = AwsHook(
        aws_conn_id=access.aws_conn_id, region_name=place.source.region_name, client_type="ecs", config=RETRIES
    )
    if access.role_arn is None:
        return hook
    try:
        base = hook.conn_config
    except Exception as error:
        raise ScanError(f"there is no access to ECS: {error}") from error
    if base.role_arn:
        raise ScanError(
            f"the connection {access.aws_conn_id} assumes the role {base.role_arn}, and the source "
            f"{place.source.name} another one: give role_arn in one of the two"
        )
    asked = {"RoleSessionName": f"airflow-ecs-dag-{place.source.name}"}
    if access.external_id is not None:
        asked["ExternalId"] = access.external_id
    extra = {**base.extra_config, "role_arn": access.role_arn, "assume_role_kwargs": asked}
    assumes = Connection(
        conn_id="ecs_registry", conn_type="aws", login=base.login, password=base.password, extra=json.dumps(extra)
    )
    hook.conn_config = AwsConnectionWrapper(conn=assumes, region_name=place.source.region_name, botocore_config=RETRIES)
    return hook

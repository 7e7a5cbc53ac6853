"""The server for other processes: the same answers and faults over a real socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)

from strict_ecs.faults import Fault
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

ACCOUNT, REGION = "111122223333", "eu-west-1"


@pytest.fixture
def aws() -> StrictAws:
    strict = StrictAws()
    strict.region(ACCOUNT, REGION).definitions.register("reports", {"airflow.dag.dag_id": "reports"})
    strict.roles.add_role(f"arn:aws:iam::{ACCOUNT}:role/scan", external_id="x1")
    return strict


@pytest.fixture
def url(aws: StrictAws) -> Iterator[str]:
    with on_loopback(aws) as address:
        yield address


@pytest.fixture
def ecs(url: str, session: boto3.Session) -> Any:
    return make(session, "ecs", url)


def make(session: boto3.Session, service: Any, url: str) -> Any:
    return session.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="not-aws",  # noqa: S106 - the opposite of a secret
        config=Config(retries={"total_max_attempts": 1}, read_timeout=0.5, proxies={}),
    )


def test_it_speaks_ecs_and_sts(ecs: Any, url: str, session: boto3.Session) -> None:
    assert ecs.describe_task_definition(taskDefinition="reports")["taskDefinition"]["revision"] == 1
    with pytest.raises(ClientError, match="Unable to describe"):
        ecs.describe_task_definition(taskDefinition="nothing")
    sts = make(session, "sts", url)
    role = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/scan", "RoleSessionName": "airflow"}
    assert sts.assume_role(**role, ExternalId="x1")["Credentials"]["AccessKeyId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(**role)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.THROTTLED, ClientError),
        (Fault.SERVER_ERROR, ClientError),
        (Fault.EXPIRED_TOKEN, ClientError),
        (Fault.ACCESS_DENIED, ClientError),
        (Fault.RESET, ConnectionClosedError),
        (Fault.ACCOUNT_DOWN, ConnectionClosedError),
        (Fault.TIMEOUT, ReadTimeoutError),
    ],
)
def test_each_fault_over_a_socket(ecs: Any, aws: StrictAws, fault: Fault, kind: type[Exception]) -> None:
    aws.faults.add(fault)
    with pytest.raises((BotoCoreError, ClientError)) as error:
        ecs.list_task_definitions()
    assert isinstance(error.value, kind), repr(error.value)
    assert len(ecs.list_task_definitions()["taskDefinitionArns"]) == 1


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.EMPTY, Fault.HTML])
def test_a_spoilt_body_over_a_socket(ecs: Any, aws: StrictAws, fault: Fault) -> None:
    aws.faults.add(fault)
    assert "taskDefinitionArns" not in ecs.list_task_definitions()
    assert "taskDefinitionArns" in ecs.list_task_definitions()


OTHER_PROCESS = """
import boto3, json
ecs = boto3.client("ecs")
print(json.dumps(ecs.list_task_definitions()["taskDefinitionArns"]))
"""


def test_another_process_comes_in_by_its_environment(url: str, aws: StrictAws) -> None:
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "not-aws",
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run([sys.executable, "-c", OTHER_PROCESS], env=environment, capture_output=True, check=True)
    revision = aws.region(ACCOUNT, REGION).definitions.find("reports")
    assert revision
    assert json.loads(done.stdout) == [revision.arn]


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({}, b"{}", "MissingAuthenticationToken"),
        ({"Authorization": "Credential=1/20261122/r/s3/aws4_request"}, b"", "UnknownOperation"),
        ({"Authorization": "Credential=1/20261122/r/ecs/aws4_request"}, b"{}", "UnknownOperation"),
        ({"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListTasks"}, b"{", "Serialization"),
        ({"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListTasks"}, b"[]", "Serialization"),
        ({"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.PutAttributes"}, b"{}", "UnknownOperation"),
    ],
)
def test_what_is_no_call_is_told_so(url: str, headers: dict[str, str], body: bytes, code: str) -> None:
    if "X-Amz-Target" in headers:
        headers = {"Authorization": f"Credential={ACCOUNT}/20261122/{REGION}/ecs/aws4_request", **headers}
    answer = httpx.post(url, headers=headers, content=body, trust_env=False)
    assert answer.status_code in (400, 403)
    assert answer.json()["__type"].startswith(code)

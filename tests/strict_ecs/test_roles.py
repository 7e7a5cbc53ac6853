"""Roles of other accounts: who may assume them, and what their sessions see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from strict_ecs.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from strict_ecs.strict_aws import StrictAws

OTHER = "444455556666"
ROLE = f"arn:aws:iam::{OTHER}:role/scan"


@pytest.fixture
def sts(aws: StrictAws, client: Callable[..., Any]) -> Any:
    aws.region(OTHER, "eu-west-1").definitions.register("theirs")
    aws.roles.add_role(ROLE, external_id="secret-handshake")
    return client("sts")


def assume(sts: Any, **arguments: Any) -> dict[str, str]:
    asked = {"RoleArn": ROLE, "RoleSessionName": "airflow", "ExternalId": "secret-handshake", **arguments}
    made = sts.assume_role(**asked)["Credentials"]
    return {"key": made["AccessKeyId"], "aws_session_token": made["SessionToken"]}


def test_a_session_is_its_roles_account(sts: Any, client: Callable[..., Any]) -> None:
    assert sts.get_caller_identity()["Account"] == "111122223333"
    session = assume(sts)
    (arn,) = client(**session).list_task_definitions()["taskDefinitionArns"]
    assert f":{OTHER}:" in arn
    assert client("sts", **session).get_caller_identity()["Account"] == OTHER
    assert client().list_task_definitions()["taskDefinitionArns"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"ExternalId": "other"}, "AccessDenied"),
        ({"RoleArn": f"arn:aws:iam::{OTHER}:role/other-role"}, "AccessDenied"),
        ({"RoleSessionName": "a b"}, "ValidationError"),
        ({"DurationSeconds": 43_201}, "ValidationError"),
    ],
)
def test_what_sts_refuses(sts: Any, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as error:
        assume(sts, **arguments)
    assert error.value.response["Error"]["Code"] == code


def test_without_the_external_id_there_is_no_session(sts: Any) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=ROLE, RoleSessionName="airflow")


def test_sessions_expire_on_request(sts: Any, aws: StrictAws, client: Callable[..., Any]) -> None:
    session = assume(sts)
    aws.roles.expire_sessions()
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        client(**session).list_task_definitions()
    assert client(**assume(sts)).list_task_definitions()


def test_a_session_needs_its_token(sts: Any, client: Callable[..., Any]) -> None:
    session = assume(sts)
    for token in ({}, {"aws_session_token": "other"}):
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            client(key=session["key"], **token).list_task_definitions()


def test_a_role_has_a_roles_arn(aws: StrictAws) -> None:
    with pytest.raises(ValueError, match="no role's ARN: 'scan'"):
        aws.roles.add_role("scan")


@pytest.mark.parametrize("fault", [fault for fault in Fault if "LIST" not in fault.name and "PAGE" not in fault.name])
def test_sts_fails_in_each_way_and_recovers(sts: Any, aws: StrictAws, fault: Fault) -> None:
    aws.faults.add(fault, "AssumeRole")
    with pytest.raises((BotoCoreError, ClientError, ResponseParserError, KeyError)):
        assume(sts)
    assert assume(sts)

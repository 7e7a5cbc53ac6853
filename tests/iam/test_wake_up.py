"""The wake-up queue's construct: which deployments reach it, and who may put something there or take it out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_iam as iam

from airflow_ecs_dag import DagDefinitionError
from airflow_ecs_dag.platform import LoaderRole, WakeUpQueue, WakeUpRule

if TYPE_CHECKING:
    from pathlib import Path

QUEUE = "arn:aws:sqs:eu-west-1:111111111111:airflow-wake-up"
SENDER = "arn:aws:iam::222222222222:role/airflow-wake-up"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    app = App(outdir=str(tmp_path / "cdk.out"))
    return Stack(app, "Main", env=Environment(account="111111111111", region="eu-west-1"))


def loader(stack: Stack) -> LoaderRole:
    return LoaderRole(stack, "Loader", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))


def template(stack: Stack) -> dict[str, Any]:
    """Return the resources of the stack by logical id."""
    app: Any = stack.node.root
    found: dict[str, Any] = app.synth().get_stack_by_name("Main").template["Resources"]
    return found


def of_type(found: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of a kind, by logical id."""
    return {key: each["Properties"] for key, each in found.items() if each["Type"] == kind}


def test_registering_and_deregistering_are_put_there_and_nothing_else(stack: Stack) -> None:
    WakeUpQueue(stack, "WakeUp", reader=loader(stack))
    found = template(stack)
    ((rule_id, rule),) = of_type(found, "AWS::Events::Rule").items()
    ((queue_id, _),) = of_type(found, "AWS::SQS::Queue").items()
    assert rule["EventPattern"] == {
        "source": ["aws.ecs"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["ecs.amazonaws.com"],
            "eventName": ["RegisterTaskDefinition", "DeregisterTaskDefinition"],
        },
    }
    assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": [queue_id, "Arn"]}]
    (policy,) = of_type(found, "AWS::SQS::QueuePolicy").values()
    statements = policy["PolicyDocument"]["Statement"]
    (allowed,) = [each for each in statements if each["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule_id, "Arn"]}}}
    assert [each["Condition"] for each in statements if each["Effect"] == "Deny"] == [
        {"Bool": {"aws:SecureTransport": "false"}}
    ]


def test_the_reader_takes_out_and_puts_nothing_there(stack: Stack) -> None:
    WakeUpQueue(stack, "WakeUp", reader=loader(stack))
    text = json.dumps(of_type(template(stack), "AWS::IAM::Policy"))
    assert '"sqs:DeleteMessage", "sqs:ReceiveMessage"' in text
    assert text.count("sqs:") == 2


def test_senders_of_other_accounts_are_named(stack: Stack) -> None:
    WakeUpQueue(stack, "WakeUp", reader=loader(stack), queue_name="airflow-wake-up", senders=[SENDER])
    (policy,) = of_type(template(stack), "AWS::SQS::QueuePolicy").values()
    (sender,) = [each for each in policy["PolicyDocument"]["Statement"] if each.get("Sid", "").startswith("Other")]
    assert sender["Principal"] == {"AWS": SENDER}
    assert sender["Action"] == "sqs:SendMessage"


def test_another_account_sends_with_a_role_that_may_do_just_that(stack: Stack) -> None:
    WakeUpRule(stack, "WakeUp", queue_arn=QUEUE, role_name="airflow-wake-up")
    found = template(stack)
    ((role_id, role),) = of_type(found, "AWS::IAM::Role").items()
    assert role["RoleName"] == "airflow-wake-up"
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "events.amazonaws.com"}
    (policy,) = of_type(found, "AWS::IAM::Policy").values()
    assert [(each["Action"], each["Resource"]) for each in policy["PolicyDocument"]["Statement"]] == [
        ("sqs:SendMessage", QUEUE)
    ]
    (rule,) = of_type(found, "AWS::Events::Rule").values()
    assert [(target["Arn"], target["RoleArn"]) for target in rule["Targets"]] == [
        (QUEUE, {"Fn::GetAtt": [role_id, "Arn"]})
    ]


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"reader": "airflow-loader"}, ["reader"]),
        ({"queue_name": "a b"}, ["queue_name"]),
        ({"queue_name": "a" * 81}, ["queue_name"]),
        ({"senders": ["*"]}, ["senders.0"]),
        ({"senders": ["222222222222"]}, ["senders.0"]),
        ({"senders": SENDER}, ["senders"]),
    ],
)
def test_what_no_queue_can_be(stack: Stack, given: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(DagDefinitionError) as error:
        WakeUpQueue(stack, "WakeUp", **{"reader": loader(stack), **given})
    assert [problem.path for problem in error.value.problems] == paths
    assert stack.node.try_find_child("WakeUp") is None


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"queue_arn": "airflow-wake-up"}, ["queue_arn"]),
        ({"queue_arn": "arn:aws:sqs:eu-west-1:111111111111:*"}, ["queue_arn"]),
        ({"queue_arn": QUEUE, "role_name": "a b"}, ["role_name"]),
    ],
)
def test_what_no_rule_can_be(stack: Stack, given: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(DagDefinitionError) as error:
        WakeUpRule(stack, "WakeUp", **given)
    assert [problem.path for problem in error.value.problems] == paths
    assert stack.node.try_find_child("WakeUp") is None

"""The simulators themselves: each sees what these tests rest on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iam.simulators import SIMULATORS, Request, iam_simulates_verdicts

HERE = "eu-west-1:111111111111"
CLUSTER = f"arn:aws:ecs:{HERE}:cluster/shared"
TASK = f"arn:aws:ecs:{HERE}:task/shared/0a1b2c"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(
    action: str, resource: str, condition: dict[str, Any] | None = None, effect: str = "Allow"
) -> dict[str, Any]:
    found = {"Effect": effect, "Action": action, "Resource": resource}
    return found if condition is None else found | {"Condition": condition}


RUN = Request(
    principal="arn:aws:sts::111111111111:assumed-role/worker/airflow",
    policies=(),
    action="ecs:RunTask",
    resource=f"arn:aws:ecs:{HERE}:task-definition/orders:7",
    account="111111111111",
    context={"ecs:cluster": CLUSTER},
)
TAG = replace(RUN, action="ecs:TagResource", resource=TASK, context={"ecs:CreateAction": "RunTask"})
REVISIONS = f"arn:aws:ecs:{HERE}:task-definition/orders:*"
ON_CLUSTER = {"ArnEquals": {"ecs:cluster": CLUSTER}}


@pytest.mark.parametrize(
    ("request_", "statements", "result"),
    [
        (RUN, [], "ImplicitlyDenied"),
        (RUN, [statement("ecs:RunTask", REVISIONS)], "Allowed"),
        (RUN, [statement("ecs:Run*", "*")], "Allowed"),
        (RUN, [statement("ECS:runtask", REVISIONS)], "Allowed"),
        (RUN, [statement("ecs:RunTask", f"arn:aws:ecs:{HERE}:task-definition/order")], "ImplicitlyDenied"),
        (RUN, [statement("ecs:RunTask", f"arn:aws:ecs:{HERE}:task-definition/order?:?")], "Allowed"),
        (RUN, [statement("*", "*"), statement("ecs:RunTask", REVISIONS, effect="Deny")], "ExplicitlyDenied"),
        (RUN, [statement("ecs:RunTask", REVISIONS, ON_CLUSTER)], "Allowed"),
        (replace(RUN, context={"ecs:cluster": f"{CLUSTER}2"}), [statement("*", "*", ON_CLUSTER)], "ImplicitlyDenied"),
        (replace(RUN, context={}), [statement("*", "*", ON_CLUSTER)], "ImplicitlyDenied"),
        (TAG, [statement("ecs:TagResource", f"{TASK[:-6]}*")], "Allowed"),
    ],
)
def test_what_they_see(simulator: str, request_: Request, statements: list[dict[str, Any]], result: str) -> None:
    asked = replace(request_, policies=(policy(*statements),) if statements else ())
    (verdict,) = SIMULATORS[simulator]([asked])
    assert (verdict.result, verdict.errors) == (result, None)


@pytest.mark.usefixtures("iam_simulate")
def test_a_key_that_an_action_does_not_have_is_not_in_its_request() -> None:
    tag = replace(
        TAG,
        context={"ecs:CreateAction": "RunTask", "ecs:cluster": CLUSTER},
        policies=(policy(statement("ecs:TagResource", "*", ON_CLUSTER)),),
    )
    (verdict,) = iam_simulates_verdicts([tag])
    assert (verdict.result, verdict.ignored) == ("ImplicitlyDenied", ("ecs:cluster",))


def test_a_policy_that_is_none_is_an_error(simulator: str) -> None:
    none = policy({"Effect": "Maybe", "Action": "*", "Resource": "*"})
    (verdict,) = SIMULATORS[simulator]([replace(RUN, policies=(none,))])
    assert verdict.result == "error"
    assert verdict.errors

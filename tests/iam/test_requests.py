"""What the roles of docs/permissions.md may do and may not: each call of `cases`, asked of both IAM simulators."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml

from iam.permission_page import PLATFORM, PROJECT, page_roles, role
from iam.simulators import SIMULATORS, Request, Verdict, known_actions

CASES = Path(__file__).parent / "cases"
ALLOWED: list[list[Any]] = yaml.safe_load((CASES / "allowed.yaml").read_text())
DENIED: list[list[Any]] = yaml.safe_load((CASES / "denied.yaml").read_text())
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in (PLATFORM, PROJECT, "333333333333")]},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    ],
}
"""The trust of a role that leaves it to each account whom it lets take the role on."""


def session(account: str, name: str) -> str:
    return f"arn:aws:sts::{account}:assumed-role/{name}/airflow"


@cache
def callers() -> dict[str, tuple[str, tuple[dict[str, Any], ...]]]:
    """Each caller's ARN and policies."""
    loader, runner = role(PLATFORM, "airflow-loader"), role(PLATFORM, "airflow-runner")
    scan, run = role(PROJECT, "airflow-scan"), role(PROJECT, "airflow-run")
    return {
        "loader": (session(PLATFORM, "airflow-loader"), loader.all_policies),
        "runner": (session(PLATFORM, "airflow-runner"), tuple(runner.policies["Platform"])),
        "project": (session(PLATFORM, "airflow-runner"), tuple(runner.policies["Invoices"])),
        "scan": (session(PROJECT, "airflow-scan"), scan.all_policies),
        "run": (session(PROJECT, "airflow-run"), run.all_policies),
        "administrator": (session(PLATFORM, "Administrator"), (EVERYTHING,)),
        "user": (f"arn:aws:iam::{PLATFORM}:user/somebody", (EVERYTHING,)),
        "root": (f"arn:aws:iam::{PLATFORM}:root", (EVERYTHING,)),
        "namesake": (session("333333333333", "airflow-loader"), (EVERYTHING,)),
        "outsider": (session("333333333333", "airflow-runner"), (EVERYTHING,)),
    }


@cache
def names() -> dict[str, str]:
    """What stands for the `$names` of the cases."""
    here, there = f"eu-west-1:{PLATFORM}", f"eu-west-1:{PROJECT}"
    found = {
        "platform": PLATFORM,
        "project": PROJECT,
        "here": here,
        "there": there,
        "shared": f"arn:aws:ecs:{here}:cluster/shared",
        "shared_there": f"arn:aws:ecs:{there}:cluster/shared",
    }
    for stack, account in (("Invoices", PLATFORM), ("Orders", PROJECT)):
        for part, logical_id in (("task_role", "TaskRole"), ("execution_role", "ExecutionRole")):
            beginning = f"arn:aws:iam::{account}:role/{stack}-TaskDefinition{logical_id}"
            (found[f"{stack.lower()}_{part}"],) = [arn for arn in page_roles() if arn.startswith(beginning)]
        found[f"{stack.lower()}_log_group"] = _log_group(stack)
    return found


def _log_group(stack: str) -> str:
    """The log group of a stack, by the right to write to it: that of the execution role, which the CDK grants."""
    (execution,) = [each for arn, each in page_roles().items() if f"/{stack}-TaskDefinitionExecution" in arn]
    (policy,) = execution.all_policies
    (statement,) = policy["Statement"]
    assert "logs:PutLogEvents" in statement["Action"]
    return str(statement["Resource"]).partition(":log-group:")[2].removesuffix(":*")


def request_of(case: list[Any]) -> Request:
    _, caller, action, resource, context, *wall = case
    arn, policies = callers()[caller]
    resource = Template(resource).substitute(names())
    account = resource.split(":")[4] if resource.startswith("arn:") and resource.split(":")[4] else arn.split(":")[4]
    trust = None
    if action.startswith("sts:"):
        trust = ANYBODY if wall == ["policy"] else page_roles()[resource].trust
    return Request(
        principal=arn,
        policies=(EVERYTHING,) if wall == ["trust"] else policies,
        action=action,
        resource=resource,
        account=account,
        context={key: Template(value).substitute(names()) for key, value in context.items()},
        trust=trust,
    )


@cache
def verdicts(simulator: str) -> dict[str, Verdict]:
    """All verdicts of a simulator, by the case's name."""
    cases = [*ALLOWED, *DENIED]
    answers = SIMULATORS[simulator]([request_of(case) for case in cases])
    found = dict(zip([case[0] for case in cases], answers, strict=True))
    assert len(found) == len(cases), "two cases have one name"
    return found


@pytest.mark.parametrize("name", [case[0] for case in ALLOWED])
def test_allowed(name: str, simulator: str) -> None:
    assert verdicts(simulator)[name] == Verdict("Allowed")


@pytest.mark.parametrize("name", [case[0] for case in DENIED])
def test_denied(name: str, simulator: str) -> None:
    assert verdicts(simulator)[name] == Verdict("ImplicitlyDenied")


def test_what_is_denied_is_denied_by_our_policies(simulator: str) -> None:
    """Each request is one that could be: whoever may do everything is allowed it."""
    requests = [
        replace(
            request,
            policies=(EVERYTHING,),
            trust=ANYBODY if request.action.startswith("sts:") else None,
            account=request.account if request.action.startswith("sts:") else request.principal.split(":")[4],
        )
        for request in map(request_of, DENIED)
    ]
    answers = zip(DENIED, SIMULATORS[simulator](requests), strict=True)
    assert [case[0] for case, verdict in answers if verdict.result != "Allowed"] == []


def test_there_is_a_case_for_each_statement() -> None:
    assert len(ALLOWED) >= 40
    assert len(DENIED) >= 100
    for arn, each in page_roles().items():
        if "airflow-" not in arn:
            continue
        for action in {action for policy in each.all_policies for action in actions_of(policy)}:
            callers_of_it = {case[1] for case in ALLOWED if case[2] == action}
            assert any(callers()[caller][0].split("/")[1] == arn.split("/")[1] for caller in callers_of_it), action


def actions_of(policy: dict[str, Any]) -> list[str]:
    return [action for statement in policy["Statement"] for action in as_list(statement["Action"])]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.usefixtures("iam_simulate")
def test_each_condition_is_on_a_key_that_its_action_has() -> None:
    """A condition on any other key denies the action for ever."""
    used = {
        (action, key)
        for each in page_roles().values()
        for policy in (*each.all_policies, *([each.trust] if each.trust else []))
        for statement in policy["Statement"]
        for action in as_list(statement["Action"])
        for keys in statement.get("Condition", {}).values()
        for key in keys
    }
    assert ("ecs:RunTask", "ecs:cluster") in used
    known = known_actions(sorted({action for action, _ in used}))
    assert [(action, key) for action, key in sorted(used) if key not in known[action]["conditionKeys"]] == []


@pytest.mark.usefixtures("iam_simulate")
def test_a_star_alone_stands_only_where_iam_takes_nothing_else() -> None:
    """Of ListTasks, IAM knows the container instance that may be asked about; a cluster is named by a condition."""
    starred = {
        (action, "Condition" in statement)
        for arn, each in page_roles().items()
        if "airflow-" in arn
        for policy in each.all_policies
        for statement in policy["Statement"]
        if "*" in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }
    assert starred == {
        ("ecs:DescribeTaskDefinition", False),
        ("ecs:ListTaskDefinitions", False),
        ("ecs:ListTasks", True),
    }
    known = known_actions(sorted(action for action, _ in starred))
    assert [action for action, each in known.items() if not each["isWildcardOnly"]] == ["ecs:ListTasks"]
    assert known["ecs:ListTasks"]["resourceTypes"] == ["container-instance"]

"""What the platform's roles take, and what they refuse before the CDK sees any of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from airflow_ecs_dag import DagDefinitionError
from airflow_ecs_dag.platform import LoaderRole, RegistryScanRole, RunnerRole, TaskAccess, TaskRunRole
from iam.resolved_templates import Role, roles

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "111111111111"
HERE = f"eu-west-1:{ACCOUNT}"
LOADER = f"arn:aws:iam::{ACCOUNT}:role/loader"
PROCESS = iam.ServicePrincipal("ecs-tasks.amazonaws.com")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    app = App(outdir=str(tmp_path / "cdk.out"))
    return Stack(app, "Main", env=Environment(account=ACCOUNT, region="eu-west-1"))


def made(stack: Stack, name: str) -> Role:
    return roles(stack.node.root.synth())[f"arn:aws:iam::{ACCOUNT}:role/{name}"]  # type: ignore[attr-defined]


def statement(role: Role, action: str) -> dict[str, Any]:
    statements = [each for policy in role.all_policies for each in policy["Statement"]]
    (found,) = [each for each in statements if as_list(each["Action"])[0] == action]
    return dict(found)


def problems(error: pytest.ExceptionInfo[DagDefinitionError]) -> list[str]:
    return [problem.path for problem in error.value.problems]


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({}, ["assumed_by"]),
        ({"assumed_by": "ecs-tasks.amazonaws.com"}, ["assumed_by"]),
        ({"assumed_by": PROCESS, "role_name": "a b"}, ["role_name"]),
        ({"assumed_by": PROCESS, "role_name": "a" * 65}, ["role_name"]),
        ({"assumed_by": PROCESS, "role_name": "loader\n"}, ["role_name"]),
        ({"role": "loader"}, ["role"]),
        ({"assumed_by": PROCESS, "assumes": LOADER}, ["assumes"]),
        ({"assumed_by": PROCESS, "assumes": ["*"]}, ["assumes.0"]),
        ({"assumed_by": PROCESS, "assumes": [LOADER, f"arn:aws:iam::{ACCOUNT}:role/*"]}, ["assumes.1"]),
        ({"assumed_by": PROCESS, "assumes": [f"arn:aws:iam::{ACCOUNT}:role/scan?"]}, ["assumes.0"]),
        ({"assumed_by": PROCESS, "assumes": ["arn:aws:iam::*:role/scan"]}, ["assumes.0"]),
        ({"role_name": "a b", "assumes": ["scan"]}, ["assumed_by", "assumes.0", "role_name"]),
    ],
)
def test_what_no_loader_can_be(stack: Stack, given: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(DagDefinitionError) as error:
        LoaderRole(stack, "Loader", **given)
    assert problems(error) == paths
    assert "in LoaderRole('Loader'):" in str(error.value)
    assert stack.node.try_find_child("Loader") is None


def test_a_role_that_is_there_has_no_other_owner_or_name(stack: Stack) -> None:
    role = iam.Role.from_role_name(stack, "There", "there")
    with pytest.raises(DagDefinitionError) as error:
        RunnerRole(stack, "Runner", role=role, assumed_by=PROCESS, role_name="runner")
    assert problems(error) == ["assumed_by", "role_name"]


@pytest.mark.parametrize(
    "trusted",
    [
        "*",
        "111111111111",
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:iam::{ACCOUNT}:user/somebody",
        f"arn:aws:iam::{ACCOUNT}:role/*",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/loader/session",
        f"{LOADER}\n",
        "loader",
        None,
    ],
)
def test_who_can_not_be_trusted(stack: Stack, trusted: Any) -> None:
    with pytest.raises(DagDefinitionError) as error:
        RegistryScanRole(stack, "Scan", trusted=[trusted], external_id="source-1")
    (problem,) = error.value.problems
    assert problem.path == "trusted.0"
    assert problem.value == repr(trusted)
    assert "name each role" in problem.message


@pytest.mark.parametrize("external_id", ["", "a", "*", "a b", "${aws:username}", "a" * 1225, "id\n", None, 7])
def test_what_no_external_id_can_be(stack: Stack, external_id: Any) -> None:
    with pytest.raises(DagDefinitionError) as error:
        TaskRunRole(stack, "Run", trusted=[LOADER], external_id=external_id)
    assert problems(error) == ["external_id"]


def test_an_external_id_can_not_be_left_out(stack: Stack) -> None:
    with pytest.raises(TypeError, match="external_id"):
        RegistryScanRole(stack, "Scan", trusted=[LOADER])  # type: ignore[call-arg]


def test_somebody_must_be_trusted(stack: Stack) -> None:
    with pytest.raises(DagDefinitionError) as error:
        TaskRunRole(stack, "Run", trusted=[], external_id="source-1")
    assert problems(error) == ["trusted"]


def test_an_external_id_may_be_known_at_deploy_only(stack: Stack) -> None:
    parameter = CfnParameter(stack, "ExternalId").value_as_string
    scan = RegistryScanRole(stack, "Scan", trusted=[LOADER], external_id=parameter)
    assert isinstance(scan.role, iam.Role)
    template = stack.node.root.synth().get_stack_by_name("Main").template  # type: ignore[attr-defined]
    (role,) = [each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}}


def test_each_trusted_role_needs_the_external_id(stack: Stack) -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/path/other"
    RegistryScanRole(stack, "Scan", role_name="scan", trusted=[LOADER, other], external_id="source-1")
    trust = made(stack, "scan").trust
    assert trust is not None
    assert [(each["Principal"]["AWS"], each["Condition"]) for each in trust["Statement"]] == [
        (arn, {"StringEquals": {"sts:ExternalId": "source-1"}}) for arn in (LOADER, other)
    ]


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"families": []}, ["families"]),
        ({"families": "orders"}, ["families"]),
        ({"families": ["*"]}, ["families.0"]),
        ({"families": ["**"]}, ["families.0"]),
        ({"families": ["orders-*-x"]}, ["families.0"]),
        ({"families": ["orders?"]}, ["families.0"]),
        ({"families": ["orders:7"]}, ["families.0"]),
        ({"families": ["orders", "\u043erders"]}, ["families.1"]),
        ({"clusters": []}, ["clusters"]),
        ({"clusters": ["*"]}, ["clusters.0"]),
        ({"clusters": [f"arn:aws:ecs:{HERE}:cluster/*"]}, ["clusters.0"]),
        ({"clusters": [f"arn:aws:ecs:{HERE}:service/x"]}, ["clusters.0"]),
        ({"roles": ["*"]}, ["roles.0"]),
        ({"roles": ["orders-*"]}, ["roles.0"]),
        ({"roles": [f"arn:aws:iam::{ACCOUNT}:role/orders/*"]}, ["roles.0"]),
        ({"roles": [f"arn:aws:iam::{ACCOUNT}:user/x"]}, ["roles.0"]),
        ({"log_groups": ["*"]}, ["log_groups.0"]),
        ({"log_groups": ["/ecs/orders:*"]}, ["log_groups.0"]),
        ({"exchange_buckets": ["*"]}, ["exchange_buckets.0"]),
        ({"exchange_buckets": ["orders-*"]}, ["exchange_buckets.0"]),
        ({"exchange_buckets": ["orders/x"]}, ["exchange_buckets.0"]),
        ({"region": "here"}, ["region"]),
        ({"families": ["*"], "clusters": ["*"], "roles": ["*"]}, ["clusters.0", "families.0", "roles.0"]),
    ],
)
def test_what_no_access_can_be(given: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(DagDefinitionError) as error:
        TaskAccess(**{"families": ["orders"], "clusters": ["shared"]} | given)
    assert problems(error) == paths


def test_no_star_hides_beside_a_token(stack: Stack) -> None:
    name = CfnParameter(stack, "Name").value_as_string
    with pytest.raises(DagDefinitionError) as error:
        TaskAccess(families=[f"*{name}"], clusters=[f"{name}*"], roles=[f"{name}*"], log_groups=[f"{name}?"])
    assert problems(error) == ["clusters.0", "families.0", "log_groups.0", "roles.0"]
    access = TaskAccess(families=[f"{name}-*"], clusters=[name], roles=[f"{name}-task"], log_groups=[f"/ecs/{name}"])
    assert access.families == (f"{name}-*",)


def test_access_is_a_list_of_access(stack: Stack) -> None:
    with pytest.raises(DagDefinitionError) as error:
        TaskRunRole(stack, "Run", trusted=[LOADER], external_id="source-1", access=["orders"])  # type: ignore[list-item]
    assert problems(error) == ["access.0"]


def test_access_by_name(stack: Stack) -> None:
    access = TaskAccess(
        families=["orders", "reports-*"],
        clusters=["shared", f"arn:aws:ecs:{HERE}:cluster/spare"],
        roles=["team/orders-task", f"arn:aws:iam::{ACCOUNT}:role/orders-execution"],
        log_groups=["/ecs/orders"],
        region="us-east-1",
    )
    RunnerRole(stack, "Runner", role_name="runner", assumed_by=PROCESS, access=[access])
    role = made(stack, "runner")
    there = f"us-east-1:{ACCOUNT}"
    clusters = [f"arn:aws:ecs:{there}:cluster/shared", f"arn:aws:ecs:{HERE}:cluster/spare"]
    assert statement(role, "ecs:RunTask") == {
        "Action": "ecs:RunTask",
        "Effect": "Allow",
        "Condition": {"ArnEquals": {"ecs:cluster": clusters}},
        "Resource": [f"arn:aws:ecs:{there}:task-definition/{family}:*" for family in ("orders", "reports-*")],
    }
    assert statement(role, "iam:PassRole")["Resource"] == [
        f"arn:aws:iam::{ACCOUNT}:role/team/orders-task",
        f"arn:aws:iam::{ACCOUNT}:role/orders-execution",
    ]
    assert statement(role, "logs:GetLogEvents")["Resource"] == (
        f"arn:aws:logs:{there}:log-group:/ecs/orders:log-stream:*"
    )


def test_access_by_constructs(stack: Stack) -> None:
    cluster = ecs.Cluster(stack, "Cluster", cluster_name="shared", vpc=ec2.Vpc(stack, "Vpc", max_azs=1))
    task_role = iam.Role(stack, "Task", role_name="orders-task", assumed_by=PROCESS)
    group = logs.LogGroup(stack, "Logs", log_group_name="/ecs/orders")
    access = TaskAccess(families=["orders"], clusters=[cluster], roles=[task_role], log_groups=[group])
    RunnerRole(stack, "Runner", role_name="runner", assumed_by=PROCESS, access=[access])
    role = made(stack, "runner")
    assert statement(role, "ecs:DescribeTasks")["Resource"] == f"arn:aws:ecs:{HERE}:task/shared/*"
    assert statement(role, "iam:PassRole")["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/orders-task"
    assert statement(role, "logs:GetLogEvents")["Resource"] == f"arn:aws:logs:{HERE}:log-group:/ecs/orders:log-stream:*"


def test_access_to_exchanged_objects(stack: Stack) -> None:
    buckets: list[s3.IBucket | str] = ["orders-data", s3.Bucket.from_bucket_name(stack, "Bucket", "sales")]
    access = TaskAccess(families=["orders"], clusters=["shared"], exchange_buckets=buckets)
    RunnerRole(stack, "Runner", role_name="runner", assumed_by=PROCESS, access=[access])
    assert statement(made(stack, "runner"), "s3:GetObject") == {
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Effect": "Allow",
        "Resource": ["arn:aws:s3:::orders-data/airflow-exchange/*", "arn:aws:s3:::sales/airflow-exchange/*"],
    }


def test_without_roles_and_logs_there_is_no_right_to_them(stack: Stack) -> None:
    access = TaskAccess(families=["orders"], clusters=["shared"])
    RunnerRole(stack, "Runner", role_name="runner", assumed_by=PROCESS, access=[access], reads_registry=False)
    (policy,) = made(stack, "runner").all_policies
    actions = {action for each in policy["Statement"] for action in as_list(each["Action"])}
    assert actions == {"ecs:RunTask", "ecs:DescribeTasks", "ecs:StopTask", "ecs:ListTasks", "ecs:TagResource"}


def test_a_role_that_is_there_gets_the_policy(stack: Stack) -> None:
    LoaderRole(stack, "Loader", role=iam.Role.from_role_name(stack, "There", "there"))
    role = made(stack, "there")
    assert role.trust is None
    assert statement(role, "ecs:DescribeTaskDefinition")["Resource"] == "*"


def test_a_role_without_rights_has_no_policy(stack: Stack) -> None:
    TaskRunRole(stack, "Run", role_name="run", trusted=[LOADER], external_id="source-1", reads_registry=False)
    assert made(stack, "run").all_policies == ()


def test_the_roles_of_one_app_know_each_other(stack: Stack) -> None:
    scan = RegistryScanRole(stack, "Scan", role_name="scan", trusted=[LOADER], external_id="source-1")
    LoaderRole(stack, "Loader", role_name="loader", assumed_by=PROCESS, reads_registry=False, assumes=[scan.role])
    assert statement(made(stack, "loader"), "sts:AssumeRole")["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/scan"


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

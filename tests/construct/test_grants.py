"""What `grant_run` allows: read from the template, as IAM will read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Environment, NestedStack, SecretValue, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

from airflow_ecs_dag import AirflowEcsDag, EcsTask, Schedule

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

HERE = "eu-west-1:123456789012"
ARN = f"arn:aws:ecs:{HERE}:cluster/shared"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    app = App(outdir=str(tmp_path / "cdk.out"))
    return Stack(app, "Main", env=Environment(account="123456789012", region="eu-west-1"))


@pytest.fixture
def worker(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Worker", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))


@pytest.fixture
def task_definition(stack: Stack) -> ecs.FargateTaskDefinition:
    made = ecs.FargateTaskDefinition(stack, "Task", family="family")
    made.add_container(
        "main",
        image=ecs.ContainerImage.from_registry("x"),
        logging=ecs.LogDriver.aws_logs(stream_prefix="airflow"),
    )
    return made


def dag(task_definition: ecs.TaskDefinition, cluster: ecs.ICluster | str | None) -> AirflowEcsDag:
    network = {"vpc_subnets": ["subnet-0a"]} if task_definition.is_fargate_compatible else {}
    return AirflowEcsDag(
        task_definition.stack,
        "Dag",
        dag_id="a",
        task_definition=task_definition,
        cluster=cluster,
        schedule=Schedule.manual(),
        tasks=EcsTask("t"),
        **network,  # type: ignore[arg-type]
    )


def statements(stack: Stack) -> dict[str, dict[str, Any]]:
    """The worker's statements by their first action, each with its ARNs' references resolved to logical ids."""
    template = stack.node.root.synth().get_stack_by_name("Main").template  # type: ignore[attr-defined]
    (policy,) = [
        resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and name.startswith("Worker")
    ]
    return {str(as_list(statement["Action"])[0]): flat(statement) for statement in policy}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def flat(value: Any) -> Any:
    """Write CloudFormation's functions as text: ``<logical id>`` for a reference."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(flat(part) for part in parts)
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return f"<{name[:-8]}>"
        case dict():
            return {key: flat(item) for key, item in value.items()}
        case list():
            return [flat(item) for item in value]
        case _:
            return value


def test_exactly_what_a_run_needs(stack: Stack, worker: iam.Role, task_definition: ecs.FargateTaskDefinition) -> None:
    dag(task_definition, "shared").grant_run(worker).assert_success()
    on_cluster = {"ArnEquals": {"ecs:cluster": ARN}}
    tasks = f"arn:aws:ecs:{HERE}:task/shared/*"
    assert statements(stack) == {
        "ecs:RunTask": {
            "Action": "ecs:RunTask",
            "Condition": on_cluster,
            "Effect": "Allow",
            "Resource": f"arn:aws:ecs:{HERE}:task-definition/family:*",
        },
        "ecs:DescribeTasks": {
            "Action": ["ecs:DescribeTasks", "ecs:StopTask"],
            "Condition": on_cluster,
            "Effect": "Allow",
            "Resource": tasks,
        },
        "ecs:ListTasks": {
            "Action": "ecs:ListTasks",
            "Condition": on_cluster,
            "Effect": "Allow",
            "Resource": "*",
        },
        "ecs:TagResource": {
            "Action": "ecs:TagResource",
            "Condition": {"StringEquals": {"ecs:CreateAction": "RunTask"}},
            "Effect": "Allow",
            "Resource": tasks,
        },
        "iam:PassRole": {
            "Action": "iam:PassRole",
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            "Effect": "Allow",
            "Resource": ["<TaskTaskRole>", "<TaskExecutionRole>"],
        },
        "logs:GetLogEvents": {
            "Action": "logs:GetLogEvents",
            "Effect": "Allow",
            "Resource": f"arn:aws:logs:{HERE}:log-group:<TaskmainLogGroup>:log-stream:airflow/main/*",
        },
    }


def test_a_cluster_of_the_app(stack: Stack, worker: iam.Role, task_definition: ecs.FargateTaskDefinition) -> None:
    cluster = ecs.Cluster(stack, "Cluster", vpc=ec2.Vpc(stack, "Vpc", max_azs=1))
    dag(task_definition, cluster).grant_run(worker)
    found = statements(stack)
    assert found["ecs:RunTask"]["Condition"] == {"ArnEquals": {"ecs:cluster": "<Cluster>"}}
    assert found["ecs:DescribeTasks"]["Resource"] == f"arn:aws:ecs:{HERE}:task/<Cluster>/*"


def test_a_cluster_by_its_arn(stack: Stack, worker: iam.Role, task_definition: ecs.FargateTaskDefinition) -> None:
    dag(task_definition, ARN).grant_run(worker)
    found = statements(stack)
    assert found["ecs:RunTask"]["Condition"] == {"ArnEquals": {"ecs:cluster": ARN}}
    assert found["ecs:DescribeTasks"]["Resource"] == f"arn:aws:ecs:{HERE}:task/shared/*"


def test_no_cluster_is_each_cluster(stack: Stack, worker: iam.Role, task_definition: ecs.FargateTaskDefinition) -> None:
    dag(task_definition, None).grant_run(worker)
    found = statements(stack)
    assert "Condition" not in found["ecs:RunTask"]
    assert found["ecs:DescribeTasks"]["Resource"] == f"arn:aws:ecs:{HERE}:task/*/*"


def shared_role_policy(scope: Construct, family: str) -> iam.CfnPolicy:
    """Grant a DAG of a stack to a role that the stack imports, always under one id; return the policy."""
    made = ecs.ExternalTaskDefinition(scope, "Task", family=family)
    made.add_container("main", image=ecs.ContainerImage.from_registry("x"), memory_limit_mib=64)
    imported = iam.Role.from_role_name(scope, "Worker", "worker")
    AirflowEcsDag(
        scope,
        "Dag",
        dag_id=family,
        task_definition=made,
        cluster="shared",
        schedule=Schedule.manual(),
        tasks=EcsTask(f"in-{family}"),
    ).grant_run(imported)
    (policy,) = [each for each in imported.node.find_all() if isinstance(each, iam.CfnPolicy)]
    return policy


def test_stacks_that_import_one_role_keep_their_policies_apart(stack: Stack) -> None:
    app = App.of(stack)
    others = [
        Stack(app, "Second", env=Environment(account="123456789012", region="eu-west-1")),
        Stack(app, "Abroad", env=Environment(account="123456789012", region="us-east-1")),
        Stack(app, "Anywhere"),
        NestedStack(stack, "Nested"),
    ]
    policies = [shared_role_policy(scope, f"family-{index}") for index, scope in enumerate([stack, *others])]
    assert len({Stack.of(policy).resolve(policy.logical_id) for policy in policies[:3]}) == 1
    names = [str(Stack.of(policy).resolve(policy.policy_name)) for policy in policies]
    assert len(set(names)) == len(names)
    assert not any("Token[" in name or len(name) > 128 for name in names)


def test_the_name_is_the_same_at_each_synthesis(tmp_path: Path) -> None:
    def name(folder: str) -> str:
        app = App(outdir=str(tmp_path / folder))
        nested = NestedStack(Stack(app, "Main"), "Nested")
        policy = shared_role_policy(nested, "family")
        return str(Stack.of(policy).resolve(policy.policy_name))

    assert name("first") == name("second")


def test_a_role_of_the_app_keeps_the_cdks_name(
    stack: Stack, worker: iam.Role, task_definition: ecs.FargateTaskDefinition
) -> None:
    dag(task_definition, "shared").grant_run(worker)
    (policy,) = [each for each in worker.node.find_all() if isinstance(each, iam.CfnPolicy)]
    assert stack.resolve(policy.policy_name) == stack.resolve(policy.logical_id)


def test_a_task_definition_without_logs_or_execution_role(stack: Stack, worker: iam.Role) -> None:
    quiet = ecs.ExternalTaskDefinition(stack, "Task", family="family")
    quiet.add_container("main", image=ecs.ContainerImage.from_registry("x"), memory_limit_mib=64)
    dag(quiet, "shared").grant_run(worker)
    found = statements(stack)
    assert "logs:GetLogEvents" not in found
    assert found["iam:PassRole"]["Resource"] == ["<TaskTaskRole>"]
    assert quiet.execution_role is None


def test_an_execution_role_that_comes_later(stack: Stack, worker: iam.Role) -> None:
    late = ecs.ExternalTaskDefinition(stack, "Task", family="family")
    late.add_container("main", image=ecs.ContainerImage.from_registry("x"), memory_limit_mib=64)
    dag(late, "shared").grant_run(worker)
    secret = secretsmanager.Secret(stack, "Secret", secret_string_value=SecretValue.unsafe_plain_text("x"))
    late.default_container.add_secret("NAME", ecs.Secret.from_secrets_manager(secret))  # type: ignore[union-attr]
    assert statements(stack)["iam:PassRole"]["Resource"] == ["<TaskTaskRole>", "<TaskExecutionRole>"]

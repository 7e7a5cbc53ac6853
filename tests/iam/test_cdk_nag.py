"""cdk-nag's AWS Solutions pack finds nothing in what the project makes: each `*` is explained by the construct itself.

The stacks are a sample project and a platform, in one account and in two, with the roles in other stacks than the DAG.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks

from airflow_ecs_dag import AirflowEcsDag, EcsTask, LatestOnly, Schedule
from airflow_ecs_dag.platform import (
    LoaderRole,
    RegistryScanRole,
    RunnerRole,
    TaskAccess,
    TaskRunRole,
    WakeUpQueue,
    WakeUpRule,
)

if TYPE_CHECKING:
    from pathlib import Path

PLATFORM = Environment(account="111111111111", region="eu-west-1")
PROJECT = Environment(account="222222222222", region="eu-west-1")
PROCESS = iam.ServicePrincipal("ecs-tasks.amazonaws.com")


def sample(stack: Stack) -> AirflowEcsDag:
    """The sample DAG, in a VPC and a cluster that the pack has nothing to say of."""
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0, flow_logs={"all": ec2.FlowLogOptions()})
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
    task_definition = ecs.FargateTaskDefinition(stack, "TaskDefinition", family="airflow-convert-it")
    task_definition.add_container(
        "convert-it",
        image=ecs.ContainerImage.from_registry("example.com/convert-it:1"),
        logging=ecs.LogDriver.aws_logs(stream_prefix="airflow"),
    )
    return AirflowEcsDag(
        stack,
        "ConvertIt",
        dag_id="convert-it",
        task_definition=task_definition,
        cluster=cluster,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        schedule=Schedule.manual(),
        tasks=LatestOnly("latest_only") >> EcsTask("convert", args=["{{ ds }}"]),
    )


def findings(app: App) -> list[str]:
    """What the pack says once the app is synthesized, and so the stacks are linked."""
    app.synth()
    report = AwsSolutionsChecks(app).validate_scope(app)
    return sorted(
        f"{violation.rule_name} @ {resource.construct_path}"
        for violation in report.violations
        for resource in violation.violating_resources
    )


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(outdir=str(tmp_path / "cdk.out"))


def test_one_account(app: App) -> None:
    platform = Stack(app, "Platform", env=PLATFORM)
    LoaderRole(platform, "Loader", assumed_by=PROCESS)
    access = TaskAccess(families=["a-*", "b"], clusters=["shared"], roles=["a/task"], log_groups=["/ecs/a"])
    runner = RunnerRole(platform, "Runner", assumed_by=PROCESS, access=[access])
    project = Stack(app, "Project", env=PLATFORM)
    sample(project).grant_run(runner)
    assert findings(app) == []


def test_two_accounts(app: App) -> None:
    platform = Stack(app, "Platform", env=PLATFORM)
    scan, run = "arn:aws:iam::222222222222:role/scan", "arn:aws:iam::222222222222:role/run"
    loader = LoaderRole(platform, "Loader", role_name="loader", assumed_by=PROCESS, assumes=[scan])
    runner = RunnerRole(platform, "Runner", role_name="runner", assumed_by=PROCESS, assumes=[run])
    project = Stack(app, "Project", env=PROJECT)
    RegistryScanRole(project, "Scan", role_name="scan", trusted=[loader.role], external_id="source-1")
    run_role = TaskRunRole(project, "Run", role_name="run", trusted=[runner.role], external_id="source-1")
    sample(project).grant_run(run_role)
    assert findings(app) == []


def test_the_wake_up_queue_and_its_senders(app: App) -> None:
    platform = Stack(app, "Platform", env=PLATFORM)
    loader = LoaderRole(platform, "Loader", assumed_by=PROCESS)
    WakeUpQueue(platform, "WakeUp", reader=loader, senders=["arn:aws:iam::222222222222:role/wake-up"])
    project = Stack(app, "Project", env=PROJECT)
    WakeUpRule(project, "WakeUp", role_name="wake-up", queue_arn="arn:aws:sqs:eu-west-1:111111111111:wake-up")
    assert findings(app) == []


def test_roles_that_were_there(app: App) -> None:
    platform = Stack(app, "Platform", env=PLATFORM)
    LoaderRole(platform, "Loader", role=iam.Role.from_role_name(platform, "Processor", "processor"))
    project = Stack(app, "Project", env=PLATFORM)
    sample(project).grant_run(iam.Role.from_role_name(project, "Worker", "worker"))
    assert findings(app) == []


def test_a_stack_for_no_account_in_particular(app: App) -> None:
    project = Stack(app, "Project")
    role = iam.Role(project, "Worker", assumed_by=PROCESS)
    sample(project).grant_run(role)
    assert findings(app) == []


def test_only_what_is_granted_is_explained(app: App) -> None:
    """A `*` that somebody else adds to the same role is still found.

    But for one that is a whole resource: the pack sees a policy's resources without their actions, and ECS lists the
    tasks of a cluster on that resource alone.
    """
    project = Stack(app, "Project", env=PLATFORM)
    role = iam.Role(project, "Worker", assumed_by=PROCESS)
    sample(project).grant_run(role)
    role.add_to_policy(iam.PolicyStatement(actions=["s3:*"], resources=["arn:aws:s3:::*"]))
    assert findings(app) == [
        "AwsSolutions-IAM5[Action::s3:*] @ Project/Worker/DefaultPolicy/Resource",
        "AwsSolutions-IAM5[Resource::arn:aws:s3:::*] @ Project/Worker/DefaultPolicy/Resource",
    ]


def test_the_reasons_are_in_the_template(app: App) -> None:
    project = Stack(app, "Project", env=PLATFORM)
    LoaderRole(project, "Loader", assumed_by=PROCESS)
    template = app.synth().get_stack_by_name("Project").template
    (policy,) = [each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Policy"]
    (rule,) = policy["Metadata"]["cdk_nag"]["rules_to_suppress"]
    assert rule["id"] == "AwsSolutions-IAM5"
    assert rule["applies_to"] == ["Resource::*"]
    assert "narrower" in rule["reason"]

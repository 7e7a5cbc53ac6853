"""A task that runs another task definition than the DAG's: its consent, its place, who may run it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from airflow_ecs_dag import CapacityProvider, EcsTask
from construct.cdk_stacks import dag, fargate, problems, resources, template

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/heavy"


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False)


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Main")


def on_ec2(scope: Construct, name: str, mode: ecs.NetworkMode = ecs.NetworkMode.AWS_VPC) -> ecs.Ec2TaskDefinition:
    made = ecs.Ec2TaskDefinition(scope, name, network_mode=mode, family=name.lower())
    made.add_container("main", image=ecs.ContainerImage.from_registry("x"), memory_limit_mib=64)
    return made


def labels_by_family(stack: Stack) -> dict[str, list[dict[str, Any]]]:
    """The labels of each container, by the family of its task definition."""
    return {
        each["Family"]: [container.get("DockerLabels", {}) for container in each["ContainerDefinitions"]]
        for each in resources(stack, "AWS::ECS::TaskDefinition")
    }


def test_one_of_the_app_consents(stack: Stack) -> None:
    heavy = fargate(stack, "Heavy", docker_labels={"team": "data"})
    made = dag(stack, dag_id="sales", tasks=EcsTask("t", task_definition=heavy))
    found = labels_by_family(stack)
    assert found["heavy"] == [{"team": "data", "airflow.run_by": "sales"}]
    assert found["dagtask"][0]["airflow.tasks.t.task_definition"] == "heavy"
    assert [each.family for each in made.task_definitions] == ["dagtask", "heavy"]


def test_several_dags_share_one(app: App, stack: Stack) -> None:
    heavy = fargate(stack, "Heavy", docker_labels={"airflow.run_by": "by-hand"})
    dag(stack, "First", dag_id="sales", tasks=EcsTask("t", task_definition=heavy))
    dag(Stack(app, "Other"), "Second", dag_id="rates", tasks=EcsTask("t", task_definition=heavy))
    assert labels_by_family(stack)["heavy"] == [{"airflow.run_by": "by-hand rates sales"}]


@pytest.mark.parametrize("is_first", [True, False])
def test_one_that_carries_a_dag_itself(stack: Stack, *, is_first: bool) -> None:
    shared = fargate(stack, "Shared")
    if is_first:
        dag(stack, "Own", dag_id="own", task_definition=shared)
    dag(stack, "Guest", dag_id="guest", tasks=EcsTask("t", task_definition=shared))
    if not is_first:
        dag(stack, "Own", dag_id="own", task_definition=shared)
    (found,) = labels_by_family(stack)["shared"]
    assert (found["airflow.run_by"], found["airflow.dag.dag_id"]) == ("guest", "own")


def test_the_dags_own_needs_no_consent(stack: Stack) -> None:
    own = fargate(stack)
    made = dag(stack, task_definition=own, tasks=EcsTask("t", task_definition=own))
    assert "airflow.run_by" not in labels_by_family(stack)["task"][0]
    assert "airflow.tasks.t.task_definition" not in made.labels
    assert len(made.task_definitions) == 1


@pytest.mark.parametrize("name", ["heavy", "heavy:3", ARN, f"{ARN}:3"])
def test_one_by_name(stack: Stack, name: str) -> None:
    made = dag(stack, tasks=EcsTask("t", task_definition=name, container="main"))
    assert made.labels["airflow.tasks.t.task_definition"] == name
    assert made.labels["airflow.tasks.t.container_name"] == "main"
    assert len(made.task_definitions) == 1


@pytest.mark.parametrize("as_name", [True, False])
def test_a_container_of_one(stack: Stack, *, as_name: bool) -> None:
    heavy = fargate(stack, "Heavy")
    second = heavy.add_container("second", image=ecs.ContainerImage.from_registry("x"))
    made = dag(stack, tasks=EcsTask("t", task_definition=heavy, container="second" if as_name else second))
    assert made.labels["airflow.tasks.t.container_name"] == "second"
    assert labels_by_family(stack)["heavy"] == [{}, {"airflow.run_by": "a"}]


def test_another_container_of_the_dags_own(stack: Stack) -> None:
    own = fargate(stack)
    own.add_container("second", image=ecs.ContainerImage.from_registry("x"))
    made = dag(stack, task_definition=own, tasks=EcsTask("t", container="second"))
    assert made.labels["airflow.tasks.t.container_name"] == "second"
    assert made.container_name == "main"


def test_a_launch_type_that_it_needs(stack: Stack) -> None:
    tasks = [
        EcsTask("ec2", task_definition=on_ec2(stack, "Ec2")),
        EcsTask("said", task_definition=on_ec2(stack, "Said"), launch_type="EXTERNAL"),
        EcsTask("fargate", task_definition=fargate(stack, "Fargate")),
    ]
    made = dag(stack, tasks=tasks)
    assert made.labels["airflow.tasks.ec2.launch_type"] == "EC2"
    assert made.labels["airflow.tasks.said.launch_type"] == "EXTERNAL"
    assert "airflow.tasks.fargate.launch_type" not in made.labels


def test_a_launch_type_where_the_dag_has_none(stack: Stack) -> None:
    tasks = [
        EcsTask("fargate", task_definition=fargate(stack, "Fargate")),
        EcsTask("ec2", task_definition=on_ec2(stack, "Other")),
    ]
    made = dag(stack, task_definition=on_ec2(stack, "Own"), tasks=tasks)
    assert made.labels["airflow.tasks.fargate.launch_type"] == "FARGATE"
    assert "airflow.tasks.ec2.launch_type" not in made.labels


def test_a_strategy_is_left_alone(stack: Stack) -> None:
    strategy = [CapacityProvider(name="FARGATE_SPOT")]
    task = EcsTask("t", task_definition=on_ec2(stack, "Ec2"))
    made = dag(stack, capacity_provider_strategies=strategy, tasks=task)
    assert "airflow.tasks.t.launch_type" not in made.labels


class TestRefused:
    def test_other_things(self, stack: Stack) -> None:
        imported = ecs.FargateTaskDefinition.from_fargate_task_definition_arn(stack, "Imported", ARN)
        tasks = [
            EcsTask("imported", task_definition=imported),  # type: ignore[arg-type]
            EcsTask("number", task_definition=3),  # type: ignore[arg-type]
        ]
        found = problems(stack, tasks=tasks)
        assert found.keys() == {"tasks.imported.task_definition", "tasks.number.task_definition"}
        assert "the family or the ARN of another one, as a text" in found["tasks.number.task_definition"]

    def test_containers_that_are_not_there(self, stack: Stack) -> None:
        tasks = [
            EcsTask("other", task_definition=fargate(stack, "Heavy"), container="nope"),
            EcsTask("own", container="nope"),
        ]
        found = problems(stack, tasks=tasks)
        assert found == dict.fromkeys(
            ("tasks.other.container", "tasks.own.container"),
            "the task definition has no such container; its containers are main",
        )

    def test_one_without_a_container(self, stack: Stack) -> None:
        empty = ecs.FargateTaskDefinition(stack, "Empty")
        found = problems(stack, tasks=EcsTask("t", task_definition=empty))
        assert "call add_container(...) first" in found["tasks.t.task_definition"]

    def test_another_network_mode(self, stack: Stack) -> None:
        bridge = on_ec2(stack, "Bridge", ecs.NetworkMode.BRIDGE)
        found = problems(stack, tasks=EcsTask("t", task_definition=bridge))
        assert "its network mode is bridge" in found["tasks.t.task_definition"]

    def test_another_region(self, app: App) -> None:
        west, east = (
            Stack(app, region, env=Environment(account="123456789012", region=region))
            for region in ("eu-west-1", "us-east-1")
        )
        found = problems(west, tasks=EcsTask("t", task_definition=fargate(east)))
        assert "put both into one account and region" in found["tasks.t.task_definition"]

    def test_nothing_is_written_if_the_dag_is_refused(self, stack: Stack) -> None:
        heavy = fargate(stack, "Heavy")
        problems(stack, dag_id="?", tasks=EcsTask("t", task_definition=heavy))
        assert labels_by_family(stack)["heavy"] == [{}]

    def test_a_consent_that_somebody_took_away(self, stack: Stack) -> None:
        heavy = fargate(stack, "Heavy")
        dag(stack, dag_id="sales", tasks=EcsTask("t", task_definition=heavy))
        heavy.default_container.add_docker_label("airflow.run_by", "other")  # type: ignore[union-attr]
        with pytest.raises(RuntimeError, match="no longer names the DAG 'sales'"):
            template(stack)


def statements(stack: Stack) -> list[dict[str, Any]]:
    return [
        statement
        for policy in resources(stack, "AWS::IAM::Policy")
        if policy["Roles"] == [{"Ref": _logical_id(stack)}]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def _logical_id(stack: Stack) -> str:
    worker = stack.node.find_child("Worker").node.default_child
    return str(stack.get_logical_id(worker))  # type: ignore[arg-type]


def test_a_grant_covers_all_of_the_app(stack: Stack) -> None:
    worker = iam.Role(stack, "Worker", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    heavy = fargate(stack, "Heavy")
    made = dag(stack, cluster="shared", tasks=[EcsTask("own"), EcsTask("t", task_definition=heavy)])
    made.grant_run(worker)
    found = statements(stack)
    run = [str(each["Resource"]) for each in found if each["Action"] == "ecs:RunTask"]
    assert "task-definition/dagtask:*" in "".join(run)
    assert "task-definition/heavy:*" in "".join(run)
    passed = str([each["Resource"] for each in found if each["Action"] == "iam:PassRole"])
    for definition in made.task_definitions:
        role = stack.get_logical_id(definition.task_role.node.default_child)  # type: ignore[arg-type]
        assert role in passed
    assert [each["Resource"] for each in found if each["Action"] == "ecs:DescribeTaskDefinition"] == ["*"]


def test_a_dag_without_others_needs_no_describe(stack: Stack) -> None:
    worker = iam.Role(stack, "Worker", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    dag(stack, cluster="shared").grant_run(worker)
    assert "ecs:DescribeTaskDefinition" not in str(statements(stack))

"""A DAG on a real CDK stack with as little said as can be, and what its template says then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Stack, Stage
from aws_cdk import aws_ecs as ecs

from airflow_ecs_dag import AirflowEcsDag, DagDefinitionError, EcsTask, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

SUBNETS = ["subnet-0a", "subnet-0b"]


def fargate(scope: Construct, name: str = "Task", **container: Any) -> ecs.FargateTaskDefinition:
    task_definition = ecs.FargateTaskDefinition(scope, name, family=name.lower())
    given: dict[str, Any] = {
        "image": ecs.ContainerImage.from_registry("worker"),
        "logging": ecs.LogDriver.aws_logs(stream_prefix="airflow"),
    }
    task_definition.add_container("main", **(given | container))
    return task_definition


def dag(scope: Construct, name: str = "Dag", **arguments: Any) -> AirflowEcsDag:
    """A DAG with as few arguments as can be; one that is `...` is left out."""
    if "task_definition" not in arguments:
        arguments["task_definition"] = fargate(scope, f"{name}Task")
    if "tasks" not in arguments:
        arguments["tasks"] = EcsTask("t")
    defaults: dict[str, Any] = {
        "dag_id": "a",
        "schedule": Schedule.manual(),
        "vpc_subnets": SUBNETS,
    }
    given = {key: value for key, value in (defaults | arguments).items() if value is not ...}
    return AirflowEcsDag(scope, name, **given)


def template(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = Stage.of(stack).synth().get_stack_by_name(stack.stack_name).template  # type: ignore[union-attr]
    return found


def resources(stack: Stack, kind: str) -> list[dict[str, Any]]:
    """The properties of each resource of a type."""
    return [each["Properties"] for each in template(stack)["Resources"].values() if each["Type"] == kind]


def containers(stack: Stack) -> list[dict[str, Any]]:
    (definition,) = resources(stack, "AWS::ECS::TaskDefinition")
    found: list[dict[str, Any]] = definition["ContainerDefinitions"]
    return found


def labels(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = containers(stack)[0]["DockerLabels"]
    return found


def deployed(written: Mapping[str, Any]) -> dict[str, str]:
    """Labels with something in the place of what CloudFormation fills in."""
    return {
        key: text
        if isinstance(text, str)
        else f"s3://filled/{index}"
        if key.endswith((".uri", ".exchange"))
        else f"subnet-{index}"
        for index, (key, text) in enumerate(written.items())
    }


def problems(scope: Construct, **arguments: Any) -> dict[str, str]:
    with pytest.raises(DagDefinitionError) as caught:
        dag(scope, **arguments)
    assert str(caught.value).partition(" in ")[2].startswith("AirflowEcsDag('Dag'):\n")
    return {problem.path: problem.message for problem in caught.value.problems}

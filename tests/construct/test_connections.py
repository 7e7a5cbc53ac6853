"""Connections of a container: secrets by reference under Airflow's names, and never in a label."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from construct.cdk_stacks import containers, dag, fargate, problems, resources, template

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False), "Main")


@pytest.fixture
def secret(stack: Stack) -> secretsmanager.Secret:
    return secretsmanager.Secret(stack, "Secret")


def test_the_container_gets_them_by_reference(stack: Stack, secret: secretsmanager.Secret) -> None:
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Parameter", parameter_name="/mail")
    connections = {
        "orders_db": secret,
        "mail": ecs.Secret.from_ssm_parameter(parameter),
        "imported": secretsmanager.Secret.from_secret_name_v2(stack, "Imported", "other"),
    }
    task_definition = fargate(stack, secrets={"OWN": ecs.Secret.from_secrets_manager(secret)})
    dag(stack, task_definition=task_definition, connections=connections)
    (container,) = containers(stack)
    names = [each["Name"] for each in container["Secrets"]]
    assert names == ["OWN", "AIRFLOW_CONN_ORDERS_DB", "AIRFLOW_CONN_MAIL", "AIRFLOW_CONN_IMPORTED"]
    assert container["Secrets"][1]["ValueFrom"] == stack.resolve(secret.secret_arn)
    assert "AIRFLOW_CONN" not in json.dumps(container["DockerLabels"])
    policies = json.dumps(resources(stack, "AWS::IAM::Policy"))
    assert "secretsmanager:GetSecretValue" in policies
    assert "ssm:GetParameters" in policies


@pytest.mark.parametrize("name", ["Orders", "1st", "orders-db", "", "orders db", "o" * 101, 3])
def test_names_that_are_no_environment_variables(stack: Stack, secret: secretsmanager.Secret, name: object) -> None:
    found = problems(stack, connections={name: secret})
    assert found == {
        f"connections.{name}": "the id of a connection is 1 to 100 of a-z 0-9 _, beginning with a letter: rename it"
    }


def test_names_that_are_taken(stack: Stack, secret: secretsmanager.Secret) -> None:
    task_definition = fargate(
        stack,
        environment={"AIRFLOW_CONN_A": "sqlite://"},
        secrets={"AIRFLOW_CONN_B": ecs.Secret.from_secrets_manager(secret)},
    )
    found = problems(stack, task_definition=task_definition, connections={"a": secret, "b": secret, "c": secret})
    assert found == {
        "connections.a": "the container has the environment variable AIRFLOW_CONN_A already: keep one of the two",
        "connections.b": "the container has the secret AIRFLOW_CONN_B already: keep one of the two",
    }
    dag(stack, task_definition=task_definition, connections={"c": secret})
    assert len(containers(stack)[0]["Secrets"]) == 2


def test_the_value_itself_is_refused_and_not_shown(stack: Stack) -> None:
    with pytest.raises(ValueError, match="put it into Secrets Manager") as caught:
        dag(stack, connections={"orders_db": "postgres://me:hunter2@host/db"})
    assert "hunter2" not in str(caught.value)


def test_a_variable_that_is_added_later(stack: Stack, secret: secretsmanager.Secret) -> None:
    task_definition = fargate(stack)
    dag(stack, task_definition=task_definition, connections={"orders_db": secret})
    task_definition.default_container.add_environment("AIRFLOW_CONN_ORDERS_DB", "x")  # type: ignore[union-attr]
    with pytest.raises(RuntimeError, match="connections: the container has this environment variable, too"):
        template(stack)

"""A DAG's bucket for large inputs and outputs: in the labels, and in the rights of its containers and of Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from airflow_ecs_dag import AirflowEcsDag, Branch, DagDefinitionError, EcsTask, Schedule, ShortCircuit, item
from construct.cdk_stacks import fargate

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag.flow import FlowPart

OBJECTS = "arn:aws:s3:::sales/airflow-exchange/orders/*"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    app = App(outdir=str(tmp_path / "cdk.out"))
    return Stack(app, "Main", env=Environment(account="123456789012", region="eu-west-1"))


def declare(stack: Stack, tasks: FlowPart, bucket: Any, task_definition: ecs.TaskDefinition | None = None) -> Any:
    return AirflowEcsDag(
        stack,
        "Dag",
        dag_id="orders",
        task_definition=task_definition or fargate(stack),
        cluster="shared",
        schedule=Schedule.manual(),
        vpc_subnets=["subnet-0a"],
        exchange=bucket,
        tasks=tasks,
    )


def actions_on(stack: Stack, resource: str) -> dict[str, set[str]]:
    """Return what each policy allows on ``resource``, by the beginning of the policy's logical id."""
    template = stack.node.root.synth().get_stack_by_name("Main").template  # type: ignore[attr-defined]
    found: dict[str, set[str]] = {}
    for name, each in template["Resources"].items():
        if each["Type"] == "AWS::IAM::Policy":
            for statement in each["Properties"]["PolicyDocument"]["Statement"]:
                if flat(statement["Resource"]) == resource:
                    actions = statement["Action"]
                    found.setdefault(name.partition("DefaultPolicy")[0], set()).update(
                        actions if isinstance(actions, list) else [actions]
                    )
    return found


def flat(value: Any) -> Any:
    match value:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(flat(part) for part in parts)
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case dict():
            return "<known at deploy>"
    return value


def bucket(stack: Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(stack, "Bucket", "sales")


def worker(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Worker", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))


def test_the_label_names_bucket_and_prefix(stack: Stack) -> None:
    assert declare(stack, EcsTask("t"), bucket(stack)).labels["airflow.dag.exchange"] == "s3://sales/airflow-exchange"


def test_a_bucket_of_the_app_has_no_name_yet(stack: Stack) -> None:
    dag = declare(stack, EcsTask("t"), s3.Bucket(stack, "Bucket"))
    label = stack.resolve(dag.labels["airflow.dag.exchange"])
    assert label["Fn::Join"][1][0] == "s3://"
    assert label["Fn::Join"][1][2] == "/airflow-exchange"


extract = EcsTask("extract")
decided = EcsTask("decided")
MAPPED = extract >> EcsTask("each", args=[item], expand=extract.output)
SHORT = extract >> ShortCircuit("any", condition=extract.output["rows"])
BRANCHED = extract >> Branch("which", choice=extract.output["next"]) >> decided
PASSED_ON = extract >> EcsTask("load", args=[extract.output])
GIVEN = EcsTask("load", inputs={"day": "{{ ds }}"})


@pytest.mark.parametrize(
    ("tasks", "actions"),
    [
        (PASSED_ON, None),
        (MAPPED, {"s3:GetObject"}),
        (SHORT, {"s3:GetObject"}),
        (BRANCHED, {"s3:GetObject"}),
        (GIVEN, {"s3:PutObject"}),
        ([MAPPED, GIVEN], {"s3:GetObject", "s3:PutObject"}),
    ],
)
def test_airflow_gets_what_it_needs_there_and_no_more(stack: Stack, tasks: Any, actions: set[str] | None) -> None:
    declare(stack, tasks, bucket(stack)).grant_run(worker(stack)).assert_success()
    assert actions_on(stack, OBJECTS).get("Worker") == actions


def test_the_containers_read_and_write_the_objects_of_their_dag(stack: Stack) -> None:
    own = fargate(stack)
    other = ecs.FargateTaskDefinition(stack, "Heavy")
    other.add_container("main", image=ecs.ContainerImage.from_registry("x"))
    declare(stack, EcsTask("a") >> EcsTask("b", task_definition=other), bucket(stack), own)
    both = {"s3:GetObject", "s3:PutObject"}
    found = actions_on(stack, OBJECTS)
    assert len(found) == 2
    assert all(actions == both for actions in found.values())


def test_the_key_of_the_bucket_is_granted_as_its_objects_are(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    declare(stack, MAPPED, s3.Bucket(stack, "Bucket", encryption_key=key)).grant_run(worker(stack))
    arn = stack.resolve(key.key_arn)
    template = stack.node.root.synth().get_stack_by_name("Main").template  # type: ignore[attr-defined]
    granted = {
        name.partition("DefaultPolicy")[0]: str(statement["Action"])
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::IAM::Policy"
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        if statement["Resource"] == arn and "kms:Decrypt" in statement["Action"]
    }
    assert granted["Worker"] == "kms:Decrypt"
    assert len(granted) == 2


def problem(stack: Stack, tasks: FlowPart, given: Any) -> str:
    with pytest.raises(DagDefinitionError) as caught:
        declare(stack, tasks, given)
    (found,) = caught.value.problems
    return str(found)


def test_what_is_no_bucket(stack: Stack) -> None:
    assert problem(stack, EcsTask("t"), "sales").startswith("exchange: expected a bucket such as s3.Bucket(...)")


def test_a_bucket_of_another_account(stack: Stack) -> None:
    foreign = s3.Bucket.from_bucket_attributes(stack, "Foreign", bucket_name="sales", account="999999999999")
    assert problem(stack, EcsTask("t"), foreign) == (
        "exchange: the bucket must be of the account of the task definition, 123456789012: give one of that account "
        "(got '999999999999')"
    )


def test_inputs_without_a_bucket(stack: Stack) -> None:
    assert "give the DAG an exchange" in problem(stack, EcsTask("t", inputs={"day": "{{ ds }}"}), None)


def test_inputs_take_outputs_and_items(stack: Stack) -> None:
    tasks = extract >> EcsTask("each", inputs={"item": item, "all": extract.output}, expand=extract.output)
    labels = declare(stack, tasks, bucket(stack)).labels
    assert labels["airflow.tasks.each.inputs.item"] == "{{ item }}"
    assert labels["airflow.tasks.each.inputs.all"] == "{{ ti.xcom_pull(task_ids='extract') }}"

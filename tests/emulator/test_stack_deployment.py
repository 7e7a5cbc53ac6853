"""From `cdk.json` to a deployed stack with our own means: the app, the assembly, CloudFormation."""

from __future__ import annotations

import copy
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.cdk_app import synthesize
from airflow_ecs_dag_cli.cloud_assembly import SynthesisError
from airflow_ecs_dag_cli.local_aws import ACCOUNT, REGION, LocalAws, isolated_environment
from airflow_ecs_dag_cli.stack_deployment import (
    TEMPLATE_BODY_BYTES,
    DeploymentError,
    ResourceEvent,
    deploy,
    destroy,
)
from strict_ecs.emulator_door import StrictLocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly, Json, Stack

pytestmark = pytest.mark.emulator

APP = Path(__file__).parent / "apps" / "plain"


def run_app(output: Path, **context: str) -> CloudAssembly:
    return synthesize(
        APP,
        environment=isolated_environment(os.environ),
        output=output,
        account=ACCOUNT,
        region=REGION,
        context=context,
    )


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> CloudAssembly:
    return run_app(tmp_path_factory.mktemp("synth"), misbehave="warning")


@pytest.fixture(scope="module")
def plain(assembly: CloudAssembly) -> Stack:
    (stack,) = assembly.stacks
    return stack


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAws]:
    with StrictLocalAws(tmp_path / "aws") as running:
        yield running


def changed(stack: Stack, greeting: str, **resources: Json) -> Stack:
    """The stack with another label, and with more resources that come after the task definition."""
    template = copy.deepcopy(stack.template)
    (name,) = (key for key, value in template["Resources"].items() if value["Type"].endswith("TaskDefinition"))
    containers = template["Resources"][name]["Properties"]["ContainerDefinitions"]
    containers[0]["DockerLabels"]["greeting"] = greeting
    template["Resources"] |= {key: value | {"DependsOn": [name]} for key, value in resources.items()}
    return replace(stack, template=template)


FAILING: dict[str, Json] = {  # it waits one second for a signal that nobody sends
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Culprit": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1", "Count": 1},
    },
}


def revisions(aws: LocalAws) -> tuple[list[str], list[str]]:
    """Active and inactive revisions of the family, as `family:revision`."""
    ecs = aws.client("ecs")
    active = ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
    inactive = ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"]
    return [arn.rpartition("/")[2] for arn in active], [arn.rpartition("/")[2] for arn in inactive]


def test_what_the_app_wants_deployed(assembly: CloudAssembly, plain: Stack) -> None:
    (image,) = assembly.images
    assert image.uri.startswith(f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/cdk-")
    assert (image.folder / "greeting.txt").read_text() == "hello\n"
    assert (image.dockerfile, image.target, image.build_args) == ("Dockerfile", "runner", {"NAME": "plain"})
    assert (plain.name, plain.account, plain.region) == ("Plain", None, None)
    assert any(asset.zipped and asset.path.is_dir() for asset in plain.files)
    assert assembly.warnings == ("the annotation doubts this [ack: test:doubt] @ Plain/Task",)


@pytest.mark.parametrize(
    ("misbehave", "message"),
    [
        ("annotation", "report errors:\nthe annotation refuses this @ Plain/Task"),
        ("validation", r"ended with 1; (.|\n)*the validation refuses this"),
        ("exception", r"ended with 1; (.|\n)*ValueError: the author's own words"),
        ("silence", r"wrote no manifest\.json"),
    ],
)
def test_an_author_s_mistake_is_reported_in_full(tmp_path: Path, misbehave: str, message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        run_app(tmp_path, misbehave=misbehave)


def test_a_stack_is_created_as_the_app_says(aws: LocalAws, assembly: CloudAssembly, plain: Stack) -> None:
    events: list[ResourceEvent] = []
    deployed = deploy(aws, plain, on_event=events.append)
    assert deployed.changed
    family = aws.client("ecs").describe_task_definition(taskDefinition="plain")["taskDefinition"]
    assert deployed.outputs == {"Arn": family["taskDefinitionArn"]}
    (container,) = family["containerDefinitions"]
    assert container["dockerLabels"] == {"greeting": "hello"}
    assert container["image"] == assembly.images[0].uri
    assert (events[0].status, events[-1].status) == ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    assert ("AWS::ECS::TaskDefinition", "CREATE_COMPLETE") in {(e.resource_type, e.status) for e in events}


def test_file_assets_are_in_s3(aws: LocalAws, plain: Stack) -> None:
    deploy(aws, plain)
    (folder,) = (asset for asset in plain.files if asset.zipped)
    body = aws.client("s3").get_object(Bucket=folder.bucket, Key=folder.key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.read("greeting.txt") == b"hello\n"


def test_the_same_again_changes_nothing(aws: LocalAws, plain: Stack) -> None:
    deploy(aws, plain)
    events: list[ResourceEvent] = []
    assert not deploy(aws, plain, on_event=events.append).changed
    assert events == []
    assert revisions(aws) == (["plain:1"], [])


def test_an_update_makes_a_new_revision(aws: LocalAws, plain: Stack) -> None:
    deploy(aws, plain)
    assert deploy(aws, changed(plain, "goodbye")).changed
    assert revisions(aws) == (["plain:2"], ["plain:1"])


def test_a_template_too_large_for_the_request_goes_through_s3(aws: LocalAws, plain: Stack) -> None:
    greeting = "x" * TEMPLATE_BODY_BYTES
    deploy(aws, changed(plain, greeting))
    definition = aws.client("ecs").describe_task_definition(taskDefinition="plain")["taskDefinition"]
    assert definition["containerDefinitions"][0]["dockerLabels"]["greeting"] == greeting


def test_a_failed_update_is_rolled_back_and_names_the_culprit(aws: LocalAws, plain: Stack) -> None:
    deploy(aws, plain)
    with pytest.raises(DeploymentError, match=r"stack Plain failed and ended as UPDATE_ROLLBACK_COMPLETE") as caught:
        deploy(aws, changed(plain, "goodbye", **FAILING))
    assert [failure.logical_id for failure in caught.value.failures] == ["Culprit"]
    assert "Culprit (AWS::CloudFormation::WaitCondition): " in str(caught.value)
    assert "WaitCondition timed out" in str(caught.value)
    assert revisions(aws) == (["plain:1"], ["plain:2"])
    assert deploy(aws, changed(plain, "goodbye")).changed
    assert revisions(aws) == (["plain:3"], ["plain:1", "plain:2"])


def test_a_failed_creation_can_be_mended(aws: LocalAws, plain: Stack) -> None:
    with pytest.raises(DeploymentError, match="ended as ROLLBACK_COMPLETE"):
        deploy(aws, changed(plain, "hello", **FAILING))
    assert revisions(aws)[0] == []
    assert deploy(aws, plain).changed


def test_a_refused_template_is_an_error_in_cloudformation_s_words(aws: LocalAws, plain: Stack) -> None:
    broken = replace(plain, template={"Resources": {"A": {"Type": "AWS::No::Such"}}})
    with pytest.raises(DeploymentError, match=r"stack Plain was refused: .*AWS::No::Such"):
        deploy(aws, broken)
    assert deploy(aws, plain).changed


def test_a_stack_without_resources_is_not_deployed(aws: LocalAws, plain: Stack) -> None:
    empty = replace(plain, template={"Resources": {}})
    assert deploy(aws, empty).arn == ""
    deploy(aws, plain)
    assert deploy(aws, empty).arn == ""
    assert revisions(aws) == ([], ["plain:1"])


def test_parameters_are_given(aws: LocalAws, plain: Stack) -> None:
    template = {
        "Parameters": {"A": {"Type": "String"}, "B": {"Type": "String", "Default": "b"}},
        "Resources": {"Cluster": {"Type": "AWS::ECS::Cluster"}},
        "Outputs": {name: {"Value": {"Ref": name}} for name in "AB"},
    }
    stack = replace(plain, template=template, parameters={"A": "the app's"})
    assert deploy(aws, stack).outputs == {"A": "the app's", "B": "b"}
    with pytest.raises(DeploymentError, match=r"was refused: .*Parameter.*\bA\b"):
        deploy(aws, replace(stack, name="Other", parameters={}))


def test_a_destroyed_stack_leaves_no_active_revision(aws: LocalAws, plain: Stack) -> None:
    deploy(aws, plain)
    events: list[ResourceEvent] = []
    destroy(aws, "Plain", on_event=events.append)
    assert revisions(aws) == ([], ["plain:1"])
    assert events[-1].status == "DELETE_COMPLETE"
    destroy(aws, "Plain")

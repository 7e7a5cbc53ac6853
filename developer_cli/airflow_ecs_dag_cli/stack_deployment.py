"""Deploy the stacks of a CDK app through the local AWS' CloudFormation: change sets, events, roll-back.

What `cdk bootstrap` would have made is made here as far as a template needs it: the buckets of the file
assets and the parameter with the bootstrap version. The names and limits are CloudFormation's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from botocore.exceptions import ClientError, WaiterError

from airflow_ecs_dag_cli.emulator_templates import emulator_template
from airflow_ecs_dag_cli.processes import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import ChangeSetTypeType
    from mypy_boto3_cloudformation.type_defs import (
        CreateChangeSetInputTypeDef,
        StackEventTypeDef,
        StackTypeDef,
    )
    from mypy_boto3_s3 import S3Client

    from airflow_ecs_dag_cli.cloud_assembly import FileAsset, Stack
    from airflow_ecs_dag_cli.local_aws import LocalAws

TEMPLATE_BODY_BYTES = 51_200  # CloudFormation takes a larger template from S3 only
_TEMPLATE_BUCKET = "airflow-ecs-dag-templates"
_BOOTSTRAP_VERSION = "30"  # what templates compare is "6 or newer"
_STACK_TYPE = "AWS::CloudFormation::Stack"
_POLL_SECONDS = 0.1
_DEPLOY_SECONDS = 600.0
_SUCCEEDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")
# A first deployment that failed leaves a stack that CloudFormation can only delete.
_DEAD = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True, kw_only=True)
class ResourceEvent:
    """One step of a deployment, as CloudFormation reports it.

    Attributes:
        stack: Name of the stack.
        logical_id: The resource's id in the template.
        resource_type: Such as ``AWS::ECS::TaskDefinition``.
        status: Such as ``CREATE_IN_PROGRESS``.
        reason: Why, when CloudFormation says so; empty otherwise.
    """

    stack: str
    logical_id: str
    resource_type: str
    status: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DeployedStack:
    """A stack as it is after a deployment.

    Attributes:
        name: Its name.
        arn: Its id; empty for a stack without resources, which is not deployed.
        changed: Whether the deployment changed anything.
        outputs: The values of its outputs.
    """

    name: str
    arn: str
    changed: bool
    outputs: Mapping[str, str] = field(default_factory=dict)


class DeploymentError(LocalRunError):
    """CloudFormation refused or failed a deployment.

    Attributes:
        stack: Name of the stack.
        failures: The resources that failed, with their reasons; empty when it was refused beforehand.
    """

    def __init__(self, message: str, *, stack: str, failures: tuple[ResourceEvent, ...] = ()) -> None:
        super().__init__(message)
        self.stack = stack
        self.failures = failures


def deploy(
    aws: LocalAws,
    stack: Stack,
    *,
    parameters: Mapping[str, str] | None = None,
    on_event: Callable[[ResourceEvent], None] | None = None,
) -> DeployedStack:
    """Create or update a stack, its file assets included, and wait for the end.

    A stack without resources, which CloudFormation cannot hold, is destroyed if it is there, as by `cdk deploy`.

    Args:
        aws: The local AWS.
        stack: The stack; deploy those it depends on first (`CloudAssembly.stacks` is in that order).
        parameters: Values for the template's parameters, before those the app set.
        on_event: Called with every step as it happens.

    Raises:
        DeploymentError: CloudFormation refused the template, or a resource failed and all was rolled back.
    """
    if not stack.template.get("Resources"):
        destroy(aws, stack.name, on_event=on_event)
        return DeployedStack(name=stack.name, arn="", changed=False)
    cloudformation = aws.client("cloudformation")
    s3 = aws.client("s3")
    for asset in stack.files:
        _upload(s3, asset, aws.region)
    _fill_bootstrap_parameters(aws, stack)
    given = dict(stack.parameters) | dict(parameters or {})
    try:
        arn, change_set, has_changes = _propose(aws, cloudformation, s3, stack, given)
        if has_changes:
            seen = {event["EventId"] for event in _events(cloudformation, arn)}
            cloudformation.execute_change_set(ChangeSetName=change_set)
            _follow(cloudformation, stack.name, arn, seen=seen, on_event=on_event, doing="deployment")
        deployed = cloudformation.describe_stacks(StackName=arn)["Stacks"][0]
    except (ClientError, WaiterError) as error:
        raise DeploymentError(f"stack {stack.name} was refused: {error}", stack=stack.name) from error
    outputs = {item["OutputKey"]: item["OutputValue"] for item in deployed.get("Outputs", ())}
    return DeployedStack(name=stack.name, arn=arn, changed=has_changes, outputs=outputs)


def destroy(aws: LocalAws, name: str, *, on_event: Callable[[ResourceEvent], None] | None = None) -> None:
    """Delete the stack `name` and wait for the end. A stack that does not exist is fine.

    Raises:
        DeploymentError: a resource could not be deleted.
    """
    cloudformation = aws.client("cloudformation")
    found = _find(cloudformation, name)
    if found is not None:
        _delete(cloudformation, name, found["StackId"], on_event)


def _propose(
    aws: LocalAws, cloudformation: CloudFormationClient, s3: S3Client, stack: Stack, given: Mapping[str, str]
) -> tuple[str, str, bool]:
    """Make a change set; return the ARNs of the stack and the change set, and whether it holds any change."""
    found = _find(cloudformation, stack.name)
    if found is not None and found["StackStatus"] in _DEAD:
        _delete(cloudformation, stack.name, found["StackId"], None)
        found = None
    kind: ChangeSetTypeType = "CREATE"
    if found is not None and found["StackStatus"] != "REVIEW_IN_PROGRESS":
        kind = "UPDATE"
    request: CreateChangeSetInputTypeDef = {
        "StackName": stack.name,
        "ChangeSetName": f"airflow-ecs-dag-{uuid4().hex}",
        "ChangeSetType": kind,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in given.items()
            if key in stack.template.get("Parameters", {})
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
    }
    body = json.dumps(emulator_template(stack.template), separators=(",", ":"))
    if len(body.encode()) <= TEMPLATE_BODY_BYTES:
        request["TemplateBody"] = body
    else:
        request["TemplateURL"] = _upload_template(s3, body, aws)
    made = cloudformation.create_change_set(**request)
    deadline = time.monotonic() + _DEPLOY_SECONDS
    while True:
        described = cloudformation.describe_change_set(ChangeSetName=made["Id"])
        if described["Status"] == "CREATE_COMPLETE":
            return made["StackId"], made["Id"], True
        reason = described.get("StatusReason", "")
        if described["Status"] == "FAILED" or time.monotonic() >= deadline:
            cloudformation.delete_change_set(ChangeSetName=made["Id"])
            if kind == "CREATE":  # the stack that was only there to hold the change set
                cloudformation.delete_stack(StackName=made["StackId"])
            elif any(text in reason for text in _NO_CHANGES):
                return made["StackId"], made["Id"], False
            raise DeploymentError(
                f"stack {stack.name} was refused: its change set is {described['Status']}: {reason}",
                stack=stack.name,
            )
        time.sleep(_POLL_SECONDS)


def _follow(
    cloudformation: CloudFormationClient,
    name: str,
    arn: str,
    *,
    seen: set[str],
    on_event: Callable[[ResourceEvent], None] | None,
    doing: str,
) -> None:
    """Report the stack's events until its own final one; raise when that is not a success."""
    failures: list[ResourceEvent] = []
    deadline = time.monotonic() + _DEPLOY_SECONDS
    while time.monotonic() < deadline:
        for raw in reversed([event for event in _events(cloudformation, arn) if event["EventId"] not in seen]):
            seen.add(raw["EventId"])
            event = _resource_event(raw)
            if on_event is not None:
                on_event(event)
            of_stack = raw.get("PhysicalResourceId") == arn and event.resource_type == _STACK_TYPE
            if event.status.endswith("_FAILED") and not of_stack:
                failures.append(event)
            if of_stack and not event.status.endswith("_IN_PROGRESS"):
                if event.status in _SUCCEEDED:
                    return
                raise _failed(name, doing, event, failures)
        time.sleep(_POLL_SECONDS)
    raise DeploymentError(
        f"the {doing} of stack {name} did not end within {_DEPLOY_SECONDS:g} seconds",
        stack=name,
        failures=tuple(failures),
    )


def _failed(name: str, doing: str, last: ResourceEvent, failures: list[ResourceEvent]) -> DeploymentError:
    # What failed by itself, without what CloudFormation cancelled because of it.
    causes = [event for event in failures if "cancelled" not in event.reason.lower()] or failures
    lines = [
        f"  {event.logical_id} ({event.resource_type}): {event.status}: {event.reason or 'no reason given'}"
        for event in causes
    ] or [f"  {last.reason or 'no reason given'}"]
    return DeploymentError(
        "\n".join([f"the {doing} of stack {name} failed and ended as {last.status}:", *lines]),
        stack=name,
        failures=tuple(causes),
    )


def _delete(
    cloudformation: CloudFormationClient,
    name: str,
    arn: str,
    on_event: Callable[[ResourceEvent], None] | None,
) -> None:
    try:
        seen = {event["EventId"] for event in _events(cloudformation, arn)}
        cloudformation.delete_stack(StackName=arn)
        _follow(cloudformation, name, arn, seen=seen, on_event=on_event, doing="deletion")
    except ClientError as error:
        raise DeploymentError(f"stack {name} could not be deleted: {error}", stack=name) from error


def _find(cloudformation: CloudFormationClient, name: str) -> StackTypeDef | None:
    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def _events(cloudformation: CloudFormationClient, arn: str) -> list[StackEventTypeDef]:
    """All events of a stack, newest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=arn)
    return [event for page in pages for event in page["StackEvents"]]


def _resource_event(event: StackEventTypeDef) -> ResourceEvent:
    return ResourceEvent(
        stack=event["StackName"],
        logical_id=event.get("LogicalResourceId", ""),
        resource_type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason", ""),
    )


def _fill_bootstrap_parameters(aws: LocalAws, stack: Stack) -> None:
    """Put the bootstrap version where the template's default looks for it, as `cdk bootstrap` does."""
    for parameter in stack.template.get("Parameters", {}).values():
        name = str(parameter.get("Default", ""))
        if parameter.get("Type") == "AWS::SSM::Parameter::Value<String>" and name.startswith("/cdk-bootstrap/"):
            aws.client("ssm").put_parameter(Name=name, Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True)


def _upload_template(s3: S3Client, body: str, aws: LocalAws) -> str:
    _make_bucket(s3, _TEMPLATE_BUCKET, aws.region)
    key = f"{hashlib.sha256(body.encode()).hexdigest()}.json"
    s3.put_object(Bucket=_TEMPLATE_BUCKET, Key=key, Body=body.encode())
    return f"{aws.endpoint_url}/{_TEMPLATE_BUCKET}/{key}"


def _upload(s3: S3Client, asset: FileAsset, region: str) -> None:
    """Upload a file asset unless its key, which is the hash of its content, is there already."""
    _make_bucket(s3, asset.bucket, region)
    try:
        s3.head_object(Bucket=asset.bucket, Key=asset.key)
    except ClientError:
        if not asset.zipped:
            s3.upload_file(str(asset.path), asset.bucket, asset.key)
            return
        with tempfile.TemporaryDirectory() as folder:
            archive = shutil.make_archive(str(Path(folder) / "asset"), "zip", asset.path)
            s3.upload_file(archive, asset.bucket, asset.key)


def _make_bucket(s3: S3Client, bucket: str, region: str) -> None:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        if region == "us-east-1":  # the one region that S3 refuses to be told
            s3.create_bucket(Bucket=bucket)
        else:
            s3.create_bucket(
                Bucket=bucket,
                CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
            )

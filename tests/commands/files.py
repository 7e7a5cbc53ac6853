"""Files of every kind, good and bad, for the commands that read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vectors.vector_files import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN = FOLDER.parent / "construct" / "golden" / "convert-it.json"
TEMPLATE_2019 = FOLDER / "2019" / "convert-it.template.yaml"

LABELS = {
    "airflow.schema_version": "1",
    "airflow.dag.dag_id": "reports",
    "airflow.ecs.cluster": "jobs",
    "airflow.tasks.build.kind": "ecs",
}


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))
    return path


def template(*containers: dict[str, Any], **resource: Any) -> dict[str, Any]:
    """Return a CloudFormation template with one task definition."""
    properties = {"Family": "reports", "ContainerDefinitions": list(containers)}
    return {"Resources": {"Jobs": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties, **resource}}}


def container(labels: dict[str, Any], name: Any = "main") -> dict[str, Any]:
    """Return a container as a template has it."""
    return {"Name": name, "Image": "jobs:1", "DockerLabels": labels}


def task_definition(labels: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a task definition as the input of RegisterTaskDefinition has it."""
    first = {"name": "main", "image": "jobs:1", "dockerLabels": labels}
    return {"family": "reports", "containerDefinitions": [first, {"name": "proxy", "image": "proxy:1"}], **more}


def assembly(folder: Path, value: dict[str, Any]) -> Path:
    """Write the folder that the CDK writes for an app with a stage, whose stack has a nested stack with ``value``."""
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Jobs.template.json"}}
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
    nested = {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "Inner.nested.template.json"}}
    write_json(folder / "manifest.json", {"version": "48.0.0", "artifacts": {"assembly-Prod": stage}})
    inner = folder / "assembly-Prod"
    write_json(
        inner / "manifest.json", {"version": "48.0.0", "artifacts": {"ProdJobs": {**stack, "displayName": "Prod/Jobs"}}}
    )
    write_json(inner / "Jobs.template.json", {"Resources": {"Inner": nested}})
    write_json(inner / "Inner.nested.template.json", value)
    return folder

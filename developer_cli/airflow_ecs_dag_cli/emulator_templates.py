"""What the emulator's CloudFormation needs otherwise than AWS' own does, in a template that is deployed to it.

ministack 1.5 hands the ``Secrets`` of a container on with CloudFormation's names, of which its ECS knows nothing, and
the container would start without them; with ECS's names in the template they arrive. And its ``Ref`` of a secret is the
secret's name, where that of AWS is the ARN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from airflow_ecs_dag_cli.cloud_assembly import Json

_TASK_DEFINITION = "AWS::ECS::TaskDefinition"
_SECRET_RESOURCE = "AWS::SecretsManager::Secret"  # noqa: S105 - a type of resource
_SECRET_NAMES = {"Name": "name", "ValueFrom": "valueFrom"}


def emulator_template(template: Mapping[str, Any]) -> Json:
    """Return ``template`` as the emulator needs it; the one that is given stays as it is."""
    resources = template.get("Resources")
    if not isinstance(resources, dict):
        return dict(template)
    secrets = {
        name for name, each in resources.items() if isinstance(each, dict) and each.get("Type") == _SECRET_RESOURCE
    }
    return {**template, "Resources": {name: _resource(each, secrets) for name, each in resources.items()}}


def _resource(resource: Any, secrets: AbstractSet[str]) -> Any:  # noqa: ANN401 - whatever a template has
    if not isinstance(resource, dict) or resource.get("Type") != _TASK_DEFINITION:
        return resource
    properties = resource.get("Properties")
    if not isinstance(properties, dict) or not isinstance(properties.get("ContainerDefinitions"), list):
        return resource
    containers = [_container(each, secrets) for each in properties["ContainerDefinitions"]]
    return {**resource, "Properties": {**properties, "ContainerDefinitions": containers}}


def _container(container: Any, secrets: AbstractSet[str]) -> Any:  # noqa: ANN401 - as above
    if not isinstance(container, dict) or not isinstance(container.get("Secrets"), list):
        return container
    return {**container, "Secrets": [_entry(each, secrets) for each in container["Secrets"]]}


def _entry(entry: Any, secrets: AbstractSet[str]) -> Any:  # noqa: ANN401 - as above
    if not isinstance(entry, dict):
        return entry
    return {_SECRET_NAMES.get(name, name): _with_arns(value, secrets) for name, value in entry.items()}


def _with_arns(value: Any, secrets: AbstractSet[str]) -> Any:  # noqa: ANN401 - as above
    match value:
        case {"Ref": str() as name} if name in secrets:
            return {"Fn::GetAtt": [name, "Arn"]}
        case dict():
            return {name: _with_arns(each, secrets) for name, each in value.items()}
        case list():
            return [_with_arns(each, secrets) for each in value]
        case _:
            return value

"""Values for the secrets that task definitions name: from a file of the developer's to the local AWS, and nowhere else.

A name of the file is the name of a secret of Secrets Manager, of a parameter of Parameter Store, or the ARN of one. The
emulator takes them from there for a container as ECS does, and fails the ECS task in ECS's words where one is missing.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from airflow_ecs_dag_cli.named_values import NamedValuesError, read_named_values, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly
    from airflow_ecs_dag_cli.local_aws import LocalAws

SECRETS_FILE = "aws-secrets.yaml"
_SECRET_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}\Z", re.ASCII)
_PARAMETER_NAME = re.compile(r"[A-Za-z0-9/_.-]{1,1011}\Z", re.ASCII)
_ARN = re.compile(
    r"arn:aws[a-z-]*:(?:secretsmanager:(?P<secret_region>[a-z0-9-]+):\d{12}:secret:(?P<secret>[^:]+)"
    r"|ssm:(?P<parameter_region>[a-z0-9-]+):\d{12}:parameter(?P<parameter>/[^:]+))",
    re.ASCII,
)
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}\Z", re.ASCII)
_DECLARED = {"AWS::SecretsManager::Secret", "AWS::SSM::Parameter"}


@dataclass(frozen=True)
class LocalSecrets:
    """The values, which no text of this object shows.

    Attributes:
        values: By name or ARN, in order: a name that another one begins with is before it.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path) -> LocalSecrets:
        """Read a file of names and values; a value that is no text is kept as JSON.

        Raises:
            NamedValuesError: The file is not what it should be.
        """
        found = read_named_values(path)
        for name in found:
            if not (_SECRET_NAME.match(name) or _ARN.match(name)):
                raise NamedValuesError(
                    f"{shown(path)} has {shown(name)}, which names no secret and no parameter; such a name has A-Z a-z "
                    "0-9 / _ + = . @ and -, or is the ARN of one; change it"
                )
        return cls({name: _text(found[name]) for name in sorted(found)})

    def put(self, aws: LocalAws, assembly: CloudAssembly) -> None:
        """Put into the local AWS what the app's own stacks don't make: it may be needed for their deployment.

        Raises:
            NamedValuesError: The local AWS does not take a value.
        """
        declared = set(_declared_names(assembly))
        for name, value in self.values.items():
            if name not in declared:
                self._put(aws, assembly, name, value)

    def put_deployed(self, aws: LocalAws, assembly: CloudAssembly) -> list[str]:
        """Give values to what the app's stacks made, too; return what containers still miss, a line each.

        Raises:
            NamedValuesError: As above.
        """
        for name in sorted(self.values.keys() & set(_declared_names(assembly))):
            self._put(aws, assembly, name, self.values[name])
        missing = []
        for family, container, variable, reference in sorted(_references(aws)):
            found = _ARN.match(reference)
            if found and found["secret"]:  # an ARN with the six characters that AWS chose
                name = _SUFFIX.sub("", found["secret"])
                if name != found["secret"] and name in self.values and not _has(aws, reference):
                    _put_secret(aws, found["secret_region"], found["secret"], self.values[name])
            if not _has(aws, reference):
                missing.append(
                    f"container {shown(container)} of task definition {shown(family)} takes {shown(variable)} from "
                    f"{shown(reference)}, which the local AWS does not have, so its ECS tasks will not start; give it "
                    f"a value in {SECRETS_FILE} or --secrets"
                )
        return missing

    @staticmethod
    def _put(aws: LocalAws, assembly: CloudAssembly, name: str, value: str) -> None:
        try:
            if found := _ARN.match(name):
                if found["secret"]:
                    _put_secret(aws, found["secret_region"], found["secret"], value)
                else:
                    _put_parameter(aws, found["parameter_region"], found["parameter"], value)
                return
            for region in {stack.region or aws.region for stack in assembly.stacks}:
                _put_secret(aws, region, name, value)
                if _PARAMETER_NAME.match(name):
                    with suppress(ClientError):  # a name that Parameter Store has for itself can be a secret's
                        _put_parameter(aws, region, name, value)
        except (ClientError, BotoCoreError) as error:
            # Its text may quote the value, so only what kind of problem it is.
            kind = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            raise NamedValuesError(
                f"the local AWS does not take the value of {shown(name)} ({shown(kind)}): a value is a text of 1 to "
                "65536 bytes; change it"
            ) from None


def _text(value: Any) -> str:  # noqa: ANN401 - what the file has
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _declared_names(assembly: CloudAssembly) -> Iterator[str]:
    for stack in assembly.stacks:
        for resource in (stack.template.get("Resources") or {}).values():
            if resource.get("Type") in _DECLARED and isinstance(resource.get("Properties", {}).get("Name"), str):
                yield resource["Properties"]["Name"]


def _references(aws: LocalAws) -> Iterator[tuple[str, str, str, str]]:
    """Yield each secret of each container: family, container, variable, and where its value is."""
    ecs = aws.client("ecs")
    for page in ecs.get_paginator("list_task_definition_families").paginate(status="ACTIVE"):
        for family in page["families"]:
            for container in ecs.describe_task_definition(taskDefinition=family)["taskDefinition"][
                "containerDefinitions"
            ]:
                for secret in container.get("secrets") or ():
                    yield family, container["name"], secret["name"], secret["valueFrom"]


def _has(aws: LocalAws, reference: str) -> bool:
    found = _ARN.match(reference)
    try:
        if found and found["secret"]:
            aws.client("secretsmanager", region=found["secret_region"]).get_secret_value(SecretId=found[0])
        else:
            region = found["parameter_region"] if found else aws.region
            aws.client("ssm", region=region).get_parameter(Name=found[0] if found else reference)
    except ClientError:
        return False
    return True


def _put_secret(aws: LocalAws, region: str, name: str, value: str) -> None:
    client = aws.client("secretsmanager", region=region)
    try:
        client.create_secret(Name=name, SecretString=value)
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=name, SecretString=value)


def _put_parameter(aws: LocalAws, region: str, name: str, value: str) -> None:
    aws.client("ssm", region=region).put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

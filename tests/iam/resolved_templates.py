"""Roles and their policies out of an app's templates, as they will be in AWS: CloudFormation's functions filled in.

A name that CloudFormation would make up is `<stack>-<logical id>` here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly, CloudFormationStackArtifact

Policy = dict[str, Any]


@dataclass
class Role:
    """A role: who may take it on, and by each stack's name the policies which that stack gives to it.

    IAM keeps one policy under a name, so a name given twice would be a policy lost.
    """

    arn: str
    trust: Policy | None = None
    policies: dict[str, list[Policy]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    @property
    def all_policies(self) -> tuple[Policy, ...]:
        return tuple(policy for policies in self.policies.values() for policy in policies)


def roles(assembly: CloudAssembly) -> dict[str, Role]:
    """Return the roles of all stacks by ARN, with those that are only named there."""
    stacks = [_Stack(artifact) for artifact in assembly.stacks]
    exports = {name: stack.resolve(value) for stack in stacks for name, value in stack.exports.items()}
    found: dict[str, Role] = {}
    for stack in stacks:
        stack.imported = exports
        for logical_id, resource in stack.of_type("AWS::IAM::Role"):
            role = found.setdefault(stack.arn(logical_id), Role(stack.arn(logical_id)))
            role.trust = stack.resolve(resource["Properties"]["AssumeRolePolicyDocument"])
        for _, resource in stack.of_type("AWS::IAM::Policy"):
            properties = stack.resolve(resource["Properties"])
            for name in properties["Roles"]:
                arn = f"arn:aws:iam::{stack.account}:role/{name}"
                role = found.setdefault(arn, Role(arn))
                assert properties["PolicyName"] not in role.names, f"{name} would lose a policy"
                role.names.add(properties["PolicyName"])
                role.policies.setdefault(stack.name, []).append(properties["PolicyDocument"])
    return found


class _Stack:
    def __init__(self, artifact: CloudFormationStackArtifact) -> None:
        self.name = artifact.stack_name
        self.account = artifact.environment.account
        self.region = artifact.environment.region
        self.imported: dict[str, Any] = {}
        self._resources: dict[str, Any] = artifact.template["Resources"]
        outputs = artifact.template.get("Outputs", {}).values()
        self.exports = {each["Export"]["Name"]: each["Value"] for each in outputs if "Export" in each}

    def of_type(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [(name, resource) for name, resource in self._resources.items() if resource["Type"] == kind]

    def arn(self, logical_id: str) -> str:
        here = f"{self.region}:{self.account}"
        match self._resources[logical_id]["Type"]:
            case "AWS::IAM::Role":
                return f"arn:aws:iam::{self.account}:role/{self._name(logical_id, 'RoleName')}"
            case "AWS::ECS::Cluster":
                return f"arn:aws:ecs:{here}:cluster/{self._name(logical_id, 'ClusterName')}"
            case "AWS::Logs::LogGroup":
                return f"arn:aws:logs:{here}:log-group:{self._name(logical_id, 'LogGroupName')}:*"
            case kind:
                raise AssertionError(f"the ARN of {kind} is not known here")

    def resolve(self, value: Any) -> Any:  # noqa: PLR0911 - one return for each function
        match value:
            case {"Ref": "AWS::Partition"}:
                return "aws"
            case {"Ref": str(name)}:
                return self._name(name, "RoleName", "ClusterName", "LogGroupName")
            case {"Fn::GetAtt": [logical_id, "Arn"]}:
                return self.arn(logical_id)
            case {"Fn::ImportValue": name}:
                return self.imported[name]
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self.resolve(part) for part in parts)
            case dict():
                assert not any(key.startswith("Fn::") for key in value), value
                return {key: self.resolve(item) for key, item in value.items()}
            case list():
                return [self.resolve(item) for item in value]
            case _:
                return value

    def _name(self, logical_id: str, *properties: str) -> str:
        given = self._resources[logical_id].get("Properties", {})
        return next((given[name] for name in properties if name in given), f"{self.name}-{logical_id}")

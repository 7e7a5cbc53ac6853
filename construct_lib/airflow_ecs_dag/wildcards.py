"""Why there is a ``*`` in a policy, written where cdk-nag and a reviewer look for it. It needs no cdk-nag.

cdk-nag's rule AwsSolutions-IAM5 reports each ``*`` of a policy. Version 2 reads the reason from the resource's
``cdk_nag`` metadata, which is in the template; version 3 from the acknowledgements of the construct or one above it.
Both compare the ARN as text, with CloudFormation's functions written flat.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from constructs import IValidation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from constructs import IConstruct

    from airflow_ecs_dag.rights import Right

_RULE = "AwsSolutions-IAM5"
_METADATA = "cdk_nag"
_SUB = re.compile(r"\$\{|\}")


def explain_wildcards(holder: IConstruct, rights: Iterable[Right]) -> None:
    """Write down the reason for each ``*`` in ``rights``.

    Args:
        holder: The role or policy that has them, or has the policy with them below it.
        rights: What ``holder`` was granted just now; only these ``*`` are explained, not others of the same policy.
    """
    explanation = _Explanation(holder, [right for right in rights if right.wildcard])
    explanation.write_metadata()
    explanation.acknowledge()
    holder.node.add_validation(explanation)


@jsii.implements(IValidation)
class _Explanation:
    """The reasons for one grant, written when it is made and again once references between stacks are known."""

    def __init__(self, holder: IConstruct, rights: Sequence[Right]) -> None:
        self._holder = holder
        self._rights = rights
        self._acknowledged: set[str] = set()

    def validate(self) -> list[str]:
        """Acknowledge the ARNs that read otherwise now; called by the CDK when it has linked the stacks."""
        self.acknowledge()
        return []

    def acknowledge(self) -> None:
        if not hasattr(cdk, "Validations"):  # an aws-cdk-lib that no cdk-nag 3 works with
            return
        for finding, reason in self._findings(cdk.Stack.of(self._holder)):
            if finding not in self._acknowledged:
                self._acknowledged.add(finding)
                cdk.Validations.of(self._holder).acknowledge(
                    cdk.Acknowledgment(id=f"{_RULE}[{finding}]", reason=reason)
                )

    def write_metadata(self) -> None:
        for policy in self._holder.node.find_all():
            if isinstance(policy, iam.CfnPolicy):
                told = list((policy.get_metadata(_METADATA) or {}).get("rules_to_suppress", []))
                for finding, reason in self._findings(cdk.Stack.of(policy)):
                    rule = {"id": _RULE, "reason": reason, "applies_to": [finding]}
                    if rule not in told:
                        told.append(rule)
                policy.add_metadata(_METADATA, {"rules_to_suppress": told})

    def _findings(self, stack: cdk.Stack) -> Iterator[tuple[str, str]]:
        """Yield what cdk-nag calls each ``*``, and the reason for it."""
        for right in self._rights:
            for resource in stack.resolve(list(right.resources)):
                text = _flat(resource)
                if "*" in text and right.wildcard:
                    yield f"Resource::{text}", right.wildcard


def _flat(value: Any) -> str:  # noqa: ANN401, PLR0911 - any part of a template; one return for each function
    """Return a value of a template as one text: ``<logical id>`` for ``Ref``, ``<logical id.attribute>`` for GetAtt."""
    match value:
        case str():
            return _SUB.sub(lambda found: "<" if found[0] == "${" else ">", value)
        case {"Fn::Join": [separator, [*parts]]}:
            return str(separator).join(_flat(part) for part in parts)
        case {"Fn::Sub": text}:
            return _flat(text)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{_flat(resource)}.{_flat(attribute)}>"
        case {"Fn::ImportValue": name}:
            return _flat(name)
        case {"Ref": name}:
            return f"<{_flat(name)}>"
        case _:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

"""Names of policies that are added to a role of somebody else's.

IAM keeps one inline policy under each name of a role, and the CDK makes that name of the construct's place *in its
stack*. Two stacks that import one role under one id would overwrite each other's policy, without a word.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from constructs import IConstruct

_LOGICAL_ID = 80
"""Characters of the logical id that the name keeps; IAM takes 128 in all."""


def keep_apart(holder: IConstruct) -> None:
    """Name the policies below ``holder`` after their stack, unless its role, user or group is made there too."""
    resources = holder.node.find_all()
    if any(isinstance(each, iam.CfnRole | iam.CfnUser | iam.CfnGroup) for each in resources):
        return
    for policy in resources:
        if isinstance(policy, iam.CfnPolicy):
            policy.policy_name = _name(policy)


def _name(policy: iam.CfnPolicy) -> str:
    """Return a name that no other stack makes: roles are the account's, stacks are the account's and the region's."""
    stack = cdk.Stack.of(policy)
    logical_id = str(stack.resolve(policy.logical_id))
    top = stack
    while top.nested_stack_parent is not None:  # a nested stack's own name is known at deploy only
        top = top.nested_stack_parent
    digest = hashlib.sha256(f"{top.stack_name}/{policy.node.path}".encode()).hexdigest()
    return f"{logical_id[:_LOGICAL_ID]}-{digest[:12]}-{stack.region}"

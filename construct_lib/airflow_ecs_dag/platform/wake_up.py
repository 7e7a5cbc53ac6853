"""A queue by which a deployment wakes Airflow's DAG processor up, so that a DAG is there in seconds.

It only hints: the scan that follows finds what there is, and without the queue Airflow finds it at its next refresh.
Registering a task definition is no event of ECS itself. EventBridge gets it from CloudTrail, so the account and region
need a trail that logs management events.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from airflow_ecs_dag.platform.checks import fits, require, role_arn_problems, role_name_problems
from airflow_ecs_dag.rights import Right
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_ecs_dag.platform.checks import AnyRole

_DEPLOYMENTS = {
    "source": ["aws.ecs"],
    "detail-type": ["AWS API Call via CloudTrail"],
    "detail": {
        "eventSource": ["ecs.amazonaws.com"],
        "eventName": ["RegisterTaskDefinition", "DeregisterTaskDefinition"],
    },
}
_HINTS_LAST = 5
"""Minutes for which a hint is kept: an older one tells nothing that a refresh by time hasn't found."""
_TARGET = "WakeUpQueue"
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\Z", re.ASCII)
_QUEUE_ARN = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}\Z", re.ASCII)
_NO_DEAD_LETTERS = "a hint that was not taken is worth nothing: the next refresh by time finds what it hinted at"


class WakeUpQueue(Construct):
    """The queue, in Airflow's account, and the rule that puts each deployment of this account and region into it.

    Attributes:
        queue: The queue; its ``queue_url`` is the bundle's argument ``wake_up_queue``, its ``queue_arn`` that of
            ``WakeUpRule`` in other accounts.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        reader: iam.IGrantable,
        queue_name: str | None = None,
        senders: Sequence[AnyRole | str] = (),
    ) -> None:
        """Make the queue and the rule.

        Args:
            scope: The stack, or another construct in it.
            construct_id: The construct's id in ``scope``.
            reader: What the DAG processor runs as: a ``LoaderRole``, or a role.
            queue_name: Its name, for an ARN that is known beforehand. ``None``: CloudFormation's.
            senders: The roles of the ``WakeUpRule`` of other accounts, or their ARNs; in this region.

        Raises:
            DagDefinitionError: With every problem found; nothing was added to the tree.
        """
        require(
            f"{type(self).__name__}({construct_id!r})",
            [
                *_reader_problems(reader),
                *_name_problems(queue_name),
                *role_arn_problems("senders", senders, may_be_empty=True),
            ],
        )
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=queue_name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.minutes(_HINTS_LAST),
        )
        _explain_no_dead_letters(self.queue)
        rule = _rule(self, self.queue.queue_arn)
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="OwnDeployments",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
            )
        )
        if senders:
            arns = [each if isinstance(each, str) else each.role_arn for each in senders]
            self.queue.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="OtherAccountsDeployments",
                    principals=[iam.ArnPrincipal(arn) for arn in arns],
                    actions=["sqs:SendMessage"],
                    resources=[self.queue.queue_arn],
                )
            )
        Right(actions=("sqs:DeleteMessage", "sqs:ReceiveMessage"), resources=(self.queue.queue_arn,)).grant(reader)


class WakeUpRule(Construct):
    """Puts each deployment of this account and region into the queue of the platform's account, in the same region.

    Attributes:
        role: What EventBridge sends as; its ARN goes into the ``senders`` of the platform's ``WakeUpQueue``.
    """

    def __init__(self, scope: Construct, construct_id: str, *, queue_arn: str, role_name: str | None = None) -> None:
        """Make the rule and its role.

        Args:
            scope: The stack, or another construct in it.
            construct_id: The construct's id in ``scope``.
            queue_arn: Of the platform's queue.
            role_name: The role's name, for an ARN that is known beforehand. ``None``: CloudFormation's.

        Raises:
            DagDefinitionError: With every problem found; nothing was added to the tree.
        """
        require(
            f"{type(self).__name__}({construct_id!r})",
            [*_queue_arn_problems(queue_arn), *role_name_problems(role_name)],
        )
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("events.amazonaws.com"),
            description="EventBridge: tells Airflow's DAG processor of deployments",
            role_name=role_name,
        )
        Right(actions=("sqs:SendMessage",), resources=(queue_arn,)).grant(self.role)
        _rule(self, queue_arn, role_arn=self.role.role_arn)


def _rule(scope: Construct, queue_arn: str, role_arn: str | None = None) -> events.CfnRule:
    return events.CfnRule(
        scope,
        "Rule",
        description="Task definitions that are registered or deregistered: a hint for Airflow's DAG processor",
        event_pattern=_DEPLOYMENTS,
        targets=[events.CfnRule.TargetProperty(arn=queue_arn, id=_TARGET, role_arn=role_arn)],
    )


def _explain_no_dead_letters(queue: sqs.Queue) -> None:
    """Say where cdk-nag and a reviewer look for it why there is no dead-letter queue."""
    resource = queue.node.default_child
    if isinstance(resource, cdk.CfnResource):
        rules = [{"id": "AwsSolutions-SQS3", "reason": _NO_DEAD_LETTERS}]
        resource.add_metadata("cdk_nag", {"rules_to_suppress": rules})
    if hasattr(cdk, "Validations"):
        cdk.Validations.of(queue).acknowledge(cdk.Acknowledgment(id="AwsSolutions-SQS3", reason=_NO_DEAD_LETTERS))


def _reader_problems(reader: object) -> Iterator[Problem]:
    if not hasattr(reader, "grant_principal"):
        yield Problem("reader", "expected a LoaderRole or a role, such as iam.Role.from_role_name(...)", repr(reader))


def _name_problems(queue_name: object) -> Iterator[Problem]:
    if queue_name is not None and not (isinstance(queue_name, str) and fits(queue_name, _QUEUE_NAME)):
        yield Problem("queue_name", "expected 1 to 80 of A-Z a-z 0-9 _ -", repr(queue_name))


def _queue_arn_problems(queue_arn: object) -> Iterator[Problem]:
    if not (isinstance(queue_arn, str) and fits(queue_arn, _QUEUE_ARN)):
        yield Problem(
            "queue_arn",
            "expected the ARN of a queue, such as 'arn:aws:sqs:eu-west-1:111111111111:airflow-wake-up'",
            repr(queue_arn),
        )

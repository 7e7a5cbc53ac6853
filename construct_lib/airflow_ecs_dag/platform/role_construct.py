"""What the platform's roles have in common: a role that the CDK's grants take, and a policy of the construct's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from constructs import Construct

from airflow_ecs_dag.platform.checks import list_problems
from airflow_ecs_dag.platform.task_access import TaskAccess
from airflow_ecs_dag.policy_names import keep_apart
from airflow_ecs_dag.rights import registry_right
from airflow_ecs_dag.wildcards import explain_wildcards

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_ecs_dag.rights import Right
    from airflow_ecs_dag_schema.problems import Problem


@jsii.implements(iam.IGrantable)
class RoleConstruct(Construct):
    """A role for Airflow; ``dag.grant_run(...)`` and the CDK's own grants take it as it is.

    Attributes:
        role: The role.
    """

    role: iam.IRole

    @property
    @jsii.member(jsii_name="grantPrincipal")
    def grant_principal(self) -> iam.IPrincipal:
        """The role, for grants of the CDK."""
        return self.role.grant_principal

    def _attach(self, *, reads_registry: bool, access: Sequence[TaskAccess], others: Sequence[Right] = ()) -> None:
        """Give the role its rights, with the reason for each ``*``; no policy is made if there are none."""
        rights = [registry_right()] if reads_registry else []
        rights += others
        for each in access:
            rights += each.rights(cdk.Stack.of(self))
        if rights:
            statements = [right.statement() for right in rights]
            policy = iam.Policy(self, "Policy", statements=statements, roles=[self.role])
            keep_apart(self)
            explain_wildcards(policy, rights)


def access_problems(access: object) -> Iterator[Problem]:
    """Yield what is wrong with a list of ``TaskAccess``."""

    def problem(value: object) -> str | None:
        return None if isinstance(value, TaskAccess) else "expected TaskAccess(families=[...], clusters=[...])"

    yield from list_problems("access", access, problem, may_be_empty=True)

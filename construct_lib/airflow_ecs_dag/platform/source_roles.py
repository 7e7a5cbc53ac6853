"""The roles of an account where Airflow finds DAGs and runs their tasks; only the platform's own roles take them on.

Finding and running are two roles: who only reads the registry can start nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from airflow_ecs_dag.platform.checks import external_id_problems, require, role_arn_problems, role_name_problems
from airflow_ecs_dag.platform.role_construct import RoleConstruct, access_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from airflow_ecs_dag.platform.checks import AnyRole
    from airflow_ecs_dag.platform.task_access import TaskAccess


class _SourceRole(RoleConstruct):
    """A role that the named roles of the platform may take on, with the source's external id and not without."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        trusted: Sequence[AnyRole | str],
        external_id: str,
        role_name: str | None,
        reads_registry: bool,
        access: Sequence[TaskAccess],
    ) -> None:
        require(
            f"{type(self).__name__}({construct_id!r})",
            [
                *role_arn_problems("trusted", trusted, may_be_empty=False),
                *external_id_problems(external_id),
                *role_name_problems(role_name),
                *access_problems(access),
            ],
        )
        super().__init__(scope, construct_id)
        arns = [each if isinstance(each, str) else each.role_arn for each in trusted]
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.CompositePrincipal(*[iam.ArnPrincipal(arn) for arn in arns]),
            external_ids=[external_id],
            description=description,
            role_name=role_name,
        )
        self._attach(reads_registry=reads_registry, access=access)


class RegistryScanRole(_SourceRole):
    """Lets the platform's DAG processor find DAGs in this account: list and describe task definitions, nothing else.

    Attributes:
        role: The role; its ARN goes into the ``assumes`` of the platform's ``LoaderRole``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        trusted: Sequence[AnyRole | str],
        external_id: str,
        role_name: str | None = None,
    ) -> None:
        """Make the role.

        Args:
            scope: The stack, or another construct in it.
            construct_id: The construct's id in ``scope``.
            trusted: The roles of the platform's DAG processors, or their ARNs.
            external_id: What they must name when they take the role on; one for each source. It is no secret.
            role_name: Its name, for an ARN that is known beforehand. ``None``: CloudFormation's.

        Raises:
            DagDefinitionError: With every problem found; nothing was added to the tree.
        """
        super().__init__(
            scope,
            construct_id,
            description="For Airflow's DAG processor: finds DAGs in the ECS registry",
            trusted=trusted,
            external_id=external_id,
            role_name=role_name,
            reads_registry=True,
            access=(),
        )


class TaskRunRole(_SourceRole):
    """Lets the platform's workers run DAGs' tasks in this account.

    Attributes:
        role: The role; its ARN goes into the ``assumes`` of the platform's ``RunnerRole``. ``dag.grant_run(run)`` adds
            one DAG's tasks to it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        trusted: Sequence[AnyRole | str],
        external_id: str,
        role_name: str | None = None,
        reads_registry: bool = True,
        access: Sequence[TaskAccess] = (),
    ) -> None:
        """Make the role.

        Args:
            scope: The stack, or another construct in it.
            construct_id: The construct's id in ``scope``.
            trusted: The roles of the platform's workers, or their ARNs.
            external_id: What they must name when they take the role on; one for each source. It is no secret.
            role_name: Its name, for an ARN that is known beforehand. ``None``: CloudFormation's.
            reads_registry: Whether it reads the registry too: a worker does so when it has no files of the DAG
                processor's on its disk.
            access: The tasks that it may run; what single DAGs grant comes on top.

        Raises:
            DagDefinitionError: With every problem found; nothing was added to the tree.
        """
        super().__init__(
            scope,
            construct_id,
            description="For Airflow's workers: runs the ECS tasks of DAGs",
            trusted=trusted,
            external_id=external_id,
            role_name=role_name,
            reads_registry=reads_registry,
            access=access,
        )

"""The roles of Airflow's own processes, in the platform's account: one that finds DAGs, one that runs their tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from airflow_ecs_dag.platform.checks import require, role_arn_problems, role_name_problems
from airflow_ecs_dag.platform.role_construct import RoleConstruct, access_problems
from airflow_ecs_dag.rights import assume_right
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constructs import Construct

    from airflow_ecs_dag.platform.checks import AnyRole
    from airflow_ecs_dag.platform.task_access import TaskAccess


class _AirflowRole(RoleConstruct):
    """A role that is made here or was there already, with one policy."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        assumed_by: iam.PrincipalBase | None,
        role: AnyRole | None,
        role_name: str | None,
        reads_registry: bool,
        assumes: Sequence[AnyRole | str],
        access: Sequence[TaskAccess],
    ) -> None:
        require(
            f"{type(self).__name__}({construct_id!r})",
            [
                *_owner_problems(assumed_by, role, role_name),
                *role_arn_problems("assumes", assumes, may_be_empty=True),
                *access_problems(access),
            ],
        )
        super().__init__(scope, construct_id)
        self.role: iam.IRole = role or iam.Role(
            self,
            "Role",
            assumed_by=assumed_by,  # type: ignore[arg-type] # one of the two is there: checked above
            description=description,
            role_name=role_name,
        )
        arns = [each if isinstance(each, str) else each.role_arn for each in assumes]
        others = [assume_right(arns)] if arns else []
        self._attach(reads_registry=reads_registry, access=access, others=others)


class LoaderRole(_AirflowRole):
    """What Airflow's DAG processor may do: find DAGs in this account's registry, and in others' through their roles.

    Attributes:
        role: The role.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        assumed_by: iam.PrincipalBase | None = None,
        role: AnyRole | None = None,
        role_name: str | None = None,
        reads_registry: bool = True,
        assumes: Sequence[AnyRole | str] = (),
    ) -> None:
        """Make the role, or add to one.

        Args:
            scope: The stack, or another construct in it.
            construct_id: The construct's id in ``scope``.
            assumed_by: Who takes the role on, such as ``iam.ServicePrincipal("ecs-tasks.amazonaws.com")``.
            role: The DAG processor's own role, instead of ``assumed_by``; the rights are added to it.
            role_name: Name of the role that is made; other accounts name it in their trust. ``None``: CloudFormation's.
            reads_registry: Whether it reads the registry of this account.
            assumes: The scan roles of other accounts, or their ARNs.

        Raises:
            DagDefinitionError: With every problem found; nothing was added to the tree.
        """
        super().__init__(
            scope,
            construct_id,
            description="Airflow's DAG processor: finds DAGs in the ECS registry",
            assumed_by=assumed_by,
            role=role,
            role_name=role_name,
            reads_registry=reads_registry,
            assumes=assumes,
            access=(),
        )


class RunnerRole(_AirflowRole):
    """What Airflow's workers may do: run ECS tasks in this account, and in others through their roles.

    Attributes:
        role: The role. ``dag.grant_run(runner)`` adds one DAG's tasks to it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        assumed_by: iam.PrincipalBase | None = None,
        role: AnyRole | None = None,
        role_name: str | None = None,
        reads_registry: bool = True,
        assumes: Sequence[AnyRole | str] = (),
        access: Sequence[TaskAccess] = (),
    ) -> None:
        """Make the role, or add to one.

        Args:
            scope: The stack, or another construct in it.
            construct_id: The construct's id in ``scope``.
            assumed_by: Who takes the role on, such as ``iam.ServicePrincipal("ecs-tasks.amazonaws.com")``.
            role: The workers' own role, instead of ``assumed_by``; the rights are added to it.
            role_name: Name of the role that is made; other accounts name it in their trust. ``None``: CloudFormation's.
            reads_registry: Whether it reads the registry of this account: a worker does so when it has no files of the
                DAG processor's on its disk.
            assumes: The run roles of other accounts, or their ARNs.
            access: The tasks that it may run in this account.

        Raises:
            DagDefinitionError: With every problem found; nothing was added to the tree.
        """
        super().__init__(
            scope,
            construct_id,
            description="Airflow's workers: run the ECS tasks of DAGs",
            assumed_by=assumed_by,
            role=role,
            role_name=role_name,
            reads_registry=reads_registry,
            assumes=assumes,
            access=access,
        )


def _owner_problems(assumed_by: object, role: object, role_name: object) -> Iterator[Problem]:
    if (assumed_by is None) == (role is None):
        got = "neither" if role is None else "both"
        yield Problem("assumed_by", "expected either assumed_by, for a new role, or role, for one that is there", got)
    if role is not None and not hasattr(role, "role_arn"):
        yield Problem("role", "expected a role, such as iam.Role.from_role_name(...)", repr(role))
    if assumed_by is not None and not isinstance(assumed_by, iam.PrincipalBase):
        yield Problem("assumed_by", "expected a principal, such as iam.ServicePrincipal(...)", repr(assumed_by))
    if role is not None and role_name is not None:
        yield Problem("role_name", "a role that is there has its name already: leave this out", repr(role_name))
    yield from role_name_problems(role_name)

"""Where a DAG was found, and with what it is run: all that ``build_dag`` needs beside the DAG itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from airflow_ecs_dag_schema.platform_parts import ALERT_PROFILE, AnyAlertProfile, OperatorRule
from airflow_ecs_dag_schema.tasks import EcsTaskSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_loader.definition import Container, Definition
    from airflow_ecs_dag_loader.source import RegistrySource
    from airflow_ecs_dag_schema import DagSpec


@dataclass(frozen=True)
class DagSource:
    """Where a DAG was found, and with what its ECS tasks are run.

    Attributes:
        task_definition: ARN of the revision that carries the DAG.
        account: The account it was found in, 12 digits.
        region: The region it was found in.
        family: Family of the task definition.
        revision: Revision of the task definition.
        container: The container whose command, exit code and log count.
        task_containers: The same for the tasks that name another container of that task definition, by its name.
        cluster: Name or ARN of the cluster.
        aws_conn_id: Airflow connection for RunTask; ``None`` for the process's own credentials.
        essential_containers: Those of the task definition whose end makes ECS stop all others.
        alert_profiles: The platform's alert profiles that the DAG may use, by name.
        operators: The platform's rules for the operators that the DAG may use, by name.
    """

    task_definition: str
    account: str
    region: str
    family: str
    revision: int
    container: Container
    cluster: str
    aws_conn_id: str | None = None
    essential_containers: tuple[str, ...] = ()
    task_containers: Mapping[str, Container] = field(default_factory=dict)
    alert_profiles: Mapping[str, AnyAlertProfile] = field(default_factory=dict)
    operators: Mapping[str, OperatorRule] = field(default_factory=dict)

    @property
    def partition(self) -> str:
        """The AWS partition: ``aws``, ``aws-cn`` and so on."""
        return self.task_definition.split(":")[1]

    @classmethod
    def of(cls, definition: Definition, spec: DagSpec, source: RegistrySource) -> Self:
        """Put together what the registry, the labels and the platform say."""
        arn = definition.parsed_arn
        return cls(
            task_definition=arn.text,
            account=arn.account,
            region=arn.region,
            family=arn.family,
            revision=arn.revision,
            container=definition.container(spec.ecs.container_name),
            cluster=spec.ecs.cluster or source.cluster or "default",
            aws_conn_id=source.aws_conn_id,
            essential_containers=definition.essential_containers,
            task_containers={
                task.container_name: definition.container(task.container_name)
                for task in spec.tasks
                if isinstance(task, EcsTaskSpec) and task.container_name and task.task_definition is None
            },
            alert_profiles={name: ALERT_PROFILE.validate_python(each) for name, each in source.alert_profiles.items()},
            operators={name: OperatorRule.model_validate(each) for name, each in source.operators.items()},
        )

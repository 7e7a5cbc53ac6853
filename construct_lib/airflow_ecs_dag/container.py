"""The container that carries a DAG's labels, found in its task definition.

Nothing here resolves the L1's ``container_definitions``: the CDK resolves that once and remembers, so whatever an
app adds to a container afterwards would be lost without a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs

from airflow_ecs_dag_schema.limits import compact_size
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem
from airflow_ecs_dag_schema.task_definition import RUN_BY_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LABEL_PREFIX = "airflow."


@dataclass(frozen=True)
class DagContainer:
    """The container that runs a DAG's tasks.

    Attributes:
        name: Its name.
        index: Its place in the task definition, from 0.
        log_driver: Where its lines go: ``awslogs`` for CloudWatch Logs; ``None`` if nothing was said.
        task_definition: Where it is.
        definition: The task definition's L1 construct.
    """

    name: str
    index: int
    log_driver: str | None
    task_definition: ecs.TaskDefinition
    definition: ecs.CfnTaskDefinition

    @property
    def container(self) -> ecs.ContainerDefinition:
        """The container itself."""
        return containers_of(self.task_definition)[self.index]

    def add_labels(self, labels: Mapping[str, str]) -> None:
        """Give the container all ``labels`` in one call; CDK tokens in them, of other stacks too, are resolved.

        An override, because ``add_docker_label`` takes one label a call: 1,000 labels take 0.01 s instead of 0.26 s.
        """
        self.definition.add_property_override(f"ContainerDefinitions.{self.index}.DockerLabels", dict(labels))

    def rendered(self, labels: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return ``labels``, and with them what counts for the task definition's size, as in the template."""
        stack = cdk.Stack.of(self.definition)
        containers = [container.render_container_definition() for container in containers_of(self.task_definition)]
        whole: dict[str, Any] = stack.resolve(
            {
                "family": self.task_definition.family,
                "containers": containers,
                "labels": dict(labels),
                "volumes": self.definition.volumes,
            }
        )
        return whole["labels"], whole

    def size(self, labels: Mapping[str, str]) -> int:
        """Return the bytes of the task definition as it is now, with ``labels``."""
        return compact_size(self.rendered(labels)[1])

    def foreign_labels(self) -> list[Problem]:
        """Return a problem for each ``airflow.`` label that somebody else gave to a container."""
        return _foreign_labels(containers_of(self.task_definition))


def check_task_definition(task_definition: object) -> None:
    """Check that ``task_definition`` can be given labels.

    Raises:
        DagDefinitionError: It is something else, or was made elsewhere.
    """
    if not isinstance(task_definition, ecs.TaskDefinition):
        raise DagDefinitionError(
            [
                Problem(
                    "task_definition",
                    "expected a task definition made in this app, such as ecs.FargateTaskDefinition(...); labels can't "
                    "be added to an imported one",
                    repr(task_definition),
                )
            ]
        )


def find_container(task_definition: ecs.TaskDefinition, wanted: str | ecs.ContainerDefinition | None) -> DagContainer:
    """Return the container ``wanted``, or the default one: the first that is essential.

    Raises:
        DagDefinitionError: There is no such container, or one already carries labels of Airflow's.
    """
    definition = task_definition.node.default_child
    if not isinstance(definition, ecs.CfnTaskDefinition):
        raise DagDefinitionError([Problem("task_definition", "it has no AWS::ECS::TaskDefinition below it")])
    containers = {container.container_name: container for container in containers_of(task_definition)}
    if problems := _foreign_labels(containers.values()):
        raise DagDefinitionError(problems)
    name = _name(wanted, task_definition.default_container)
    if name not in containers:
        allowed = (
            f"its containers are {', '.join(containers)}"
            if containers
            else "it has none: call add_container(...) first"
        )
        raise DagDefinitionError([Problem("container", f"the task definition has no such container; {allowed}", name)])
    logging = containers[name].log_driver_config
    log_driver = None if logging is None else logging.log_driver
    return DagContainer(name, list(containers).index(name), log_driver, task_definition, definition)


def containers_of(task_definition: ecs.TaskDefinition) -> list[ecs.ContainerDefinition]:
    """Return its containers in the order of the template; what is added later comes after them."""
    return task_definition._containers  # noqa: SLF001 - documented, but protected; jsii spells that with an underscore


def _foreign_labels(containers: Iterable[ecs.ContainerDefinition]) -> list[Problem]:
    labels = {
        container.container_name: container.render_container_definition().docker_labels for container in containers
    }
    return [
        Problem(
            f"container.{name}.{key}",
            "this label is there already, and labels that begin with airflow. are AirflowEcsDag's: don't give it "
            "to the container",
            text,
        )
        for name, given in labels.items()
        for key, text in (given.items() if isinstance(given, dict) else ())
        if key.startswith(LABEL_PREFIX) and key != RUN_BY_LABEL
    ]


def _name(wanted: object, default: ecs.ContainerDefinition | None) -> str | None:
    if wanted is None:
        return None if default is None else default.container_name
    return wanted if isinstance(wanted, str) else str(getattr(wanted, "container_name", wanted))

"""What is looked at again at synth, when everybody has added to the task definition what they will."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsii
from constructs import IValidation

from airflow_ecs_dag_schema import labels_v1
from airflow_ecs_dag_schema.limits import TASK_DEFINITION_BYTES, compact_size, too_large
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag.connections import ContainerConnections
    from airflow_ecs_dag.container import DagContainer
    from airflow_ecs_dag.exchange import DagExchange
    from airflow_ecs_dag.other_task_definitions import OtherTaskDefinitions
    from airflow_ecs_dag_schema import DagSpec


@dataclass(frozen=True, kw_only=True)
class DeployedDag:
    """A DAG and what it was written to.

    Attributes:
        spec: The DAG.
        labels: Its labels, flat or packed.
        carrier: The container with the labels.
        connections: Those of the container.
        others: The other task definitions that its tasks run.
        exchange: The bucket for what is too large; ``None`` if the author gave none.
    """

    spec: DagSpec
    labels: Mapping[str, str]
    carrier: DagContainer
    connections: ContainerConnections
    others: OtherTaskDefinitions
    exchange: DagExchange | None = None

    def write(self) -> None:
        """Write the DAG into the app."""
        self.carrier.add_labels(self.labels)
        self.connections.add()
        self.others.consent(self.spec.dag_id)
        if self.exchange is not None:
            for task_definition in (self.carrier.task_definition, *self.others.of_app):
                self.exchange.grant_containers(self.spec, task_definition)


@jsii.implements(IValidation)
class TaskDefinitionCheck:
    """Says at synth what is wrong with the task definition of a DAG."""

    def __init__(self, dag: DeployedDag) -> None:
        self._dag = dag

    def validate(self) -> list[str]:
        """Return what is wrong; called by the CDK."""
        dag = self._dag
        labels, whole = dag.carrier.rendered(dag.labels)
        problems = [
            *dag.carrier.foreign_labels(),
            *dag.connections.given_twice(),
            *dag.others.without_consent(dag.spec.dag_id),
            *_secrets(labels),
        ]
        size = compact_size(whole)
        if size > TASK_DEFINITION_BYTES:
            problems.append(too_large(labels_v1.write(dag.spec), size))
        return [str(problem) for problem in problems]


def _secrets(labels: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each label whose token turned out to be a reference to a secret or a parameter."""
    for key, text in labels.items():
        if "{{resolve:" in str(text):
            yield Problem(
                key,
                "{{resolve:...}} would put the value of a secret or a parameter into a label, for everyone to read: "
                "give it to the container with ecs.Secret",
                str(text),
            )

"""The DAGs that a CloudFormation template declares, read before it is deployed.

A function (``Ref``, ``Fn::GetAtt``, ``Fn::Join``, ...) in a label is a value that only the deployment knows; the texts
around it are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_schema.codec import decode, describes_dag
from airflow_ecs_dag_schema.problems import LabelError, Problem
from airflow_ecs_dag_schema.unknown_text import is_unknown, unknown
from airflow_ecs_dag_schema.violations import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag_schema.dag import DagSpec

_TASK_DEFINITION = "AWS::ECS::TaskDefinition"


@dataclass(frozen=True)
class DeclaredDag:
    """A task definition of a template with Airflow labels.

    Attributes:
        logical_id: Its name in the template.
        location: Where its labels are: ``Properties/ContainerDefinitions/0/DockerLabels``.
        labels: The labels; what is not known yet is a token in the text.
        container_names: The names of all containers.
        problem: Why these labels can't be a DAG at all, else empty.
    """

    logical_id: str
    location: str
    labels: Mapping[str, str]
    container_names: tuple[str, ...]
    problem: str = ""

    def decode(self) -> DagSpec:
        """Return the DAG; texts in it may hold tokens.

        Raises:
            LabelError: It is none.
        """
        if self.problem:
            raise LabelError([Problem("airflow", self.problem)])
        spec = decode(self.labels, unresolved=True)
        name = spec.ecs.container_name
        if name is not None and not any(name == each or is_unknown(name + each) for each in self.container_names):
            raise LabelError(
                [
                    Problem(
                        "airflow.ecs.container_name",
                        f"the task definition has no such container, only {', '.join(self.container_names)}",
                        name,
                    )
                ]
            )
        return spec

    def invalid(self, error: LabelError) -> Iterator[Violation]:
        """Yield what :meth:`decode` raised as violations: of ``labels.unknown`` where the value is not known yet."""
        for problem in error.problems:
            rule, remedy = "labels.invalid", "correct the DAG's definition"
            if problem.value is not None and is_unknown(problem.value):
                rule, remedy = "labels.unknown", "write the value itself into the template, so that it can be checked"
            yield Violation(rule, problem.path, problem.value, problem.message, remedy)


def declared_dags(template: Mapping[str, Any]) -> Iterator[DeclaredDag]:
    """Yield the DAGs of a template, as JSON has it; whatever else is in it is passed over."""
    for logical_id, resource in _items(template.get("Resources")):
        if isinstance(resource, dict) and resource.get("Type") == _TASK_DEFINITION:
            properties = resource.get("Properties")
            containers = properties.get("ContainerDefinitions") if isinstance(properties, dict) else None
            found = _labelled(logical_id, containers if isinstance(containers, list) else [])
            if found is not None:
                yield found


def _labelled(logical_id: str, containers: list[Any]) -> DeclaredDag | None:
    numbers = count()
    names: list[str] = []
    labelled: list[tuple[int, str, dict[str, str]]] = []
    for index, container in enumerate(containers):
        if not isinstance(container, dict):
            continue
        names.append(_text(container.get("Name", ""), numbers))
        labels = {str(key): _text(value, numbers) for key, value in _items(container.get("DockerLabels"))}
        if describes_dag(labels):
            labelled.append((index, names[-1], labels))
    if not labelled:
        return None
    index, _, labels = labelled[0]
    on = ", ".join(name for _, name, _ in labelled)
    return DeclaredDag(
        logical_id=logical_id,
        location=f"Properties/ContainerDefinitions/{index}/DockerLabels",
        labels=labels,
        container_names=tuple(names),
        problem=""
        if len(labelled) == 1
        else f"Airflow labels stand on more than one container ({on}): keep them on one",
    )


def _items(value: object) -> Iterator[tuple[str, Any]]:
    yield from value.items() if isinstance(value, dict) else ()


def _text(value: object, numbers: count[int]) -> str:
    """Return the text that ``value`` becomes, with a token for each part that only the deployment knows.

    A number or a boolean becomes what CloudFormation makes of it.
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case {"Fn::Join": [str() as separator, list() as parts], **rest} if not rest:
            return separator.join(_text(part, numbers) for part in parts)
        case _:
            return unknown(next(numbers))

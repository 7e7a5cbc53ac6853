"""The DAGs that a CloudFormation template declares, judged before it is deployed.

A function (``Ref``, ``Fn::GetAtt``, ``Fn::Sub``, ...) in a label is a value that only the deployment knows, and counts
as one that keeps every rule that it may keep; so does the whole of a field that is no text. Of an ``Fn::Join`` the
literal parts are known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_schema.codec import describes_dag
from airflow_ecs_dag_schema.policy_rules import check, invalid_labels, label_bytes
from airflow_ecs_dag_schema.task_definition import container_problems, labelled_problems
from airflow_ecs_dag_schema.undeployed import read_undeployed, token
from airflow_ecs_dag_schema.violations import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from airflow_ecs_dag_schema.policy import Policy
    from airflow_ecs_dag_schema.undeployed import Reading
    from airflow_ecs_dag_schema.violations import Violation

_TASK_DEFINITION = "AWS::ECS::TaskDefinition"


@dataclass(frozen=True)
class DeclaredDag:
    """A task definition of a template with Airflow labels.

    Attributes:
        logical_id: Its name in the template.
        location: Where its labels are: ``Properties/ContainerDefinitions/0/DockerLabels``.
        labels: The labels; what is not known yet is a token in the text.
        labelled: The names of the containers with Airflow labels; more than one is a mistake.
        containers: The names of all containers.
    """

    logical_id: str
    location: str
    labels: Mapping[str, str]
    labelled: tuple[str, ...]
    containers: tuple[str, ...]

    def violations(self, policy: Policy, deployed_at: datetime) -> tuple[Violation, ...]:
        """Return what Airflow would refuse under ``policy`` if the template was deployed at ``deployed_at``."""
        if problems := labelled_problems(self.labelled):
            return invalid_labels(problems)
        reading = read_undeployed(self.labels)
        if reading.spec is None:
            return invalid_labels(reading.problems)
        if problems := container_problems(reading.spec, self.containers):
            return invalid_labels(problems)
        return undeployed_violations(self.labels, reading, policy, deployed_at)


def undeployed_violations(
    labels: Mapping[str, str], reading: Reading, policy: Policy, deployed_at: datetime
) -> tuple[Violation, ...]:
    """Return what labels that are read as a DAG break of ``policy``, values that aren't known yet aside."""
    if reading.spec is None:
        return ()
    facts = Facts(deployed_at=deployed_at, label_bytes=label_bytes(labels))
    return tuple(
        violation
        for violation in check(reading.spec, policy, facts)
        if not _is_unsure(violation.path, reading.stand_ins)
    )


def declared_dags(template: object) -> Iterator[DeclaredDag]:
    """Yield the DAGs of a template, as JSON has it; whatever else is in it is passed over."""
    for logical_id, resource in _items(_get(template, "Resources")):
        if _get(resource, "Type") == _TASK_DEFINITION:
            containers = _get(_get(resource, "Properties"), "ContainerDefinitions")
            yield from _labelled(logical_id, containers if isinstance(containers, list) else [])


def _labelled(logical_id: str, containers: list[Any]) -> Iterator[DeclaredDag]:
    names = [_text(_get(container, "Name") or "") for container in containers]
    labels = [{key: _text(text) for key, text in _items(_get(each, "DockerLabels"))} for each in containers]
    numbers = [number for number, each in enumerate(labels) if describes_dag(each)]
    if numbers:
        yield DeclaredDag(
            logical_id=logical_id,
            location=f"Properties/ContainerDefinitions/{numbers[0]}/DockerLabels",
            labels=labels[numbers[0]],
            labelled=tuple(names[number] for number in numbers),
            containers=tuple(names),
        )


def _is_unsure(path: str, stand_ins: Mapping[str, str]) -> bool:
    """Tell whether something plausible stands in for the value at ``path``, or for its kind."""
    return path in stand_ins or f"{path.rpartition('.')[0]}.kind" in stand_ins


def _get(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _items(value: object) -> Iterator[tuple[str, Any]]:
    yield from value.items() if isinstance(value, dict) else ()


def _text(value: object) -> str:
    """Return the text that CloudFormation makes of ``value``, with a token for each part that isn't known yet."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case {"Fn::Join": [str() as separator, list() as parts], **rest} if not rest:
            return separator.join(map(_text, parts))
        case _:
            return token(json.dumps(value, sort_keys=True))

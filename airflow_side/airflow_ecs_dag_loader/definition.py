"""What the loader keeps of an ECS task definition: enough to show its DAG and to run its tasks, and no more."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from airflow_ecs_dag_schema import describes_dag
from airflow_ecs_dag_schema.task_definition import labelled_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

_ARN = re.compile(
    r"arn:aws[a-z-]*:ecs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):task-definition/"
    r"(?P<family>[A-Za-z0-9_-]{1,255}):(?P<revision>[1-9]\d{0,9})\Z",
    re.ASCII,
)


@dataclass(frozen=True, order=True)
class TaskDefinitionArn:
    """The parts of a task definition's ARN; where a DAG was found is read from here, never from its labels."""

    account: str
    region: str
    family: str
    revision: int
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an ARN such as ``arn:aws:ecs:eu-west-1:123456789012:task-definition/family:7``.

        Raises:
            ValueError: It isn't one.
        """
        match = _ARN.match(text)
        if match is None:
            raise ValueError(f"not the ARN of an ECS task definition: {text[:300]!a}")
        return cls(
            account=match["account"],
            region=match["region"],
            family=match["family"],
            revision=int(match["revision"]),
            text=text,
        )

    @property
    def name(self) -> str:
        """Family and revision, as ECS's console shows them: ``reports:7``."""
        return f"{self.family}:{self.revision}"

    @property
    def family_key(self) -> str:
        """Account, region and family, which stay the same from revision to revision."""
        return f"{self.account}/{self.region}/{self.family}"


@dataclass(frozen=True)
class AwsLogs:
    """Where the lines of a container go: the options of its ``awslogs`` log driver."""

    group: str
    stream_prefix: str
    region: str


@dataclass(frozen=True)
class Container:
    """A container of a task definition.

    Attributes:
        name: Of the container.
        logs: Where its lines go; ``None`` unless CloudWatch Logs gets them, under a prefix.
        is_essential: Whether ECS stops all others when it ends; not so where that isn't known.
    """

    name: str
    logs: AwsLogs | None = None
    is_essential: bool = False


@dataclass(frozen=True)
class Definition:
    """A task definition that carries Airflow labels.

    Attributes:
        arn: The ARN of this revision.
        labels: The labels of the container that carries Airflow's.
        labelled_container: The name of that container.
        containers: All containers, in the order of the task definition.
        problem: Why the labels can't be read at all (they stand on more than one container), else empty.
        registered_at: When ECS registered the revision, in ISO 8601 and UTC; empty where that isn't known. A revision
            never changes, so what the platform's policy makes of this moment doesn't either.
    """

    arn: str
    labels: Mapping[str, str]
    labelled_container: str
    containers: tuple[Container, ...]
    problem: str = ""
    registered_at: str = ""

    @property
    def parsed_arn(self) -> TaskDefinitionArn:
        """Return the parts of the ARN."""
        return TaskDefinitionArn.parse(self.arn)

    @property
    def essential_containers(self) -> tuple[str, ...]:
        """Return the names of the containers whose end makes ECS stop all others."""
        return tuple(each.name for each in self.containers if each.is_essential)

    def container(self, name: str | None) -> Container:
        """Return the container called ``name``, which is there, or the one with the labels."""
        return next(each for each in self.containers if each.name == (name or self.labelled_container))

    def to_json(self) -> dict[str, Any]:
        """Return the definition as plain JSON values."""
        return {**asdict(self), "labels": dict(self.labels), "containers": [asdict(each) for each in self.containers]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        containers = tuple(
            Container(
                name=each["name"],
                logs=AwsLogs(**each["logs"]) if each["logs"] else None,
                is_essential=each.get("is_essential", False),  # what an earlier version wrote does not tell
            )
            for each in value["containers"]
        )
        return cls(**{**value, "labels": dict(value["labels"]), "containers": containers})

    @classmethod
    def from_task_definition(cls, task_definition: Mapping[str, Any]) -> Self | None:
        """Take what is needed from an answer of DescribeTaskDefinition; ``None`` if it has no Airflow labels.

        Args:
            task_definition: The ``taskDefinition`` of the answer.

        Raises:
            KeyError: The answer is not whole.
            ValueError: Its ARN is not one.
        """
        arn = TaskDefinitionArn.parse(task_definition["taskDefinitionArn"])
        containers = task_definition["containerDefinitions"]
        labelled = [each for each in containers if describes_dag(each.get("dockerLabels") or {})]
        if not labelled:
            return None
        problems = labelled_problems([each["name"] for each in labelled])
        return cls(
            arn=arn.text,
            labels=dict(sorted(labelled[0]["dockerLabels"].items())),
            labelled_container=labelled[0]["name"],
            containers=tuple(
                Container(each["name"], awslogs_of(each, arn.region), is_essential=is_essential(each))
                for each in containers
            ),
            problem=problems[0].message if problems else "",
            registered_at=_moment(task_definition.get("registeredAt")),
        )


def with_dags(definitions: Mapping[str, Definition | None]) -> tuple[Definition, ...]:
    """Return those of ``definitions`` that carry Airflow labels, by account, region and family."""
    found = [definition for definition in definitions.values() if definition is not None]
    return tuple(sorted(found, key=lambda definition: definition.parsed_arn))


def _moment(value: object) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else ""


def is_essential(container: Mapping[str, Any]) -> bool:
    """Tell whether ECS stops all others when a container ends; it does so unless the definition says otherwise.

    Args:
        container: One of the ``containerDefinitions`` of DescribeTaskDefinition.
    """
    return bool(container.get("essential", True))


def awslogs_of(container: Mapping[str, Any], region: str) -> AwsLogs | None:
    """Return where the lines of a container definition go; ``None`` if that is nowhere in CloudWatch Logs.

    Args:
        container: One of the ``containerDefinitions`` of DescribeTaskDefinition.
        region: Where the task definition is.
    """
    configuration = container.get("logConfiguration") or {}
    options = configuration.get("options") or {}
    if configuration.get("logDriver") != "awslogs" or not {"awslogs-group", "awslogs-stream-prefix"} <= options.keys():
        return None
    return AwsLogs(
        group=options["awslogs-group"],
        stream_prefix=options["awslogs-stream-prefix"],
        region=options.get("awslogs-region") or region,
    )

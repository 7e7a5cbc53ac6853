"""Another task definition than the DAG's own, for one task: run only if it says that this DAG may run it.

Airflow may run each task definition that some DAG needs. Without a consent on the task definition itself, any project
could name another team's, and have its own command run under that team's role.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER, reason
from airflow_ecs_dag_loader.definition import AwsLogs, TaskDefinitionArn, awslogs_of, is_essential
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError
from airflow_ecs_dag_schema.problems import shown
from airflow_ecs_dag_schema.task_definition import RUN_BY_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_ecs import ECSClient


class OtherTaskDefinitionError(EcsTaskFailedError):
    """The task definition may not be run by this DAG, or can't be read; the message says why."""


@dataclass(frozen=True)
class OtherTaskDefinition:
    """A task definition that lets a DAG run it.

    Attributes:
        arn: Of the one revision that was looked at.
        container_name: The container that runs the command.
        logs: Where its lines go.
        essential_containers: Those whose end makes ECS stop all others.
    """

    arn: str
    container_name: str
    logs: AwsLogs | None
    essential_containers: tuple[str, ...] = ()


def find(
    ecs: ECSClient, name: str, *, dag_id: str, own: TaskDefinitionArn, container_name: str | None
) -> OtherTaskDefinition:
    """Return the task definition ``name``, once it is sure that the DAG may run it.

    Args:
        ecs: A client for the place where the DAG runs.
        name: A family, with a revision or for its newest ACTIVE one, or an ARN.
        dag_id: The DAG that wants to run it.
        own: The task definition that carries the DAG; the other one is of the same account and region.
        container_name: The container to run the command; without it, the one with the label.

    Raises:
        OtherTaskDefinitionError: It is of another account or region, can't be read, does not name the DAG, or has no
            such container.
    """
    if ":task-definition/" in name:
        _check_place(name, name, own)
    try:
        answer: Mapping[str, Any] = ecs.describe_task_definition(taskDefinition=name)
        definition = answer["taskDefinition"]
        arn = TaskDefinitionArn.parse(definition["taskDefinitionArn"])
        status = str(definition.get("status", "ACTIVE"))
        containers = {str(each["name"]): each for each in definition["containerDefinitions"]}
    except NO_ANSWER as error:
        raise OtherTaskDefinitionError(f"the task definition {name} can't be read: {reason(error)}") from error
    _check_place(name, arn.text, own)
    if status != "ACTIVE":
        raise OtherTaskDefinitionError(
            f"the task definition {arn.family}:{arn.revision} is {status}: name its family alone, for the newest one"
        )
    consenting = [each for each, container in containers.items() if dag_id in _run_by(container)]
    if not consenting:
        raise OtherTaskDefinitionError(
            f"the task definition {arn.family}:{arn.revision} does not let the DAG {dag_id} run it: whoever owns it "
            f"adds the id to the Docker label {RUN_BY_LABEL} of its container (it lists {_listed(containers)})"
        )
    chosen = container_name
    if chosen is None:
        if len(consenting) > 1:
            raise OtherTaskDefinitionError(
                f"the task definition {arn.family}:{arn.revision} names the DAG {dag_id} on the containers "
                f"{', '.join(consenting)}: say which one runs the command, in the task's container_name"
            )
        (chosen,) = consenting
    if chosen not in containers:
        raise OtherTaskDefinitionError(
            f"the task definition {arn.family}:{arn.revision} has no container {chosen}; its containers are "
            f"{', '.join(containers)}: change the task's container_name"
        )
    if chosen not in consenting:
        raise OtherTaskDefinitionError(
            f"the container {chosen} of {arn.family}:{arn.revision} does not let the DAG {dag_id} run it, only "
            f"{', '.join(consenting)} does: name that one, or have its owner add the label {RUN_BY_LABEL} to {chosen}"
        )
    return OtherTaskDefinition(
        arn=arn.text,
        container_name=chosen,
        logs=awslogs_of(containers[chosen], arn.region),
        essential_containers=tuple(each for each, container in containers.items() if is_essential(container)),
    )


def _run_by(container: Mapping[str, Any]) -> list[str]:
    return str((container.get("dockerLabels") or {}).get(RUN_BY_LABEL, "")).split()


def _listed(containers: Mapping[str, Mapping[str, Any]]) -> str:
    ids = dict.fromkeys(dag_id for container in containers.values() for dag_id in _run_by(container))
    return shown(" ".join(ids))[1:-1] or "none"


def _check_place(name: str, arn: str, own: TaskDefinitionArn) -> None:
    """An ARN without a revision has the same first parts; what follows is ECS's to judge."""
    place = arn.split(":")[3:5]
    if place != [own.region, own.account]:
        raise OtherTaskDefinitionError(
            f"the task definition {name} is of account {place[1]}, region {place[0]}; this DAG's tasks run in account "
            f"{own.account}, region {own.region}: name one from there"
        )

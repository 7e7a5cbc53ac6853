"""The revision that takes the place of one which a deployment deregistered between scheduling and start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.aws_answers import NO_ANSWER, reason
from airflow_ecs_dag_loader.definition import Definition, TaskDefinitionArn
from airflow_ecs_dag_loader.runner.other_task_definition import OtherTaskDefinition
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError
from airflow_ecs_dag_schema import LabelError, decode

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient


def newest_revision(
    ecs: ECSClient, gone: TaskDefinitionArn, *, dag_id: str, task_id: str, container_name: str
) -> OtherTaskDefinition:
    """Return the newest ACTIVE revision of the family of ``gone``, if it still has the task.

    Only what runs is taken from it: its image, its roles, and where its lines go. What to do stays what Airflow has
    scheduled and shows.

    Args:
        ecs: A client for where the task definition is.
        gone: The revision that can't be started any more.
        dag_id: The DAG that it carried.
        task_id: The task to run.
        container_name: The container that runs the command.

    Raises:
        EcsTaskFailedError: There is none, it can't be read, or it does not have the task or the container.
    """
    try:
        answer = ecs.describe_task_definition(taskDefinition=gone.family)
        definition = Definition.from_task_definition(answer["taskDefinition"])
        status = str(answer["taskDefinition"].get("status", "ACTIVE"))
    except NO_ANSWER as error:
        raise EcsTaskFailedError(
            f"{gone.name} can't be started any more, and its family's newest revision can't be read: "
            f"{reason(error)}; if the stack was deleted, this task can't be run, else retry it"
        ) from error
    name = str(answer["taskDefinition"]["taskDefinitionArn"]).rpartition("/")[2]
    if definition is None or status != "ACTIVE" or definition.parsed_arn.family_key != gone.family_key:
        raise EcsTaskFailedError(
            f"{gone.name} can't be started any more, and {name} ({status}) carries no DAG: deploy the project's stack "
            "again, or delete the run"
        )
    containers = [each.name for each in definition.containers]
    if container_name not in containers:
        raise EcsTaskFailedError(
            f"{gone.name} can't be started any more, and {name} has no container {container_name}, only "
            f"{', '.join(containers)}: clear the task once Airflow shows {name}"
        )
    if definition.problem or (lack := _lack(definition, dag_id, task_id)):
        raise EcsTaskFailedError(
            f"{gone.name} can't be started any more, and {name} {definition.problem or lack}: deploy a revision that "
            "has it, or delete the run"
        )
    logs = definition.container(container_name).logs
    return OtherTaskDefinition(definition.arn, container_name, logs, definition.essential_containers)


def _lack(definition: Definition, dag_id: str, task_id: str) -> str:
    """Return why the task is not in the definition; empty if it is."""
    try:
        spec = decode(definition.labels)
    except LabelError as error:
        return f"has labels that can't be read ({error.problems[0].message})"
    if spec.dag_id != dag_id:
        return f"carries the DAG {spec.dag_id}, not {dag_id}"
    if task_id not in (tasks := [task.task_id for task in spec.tasks]):
        return f"has no task {task_id}, only {', '.join(tasks)}"
    return ""

"""Where a container's lines are that don't go to CloudWatch Logs: its log driver knows, so a person is led to that."""

from __future__ import annotations

from airflow_ecs_dag_loader.console_links import task_definition_url
from airflow_ecs_dag_loader.definition import TaskDefinitionArn


def lines_elsewhere(container_name: str | None, task_definition: str) -> str:
    """Return the line of the task log that stands for those of the container.

    Args:
        container_name: The container.
        task_definition: What the ECS task is started from: an ARN, or another name of ECS's.
    """
    try:
        TaskDefinitionArn.parse(task_definition)
    except ValueError:
        where = task_definition
    else:
        where = task_definition_url(task_definition) or task_definition
    return (
        f"The lines of container {container_name} are not in CloudWatch Logs (no awslogs driver with a stream prefix): "
        f"they are where the log driver of its task definition sends them: {where}"
    )

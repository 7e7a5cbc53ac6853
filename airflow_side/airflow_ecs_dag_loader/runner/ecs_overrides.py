"""What RunTask changes of a task definition for one ECS task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OVERRIDES_LIMIT = 8_192
"""Characters of JSON that RunTask takes as overrides."""


def overrides(
    *,
    container_name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    cpu: int | None = None,
    memory_limit_mib: int | None = None,
    ephemeral_storage_gib: int | None = None,
) -> dict[str, Any]:
    """Return the argument ``overrides`` of RunTask.

    Args:
        container_name: The container that gets the command and the environment.
        command: Its whole command.
        environment: Variables beside those of the task definition; of the same name, these win.
        cpu: CPU units of the ECS task.
        memory_limit_mib: MiB of memory of the ECS task.
        ephemeral_storage_gib: GiB of disk of the ECS task.

    Raises:
        EcsTaskFailedError: They are larger than RunTask takes.
    """
    container: dict[str, Any] = {"name": container_name, "command": list(command)}
    if environment:
        container["environment"] = [{"name": name, "value": value} for name, value in environment.items()]
    whole: dict[str, Any] = {"containerOverrides": [container]}
    # RunTask takes these two as texts.
    if cpu is not None:
        whole["cpu"] = str(cpu)
    if memory_limit_mib is not None:
        whole["memory"] = str(memory_limit_mib)
    if ephemeral_storage_gib is not None:
        whole["ephemeralStorage"] = {"sizeInGiB": ephemeral_storage_gib}
    if (size := len(json.dumps(whole))) > OVERRIDES_LIMIT:
        parts = {"command": container["command"], "environment": container.get("environment", [])}
        largest = max(parts, key=lambda name: len(json.dumps(parts[name])))
        raise EcsTaskFailedError(
            f"command, environment and sizes are {size} characters as JSON, RunTask takes {OVERRIDES_LIMIT}; most "
            f"of it is the {largest}: hand large texts over as inputs, which go through S3"
        )
    return whole

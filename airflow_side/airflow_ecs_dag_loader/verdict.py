"""How an ECS task ended, in one sentence for the person who has to act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException

if TYPE_CHECKING:
    from collections.abc import Mapping


class EcsTaskFailedError(AirflowException):
    """The container did not do its work; the message says why."""


class EcsTaskLostError(AirflowException):
    """How the container ended can't be told any more."""


def check_stopped(task: Mapping[str, Any], *, container_name: str) -> None:
    """Return if the DAG's container exited with 0; what its sidecars did is their affair.

    Args:
        task: An ECS task with ``lastStatus`` STOPPED, as DescribeTasks gives it.
        container_name: The DAG's container.

    Raises:
        EcsTaskFailedError: It exited otherwise, or never ran.
    """
    containers = {each.get("name"): each for each in task.get("containers", ())}
    container = containers.get(container_name, {})
    exit_code = container.get("exitCode")
    if exit_code == 0 and task.get("stopCode") != "UserInitiated":
        return
    why = "; ".join(dict.fromkeys(str(text) for text in (container.get("reason"), task.get("stoppedReason")) if text))
    because = f" ({why})" if why else ""
    if exit_code is None:
        raise EcsTaskFailedError(f"container {container_name} never ran to its end{because}")
    if task.get("stopCode") == "UserInitiated":
        raise EcsTaskFailedError(f"the ECS task was stopped from outside{because}")
    raise EcsTaskFailedError(f"container {container_name} exited with code {exit_code}{because}")

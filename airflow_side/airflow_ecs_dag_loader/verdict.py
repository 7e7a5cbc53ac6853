"""How an ECS task ended, in one sentence for the person who has to act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowSkipException

if TYPE_CHECKING:
    from collections.abc import Container, Mapping


class EcsTaskFailedError(AirflowException):
    """The container did not do its work; the message says why."""


class EcsTaskLostError(AirflowException):
    """How the container ended can't be told any more."""


class EcsCapacityError(AirflowException):
    """ECS had no room for the ECS task, or took no more calls, for as long as was waited; the container never ran."""


_STOPPED_FROM_OUTSIDE = frozenset(
    {"ServiceSchedulerInitiated", "SpotInterruption", "TerminationNotice", "UserInitiated"}
)
"""Stop codes of ECS under which an exit code of 0 says nothing: a container that ends in good order when it is told to
stop exits with 0, its work half done."""


def check_stopped(task: Mapping[str, Any], *, container_name: str, skip_on_exit_code: Container[int] = ()) -> None:
    """Return if the DAG's container exited with 0 by itself; what its sidecars did is their affair.

    An ECS task that was stopped has failed, even if its container exited with 0: to run work twice can be borne, to
    take half of it for the whole can't.

    Args:
        task: An ECS task with ``lastStatus`` STOPPED, as DescribeTasks gives it.
        container_name: The DAG's container.
        skip_on_exit_code: Exit codes by which the container says that there was nothing to do.

    Raises:
        AirflowSkipException: It exited with one of them by itself.
        EcsTaskFailedError: It exited otherwise, or never ran.
    """
    containers = {each.get("name"): each for each in task.get("containers", ())}
    container = containers.get(container_name, {})
    exit_code = container.get("exitCode")
    stop_code = task.get("stopCode")
    if stop_code not in _STOPPED_FROM_OUTSIDE and exit_code is not None:
        if exit_code in skip_on_exit_code:
            raise AirflowSkipException(f"container {container_name} exited with code {exit_code}, which skips the task")
        if exit_code == 0:
            return
    why = "; ".join(dict.fromkeys(str(text) for text in (container.get("reason"), task.get("stoppedReason")) if text))
    because = f" ({why})" if why else ""
    if exit_code is None:
        raise EcsTaskFailedError(f"container {container_name} never ran to its end{because}")
    if stop_code in _STOPPED_FROM_OUTSIDE:
        raise EcsTaskFailedError(f"the ECS task was stopped from outside: {stop_code}{because}")
    raise EcsTaskFailedError(f"container {container_name} exited with code {exit_code}{because}")

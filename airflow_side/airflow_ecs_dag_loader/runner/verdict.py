"""How an ECS task ended, in one sentence for the person who has to act on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_ecs_dag_loader.runner.ecs_errors import (
    EcsCapacityError,
    EcsCommandError,
    EcsExitCodeError,
    EcsHealthCheckError,
    EcsInterruptedError,
    EcsOutOfMemoryError,
    EcsSidecarError,
    EcsTaskFailedError,
    EcsTaskLostError,
    EcsTaskStoppedError,
)
from airflow_ecs_dag_loader.runner.start_failures import start_failure
from airflow_ecs_dag_loader.runner.stop_reason import is_by_airflow

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping, Sequence

__all__ = ["EcsCapacityError", "EcsTaskFailedError", "EcsTaskLostError", "check_stopped", "is_over"]

_ENDED_BY_ITSELF = frozenset({None, "", "EssentialContainerExited"})
"""Stop codes of ECS under which an exit code of 0 says something. Under all others, those that AWS may come to add
among them, it doesn't: a container that ends in good order when it is told to stop exits with 0, its work half done."""
_KNOWN_OTHERWISE = frozenset({"ServiceSchedulerInitiated", "TaskFailedToStart", "UserInitiated"})
"""Stop codes that are no interruption by AWS."""
_SAYS_NOTHING = frozenset({"Essential container in task exited", "Task failed to start"})
"""Texts of ECS that say no more than its stop code."""
_LONGEST_TEXT = 1_000
"""Characters of AWS's text that are shown; what it adds then are the calls that it tried."""
_KILLED, _TERMINATED = 137, 143
"""Exit codes of a process that ended by SIGKILL and by SIGTERM."""
_NOT_RUN = (126, 127)
"""Exit codes by which a shell says that it can't run a command, or finds none."""
_SIGNALS = range(129, 160)
_CRASHES = frozenset({132, 133, 134, 135, 136, 139})
"""Exit codes of a process that ended by a signal, and of those that no one else sends it."""
_MEMORY = re.compile(r"out ?of ?memory", re.IGNORECASE)
_HEALTH = re.compile(r"health check", re.IGNORECASE)
_SPOT = re.compile(r"your spot task was interrupted", re.IGNORECASE)
_HOST = re.compile(r"host ec2 \(instance|container instance deregistration", re.IGNORECASE)
_MAINTENANCE = re.compile(r"(amazon )?ecs is performing maintenance on the underlying", re.IGNORECASE)
"""How AWS's texts of these begin; a person's reason for a stop may hold the same words elsewhere."""
_RETRY = "a retry runs it anew"
_MORE_MEMORY = "give it more memory (memory_limit_mib of the task), or less to do at once"


def check_stopped(
    task: Mapping[str, Any],
    *,
    container_name: str,
    skip_on_exit_code: Container[int] = (),
    essential_sidecars: Collection[str] = (),
) -> None:
    """Return if the DAG's container exited with 0 by itself; what other containers did is mostly their affair.

    An ECS task that was stopped has failed, even if its container exited with 0: to run work twice can be borne, to
    take half of it for the whole can't. ECS stops it, too, when an essential container ends before; DescribeTasks does
    not tell which one ended first. So one that crashed counts as the first. One that exited with 0, or by a signal,
    does not, for it may well have been told to stop because the work was done.

    Args:
        task: An ECS task that :func:`is_over`, as DescribeTasks gives it.
        container_name: The DAG's container.
        skip_on_exit_code: Exit codes by which the container says that there was nothing to do.
        essential_sidecars: The other containers whose end makes ECS stop the ECS task, if that is known.

    Raises:
        AirflowSkipException: It exited with one of them by itself.
        EcsTaskFailedError: It exited otherwise, or never ran; each cause has a class of its own.
    """
    containers = {each.get("name"): each for each in task.get("containers", ())}
    exit_code = containers.get(container_name, {}).get("exitCode")
    sidecars = [each for name, each in containers.items() if name in essential_sidecars and name != container_name]
    was_first = not _MEMORY.search(str(task.get("stoppedReason"))) and not any(_has_crashed(each) for each in sidecars)
    if _ended_by_itself(task) and was_first and exit_code is not None:
        if exit_code in skip_on_exit_code:
            raise AirflowSkipException(f"container {container_name} exited with code {exit_code}, which skips the task")
        if exit_code == 0:
            return
    raise _failure(task, container_name, containers.get(container_name, {}), sidecars)


def _ended_by_itself(task: Mapping[str, Any]) -> bool:
    """Tell whether ECS stopped the ECS task because a container had ended; AWS's texts tell more than its code."""
    reason = str(task.get("stoppedReason") or "")
    was_stopped = any(text.match(reason) for text in (_SPOT, _HOST, _MAINTENANCE)) or _HEALTH.search(reason)
    return task.get("stopCode") in _ENDED_BY_ITSELF and not was_stopped


def _failure(
    task: Mapping[str, Any], name: str, container: Mapping[str, Any], sidecars: Sequence[Mapping[str, Any]]
) -> EcsTaskFailedError:
    """Return the exception for how the DAG's container ended: a sentence with what to do, then AWS's own words."""
    said = _said(container.get("reason"), task.get("stoppedReason"))
    for failure in (_out_of_memory, _interrupted, _stopped, _crashed_sidecar, _never_ran):
        if (found := failure(task, name, container, sidecars)) is not None:
            error, what, fix = found
            return error(f"{what}: {fix}{said}")
    return _exited(name, container, said)


_Found = tuple[type[EcsTaskFailedError], str, str]


def _out_of_memory(
    task: Mapping[str, Any], name: str, container: Mapping[str, Any], sidecars: Sequence[Mapping[str, Any]]
) -> _Found | None:
    reasons = [each.get("reason") for each in (container, *sidecars)]
    if task.get("stopCode") == "UserInitiated" or not _MEMORY.search(f"{reasons} {task.get('stoppedReason')}"):
        return None
    killed = [each for each in task.get("containers", ()) if _MEMORY.search(str(each.get("reason")))]
    if container in killed or container.get("exitCode") in {None, _KILLED} or not killed:
        return EcsOutOfMemoryError, f"container {name} was killed for want of memory", _MORE_MEMORY
    what = f"container {killed[0].get('name')} was killed for want of memory, so ECS stopped container {name}"
    return EcsOutOfMemoryError, what, _MORE_MEMORY


def _interrupted(
    task: Mapping[str, Any], name: str, _: Mapping[str, Any], __: Sequence[Mapping[str, Any]]
) -> _Found | None:
    code, reason = task.get("stopCode"), str(task.get("stoppedReason") or "")
    if code == "SpotInterruption" or _SPOT.match(reason):
        why = f"AWS took its Spot capacity back: {_RETRY}; give it more retries, or capacity that is not Spot"
    elif code in {"TerminationNotice", "InfrastructureHealth"} or _HOST.match(reason):
        why = f"the host that it ran on ended: {_RETRY}"
    elif _MAINTENANCE.match(reason):
        why = f"AWS maintains or retires what it ran on: {_RETRY}"
    elif code not in _ENDED_BY_ITSELF | _KNOWN_OTHERWISE:
        why = f"ECS says {_short(code)}: {_RETRY}"
    else:
        return None
    return EcsInterruptedError, f"the ECS task was interrupted before container {name} was done", why


def _stopped(
    task: Mapping[str, Any], name: str, _: Mapping[str, Any], __: Sequence[Mapping[str, Any]]
) -> _Found | None:
    """Find who stopped the ECS task."""
    code, reason = task.get("stopCode"), str(task.get("stoppedReason") or "")
    if code == "UserInitiated" and is_by_airflow(reason):
        what = f"Airflow stopped the ECS task before container {name} was done"
        return EcsTaskStoppedError, what, "its task was cleared, marked, or out of time: clear it to run it anew"
    if code not in {"TaskFailedToStart", "UserInitiated"} and _HEALTH.search(reason):
        what = f"the ECS task was stopped before container {name} was done, because a health check failed"
        return EcsHealthCheckError, what, "mend or loosen the health check in the task definition"
    if code in {"UserInitiated", "ServiceSchedulerInitiated"}:
        what = f"somebody stopped the ECS task from outside ({code}) before container {name} was done"
        return EcsTaskStoppedError, what, f"CloudTrail has who called StopTask; {_RETRY}"
    return None


def _crashed_sidecar(
    task: Mapping[str, Any], name: str, container: Mapping[str, Any], sidecars: Sequence[Mapping[str, Any]]
) -> _Found | None:
    """Find an essential container that ended before the DAG's, which was told to stop then."""
    exit_code = container.get("exitCode")
    if task.get("stopCode") == "TaskFailedToStart" or exit_code not in {None, 0, _KILLED, _TERMINATED}:
        return None
    crashed = [each for each in sidecars if _has_crashed(each)]
    first = crashed or (list(sidecars) if exit_code == _TERMINATED else [])
    if not first:
        return None
    named = " and ".join(_with_code(each) for each in first)
    became = "never ran" if exit_code is None else f"exited with code {exit_code}"
    what = f"essential container {named} ended first, so ECS stopped container {name}, which {became}"
    fix = (
        "mend it, or set essential to false for it in the task definition; if it only ends badly when it is told to "
        "stop, let it exit with 0 then"
    )
    return EcsSidecarError, what, fix


def _never_ran(
    task: Mapping[str, Any], name: str, container: Mapping[str, Any], _: Sequence[Mapping[str, Any]]
) -> _Found | None:
    exit_code = container.get("exitCode")
    if exit_code is not None and task.get("stopCode") != "TaskFailedToStart":
        return None
    became = f"container {name} never ran" if exit_code is None else f"container {name} was not run to its end"
    text = f"{container.get('reason') or ''} {task.get('stoppedReason') or ''}"
    if exit_code is None and container.get("reason"):
        error, why, fix = start_failure(text)
        return error, f"{became}, {why}", fix
    # ECS starts all containers or none: where another one's text says why, that one is to be mended.
    for other in task.get("containers", ()):
        if other is not container and other.get("exitCode") is None and (reason := other.get("reason")):
            error, why, fix = start_failure(f"{reason} {text}")
            return error, f"{became}, because container {other.get('name')} never did, {why} ({_short(reason)})", fix
    error, why, fix = start_failure(text)
    return error, f"{became}, {why}", fix


def _exited(name: str, container: Mapping[str, Any], said: str) -> EcsTaskFailedError:
    exit_code = container.get("exitCode")
    ended = f"container {name} exited with code {exit_code}"
    if exit_code == _KILLED:
        return EcsOutOfMemoryError(f"{ended}, it was killed, mostly for want of memory: {_MORE_MEMORY}{said}")
    if exit_code in _NOT_RUN:
        fix = "change the task's command, or what it calls: the image has no such command, or may not run it"
        return EcsCommandError(f"{ended}, by which a shell says that a command can't be run: {fix}{said}")
    if exit_code == _TERMINATED:
        return EcsExitCodeError(
            f"{ended}, a SIGTERM that came neither from Airflow nor from ECS as far as ECS tells: its "
            f"last lines may say whose it was{said}",
            exit_code,
        )
    return EcsExitCodeError(f"{ended}: its last lines say why, if it wrote any{said}", exit_code)


def _has_crashed(container: Mapping[str, Any]) -> bool:
    """Tell whether a container ended by its own fault, as far as its exit code tells."""
    exit_code = container.get("exitCode")
    if exit_code is None:
        return bool(container.get("reason"))
    is_signalled = exit_code in _SIGNALS and exit_code not in _CRASHES
    return bool(_MEMORY.search(str(container.get("reason"))) or (exit_code != 0 and not is_signalled))


def _with_code(container: Mapping[str, Any]) -> str:
    reason = f", {_short(container['reason'])}" if container.get("reason") else ""
    code = container.get("exitCode")
    return f"{container.get('name')} ({'no exit code' if code is None else f'exit code {code}'}{reason})"


def _said(*texts: object) -> str:
    """Return AWS's own words in brackets, each once, on one line."""
    lines = [_short(text) for text in texts if text and text not in _SAYS_NOTHING]
    whole = "; ".join(line for line in dict.fromkeys(lines) if not any(line in each and line != each for each in lines))
    return f" ({whole})" if whole else ""


def _short(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}..."


def is_over(task: Mapping[str, Any], container_name: str) -> bool:
    """Tell whether the end of an ECS task can be judged; :func:`check_stopped` then says the same at any later look.

    The last that ECS does for an ECS task is to take its network interface away, 10 to 30 seconds on Fargate, with
    ``lastStatus`` DEPROVISIONING. What the containers did is known before: that they have all ended, with which codes,
    and why ECS stopped them. One container's end alone is not enough, for the verdict looks at the others, too.

    Args:
        task: An ECS task, as DescribeTasks gives it.
        container_name: The DAG's container.
    """
    if task.get("lastStatus") == "STOPPED":
        return True
    if task.get("desiredStatus") != "STOPPED" or not task.get("stopCode"):
        return False
    containers = task.get("containers") or ()
    have_ended = all(each.get("lastStatus") == "STOPPED" or each.get("exitCode") is not None for each in containers)
    return have_ended and any(
        each.get("name") == container_name and each.get("exitCode") is not None for each in containers
    )

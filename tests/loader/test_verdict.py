"""How an ECS task ended: its DAG's container decides, unless somebody stopped the task."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airflow_ecs_dag_loader.verdict import EcsTaskFailedError, check_stopped


def ended(exit_code: int | None, *, reason: str = "", **task: Any) -> dict[str, Any]:
    main: dict[str, Any] = {"name": "main", "lastStatus": "STOPPED"}
    if exit_code is not None:
        main["exitCode"] = exit_code
    if reason:
        main["reason"] = reason
    return {"containers": [main], "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited", **task}


def test_an_exit_code_of_0_is_success() -> None:
    check_stopped(ended(0), container_name="main")
    check_stopped(ended(0, stopCode=""), container_name="main")


def test_what_sidecars_did_is_their_affair() -> None:
    task = ended(0)
    task["containers"].insert(0, {"name": "proxy", "exitCode": 1, "reason": "Error"})
    check_stopped(task, container_name="main")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (ended(3), "container main exited with code 3"),
        (ended(137, reason="OutOfMemoryError: Container killed due to memory usage"), "code 137 (OutOfMemoryError"),
        (
            ended(None, stopCode="TaskFailedToStart", stoppedReason="CannotPullContainerError: no such image"),
            "container main never ran to its end (CannotPullContainerError: no such image)",
        ),
        (ended(0, stopCode="UserInitiated", stoppedReason="by hand"), "stopped from outside: UserInitiated (by hand)"),
        (ended(143, stopCode="UserInitiated"), "stopped from outside"),
        (ended(0, stopCode="SpotInterruption"), "stopped from outside: SpotInterruption"),
        (ended(0, stopCode="TerminationNotice"), "stopped from outside: TerminationNotice"),
        ({"lastStatus": "STOPPED"}, "never ran to its end"),
        ({"containers": [{"name": "proxy", "exitCode": 0}]}, "never ran to its end"),
    ],
)
def test_anything_else_is_a_failure_in_one_sentence(task: dict[str, Any], words: str) -> None:
    with pytest.raises(EcsTaskFailedError) as raised:
        check_stopped(task, container_name="main")
    assert words in str(raised.value)


def test_the_same_reason_is_said_once() -> None:
    task = ended(1, reason="Essential container exited", stoppedReason="Essential container exited")
    with pytest.raises(EcsTaskFailedError, match=r"\(Essential container exited\)\Z"):
        check_stopped(task, container_name="main")


@pytest.mark.parametrize("exit_code", [0, 99])
def test_an_exit_code_that_skips(exit_code: int) -> None:
    with pytest.raises(AirflowSkipException, match=f"exited with code {exit_code}, which skips the task"):
        check_stopped(ended(exit_code), container_name="main", skip_on_exit_code=[0, 99])


@pytest.mark.parametrize(
    "task", [ended(98), ended(None), ended(99, stopCode="UserInitiated"), ended(99, stopCode="SpotInterruption")]
)
def test_no_other_end_skips(task: dict[str, Any]) -> None:
    with pytest.raises(EcsTaskFailedError):
        check_stopped(task, container_name="main", skip_on_exit_code=[99])


def test_a_sidecars_exit_code_does_not_skip() -> None:
    task = ended(0)
    task["containers"].insert(0, {"name": "proxy", "exitCode": 99})
    check_stopped(task, container_name="main", skip_on_exit_code=[99])

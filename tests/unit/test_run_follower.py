"""What is shown of a run while it goes on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_ecs_dag_cli.airflow_api import LogEvent, TaskState
from airflow_ecs_dag_cli.dag_run import RunFollower
from airflow_ecs_dag_cli.terminal import Terminal


def event(second: int, message: str, logger: str = "airflow_ecs_dag.container") -> LogEvent:
    return LogEvent(message=message, level="info", logger=logger, timestamp=f"2026-01-01T00:00:{second:02}Z")


def test_a_line_that_comes_into_the_middle_of_the_log_is_shown_and_none_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A container's line has the time at which it was said, and Airflow sorts by time."""
    operator = "airflow.task.operators.x.EcsTaskOperator"
    logs = [
        [event(1, "Command", operator), event(5, "ECS task is RUNNING", operator)],
        [event(1, "Command", operator), event(3, "one"), event(5, "ECS task is RUNNING", operator), event(6, "one")],
    ]
    answers = iter(logs + logs[1:])
    airflow: Any = SimpleNamespace(api=SimpleNamespace(log=lambda *_: next(answers)))
    follower = RunFollower(airflow, "reports", "run", Terminal())
    for _ in range(3):
        follower._show_log(TaskState(task_id="build", try_number=1, state="running", operator="EcsTask"))
    said = [line.partition("| ")[2] for line in capsys.readouterr().out.splitlines()]
    assert said == ["Command", "ECS task is RUNNING", "one", "one"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"retry_delay": {"days": 0, "seconds": 90, "microseconds": 0}, "retry_exponential_backoff": 0.0},
            "  build (EcsTask), try 1: up_for_retry, tried again in 90 s (retry_delay), Ctrl-C ends the wait",
        ),
        (
            {"retry_delay": {"days": 0, "seconds": 90, "microseconds": 0}, "retry_exponential_backoff": 2.0},
            "  build (EcsTask), try 1: up_for_retry",
        ),
    ],
)
def test_a_wait_for_the_next_try_says_how_long(
    found: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = [{"task_id": "other"}, {"task_id": "build", **found}]
    airflow: Any = SimpleNamespace(api=SimpleNamespace(log=lambda *_: (), dag_tasks=lambda _: tasks))
    follower = RunFollower(airflow, "reports", "run", Terminal())
    for state in ("up_for_retry", "up_for_retry"):
        follower._show(TaskState(task_id="build", try_number=1, state=state, operator="EcsTask"))
    assert capsys.readouterr().err.splitlines() == [said]

"""What one task changes of its task definition reaches RunTask, and the container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_loader.runner.ecs_overrides import OVERRIDES_LIMIT, overrides
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError
from loader.bad_answers import error, intercept
from loader.ecs_operators import LOGS, ecs_tasks, operator
from loader.task_runs import run_task

if TYPE_CHECKING:
    from loader.ecs_account import EcsAccount


def test_only_what_is_said_is_overridden() -> None:
    assert overrides(container_name="main", command=["convert"], environment={}) == {
        "containerOverrides": [{"name": "main", "command": ["convert"]}]
    }


def test_sizes_are_in_the_form_that_run_task_takes() -> None:
    whole = overrides(
        container_name="main",
        command=[],
        environment={"DAY": "2026-01-31"},
        cpu=1024,
        memory_limit_mib=2048,
        ephemeral_storage_gib=50,
    )
    assert whole == {
        "containerOverrides": [
            {"name": "main", "command": [], "environment": [{"name": "DAY", "value": "2026-01-31"}]}
        ],
        "cpu": "1024",
        "memory": "2048",
        "ephemeralStorage": {"sizeInGiB": 50},
    }


@pytest.mark.parametrize(
    ("arguments", "largest"),
    [
        ({"command": ["x" * OVERRIDES_LIMIT], "environment": {}}, "command"),
        ({"command": ["x"], "environment": {"DATA": "x" * OVERRIDES_LIMIT}}, "environment"),
    ],
)
def test_what_is_too_large_is_named(arguments: dict[str, Any], largest: str) -> None:
    with pytest.raises(EcsTaskFailedError, match=f"RunTask takes 8192; most of it is the {largest}"):
        overrides(container_name="main", **arguments)


def test_the_limit_is_met_exactly() -> None:
    empty = len('{"containerOverrides": [{"name": "main", "command": [""]}]}')
    fits = "x" * (OVERRIDES_LIMIT - empty)
    overrides(container_name="main", command=[fits], environment={})
    with pytest.raises(EcsTaskFailedError, match="are 8193 characters"):
        overrides(container_name="main", command=[f"{fits}x"], environment={})


@pytest.mark.emulator
def test_the_container_gets_the_environment_with_its_templates_filled_in(work: EcsAccount) -> None:
    definition = work.register(
        "reports",
        logConfiguration=LOGS,
        environment=[{"name": "KEPT", "value": "definition"}, {"name": "DAY", "value": "definition"}],
    )
    task = operator(definition, "environment", "KEPT", "DAY", environment={"DAY": "{{ ds }}"})
    run_task(task)
    assert "KEPT=definition" in task.said
    assert "DAY=2019-12-04" in task.said
    assert "Environment variables given: DAY" in task.said


@pytest.mark.emulator
def test_ecs_is_asked_for_the_sizes_tags_and_platform_version(work: EcsAccount) -> None:
    task = operator(
        work.register("reports"),
        "convert",
        cpu=512,
        memory_limit_mib=1024,
        ephemeral_storage_gib=30,
        tags={"team": "rfh", "cost": ""},
        platform_version="1.4.0",
    )
    runs = intercept(task.client, "RunTask", error("AccessDeniedException"))
    with pytest.raises(EcsTaskFailedError, match="AccessDenied"):
        run_task(task)
    (request,) = runs.requests
    assert request["tags"] == [{"key": "team", "value": "rfh"}, {"key": "cost", "value": ""}]
    assert request["platformVersion"] == "1.4.0"
    assert request["overrides"] == {
        "containerOverrides": [{"name": "main", "command": ["convert"]}],
        "cpu": "512",
        "memory": "1024",
        "ephemeralStorage": {"sizeInGiB": 30},
    }
    assert ecs_tasks(work) == []


@pytest.mark.emulator
def test_what_is_not_said_is_not_asked_for(work: EcsAccount) -> None:
    task = operator(work.register("reports"), "convert")
    runs = intercept(task.client, "RunTask", error("AccessDeniedException"))
    with pytest.raises(EcsTaskFailedError):
        run_task(task)
    (request,) = runs.requests
    assert not {"tags", "platformVersion"} & request.keys()

"""A DAG of some tasks as the contract has it, without the CDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag import DagDefinitionError, Schedule, TaskDefaults
from airflow_ecs_dag.definition import define

if TYPE_CHECKING:
    from airflow_ecs_dag_schema import DagSpec
    from airflow_ecs_dag_schema.tasks import TaskSpec

PLAIN: dict[str, Any] = {"dag_id": "a", "schedule": Schedule.manual(), "defaults": TaskDefaults(), "alerts": ()}


def defined(tasks: object, **fields: Any) -> DagSpec:
    return define(PLAIN | fields, tasks, {})[0]


def task_of(tasks: object, task_id: str, **fields: Any) -> TaskSpec:
    """One task of a DAG."""
    return next(task for task in defined(tasks, **fields).tasks if task.task_id == task_id)


def refused(tasks: object, **fields: Any) -> dict[str, str]:
    """What is wrong with a DAG, by path."""
    with pytest.raises(DagDefinitionError) as caught:
        defined(tasks, **fields)
    return {problem.path: problem.message for problem in caught.value.problems}

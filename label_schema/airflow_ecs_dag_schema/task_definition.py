"""What a task definition must be, beside its labels, for Airflow to run its DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.problems import Problem
from airflow_ecs_dag_schema.tasks import EcsTaskSpec
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_ecs_dag_schema.dag import DagSpec

RUN_BY_LABEL = "airflow.run_by"
"""The label of a container that other task definitions' DAGs may run: their dag ids, with spaces between them."""


def labelled_problems(labelled: Sequence[str]) -> list[Problem]:
    """Return what is wrong with the containers that carry Airflow labels: one is right.

    Args:
        labelled: The names of these containers.
    """
    if len(labelled) <= 1:
        return []
    names = ", ".join(labelled)
    return [Problem("airflow", f"Airflow labels stand on more than one container ({names}): keep them on one")]


def container_problems(spec: DagSpec, containers: Iterable[str]) -> list[Problem]:
    """Return what is wrong with the containers that a DAG names: of the DAG, and of tasks of its own task definition.

    A name that is not known yet, at synth, is no problem.

    Args:
        spec: The DAG.
        containers: The names of all containers of the task definition.
    """
    names = list(containers)
    if any(TOKEN_START in name for name in names):
        return []
    wanted = [("airflow.ecs.container_name", spec.ecs.container_name)]
    wanted += [
        (f"airflow.tasks.{spec.keys[task.task_id]}.container_name", task.container_name)
        for task in spec.tasks
        if isinstance(task, EcsTaskSpec) and task.task_definition is None
    ]
    return [
        Problem(path, f"the task definition has no such container, only {', '.join(names)}", name)
        for path, name in wanted
        if name is not None and name not in names and TOKEN_START not in name
    ]

"""What a task definition must be, beside its labels, for Airflow to run its DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def container_problems(wanted: str | None, containers: Iterable[str]) -> list[Problem]:
    """Return what is wrong with ``airflow.ecs.container_name``.

    Args:
        wanted: The label's value; ``None`` means the container that carries the labels.
        containers: The names of all containers of the task definition.
    """
    names = list(containers)
    if wanted is None or wanted in names:
        return []
    return [
        Problem(
            "airflow.ecs.container_name", f"the task definition has no such container, only {', '.join(names)}", wanted
        )
    ]

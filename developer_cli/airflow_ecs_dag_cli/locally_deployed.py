"""Which DAGs are in the local AWS, and whether Airflow has them as they were deployed last."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_schema.codec import dag_id_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.local_airflow import LocalAirflow
    from airflow_ecs_dag_cli.local_aws import LocalAws

_SECONDS = 60.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True, order=True)
class DeployedDag:
    """A DAG as an ECS task definition has it.

    Attributes:
        dag_id: Its id.
        family: The family of the task definition.
        revision: The newest revision.
    """

    dag_id: str
    family: str
    revision: int


def deployed_dags(aws: LocalAws) -> list[DeployedDag]:
    """Return the DAGs in the newest revision of each family, by their ids."""
    return sorted(_deployed_dags(aws))


def wait_until_shown(airflow: LocalAirflow, dag: DeployedDag) -> None:
    """Wait until Airflow has the DAG of this very revision.

    Raises:
        LocalRunError: Airflow can't load it, or has not done so within a minute.
    """
    deadline = time.monotonic() + _SECONDS
    mark = f"`{dag.family}`, revision {dag.revision},"
    while True:
        airflow.check()
        if airflow.api.dag(dag.dag_id) and mark in str(airflow.api.dag_details(dag.dag_id).get("doc_md")):
            return
        for file, text in airflow.api.import_errors().items():
            if file.endswith(f"/{dag.family}.py") or file == f"{dag.family}.py":
                raise LocalRunError(f"Airflow can't load the DAG {dag.dag_id}:\n{text}")
        if time.monotonic() >= deadline:
            raise LocalRunError(
                f"Airflow did not show revision {dag.revision} of the DAG {dag.dag_id} within {_SECONDS:g} s; "
                f"see the logs in {airflow.folder}"
            )
        time.sleep(_POLL_SECONDS)


def _deployed_dags(aws: LocalAws) -> Iterator[DeployedDag]:
    ecs = aws.client("ecs")
    for page in ecs.get_paginator("list_task_definition_families").paginate(status="ACTIVE"):
        for family in page["families"]:
            found = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
            for container in found["containerDefinitions"]:
                labels = container.get("dockerLabels") or {}
                if label := dag_id_label(labels):
                    yield DeployedDag(labels[label], family, found["revision"])

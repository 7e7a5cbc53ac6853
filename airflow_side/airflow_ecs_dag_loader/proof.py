"""Whether Airflow takes a DAG: it is built and serialized as Airflow does it, before Airflow gets its file."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from airflow.serialization.serialized_objects import DagSerialization

from airflow_ecs_dag_loader.admission import refused_labels
from airflow_ecs_dag_loader.dag_file import airflow_refuses, buildable_dag
from airflow_ecs_dag_schema import LabelError

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_ecs_dag_loader.admission import Admitted, Verdict

PROVEN_WITH = " ".join(
    f"{name}-{version(name)}" for name in ("apache-airflow", "apache-airflow-providers-amazon", "airflow-ecs-dag")
)
"""The versions that a proof holds for."""


def proven(verdict: Admitted) -> Verdict:
    """Return ``verdict`` if Airflow takes its DAG, else the refusal."""
    try:
        dag = buildable_dag(verdict.definition, verdict.spec, verdict.source)
        check_serializable(dag)
    except LabelError as error:
        return refused_labels(verdict.definition, error)
    return verdict


def check_serializable(dag: DAG) -> None:
    """Check that Airflow can keep the DAG.

    Raises:
        LabelError: It can't.
    """
    try:
        dag.check_cycle()
        DagSerialization.to_dict(dag)
    except Exception as error:
        raise airflow_refuses(error) from error

"""The labels of a DAG in the form that fits: flat for people to read, packed where there is no room for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import LabelError, encode, labels_v1
from airflow_ecs_dag_schema.limits import TASK_DEFINITION_BYTES, compact_size, too_large
from airflow_ecs_dag_schema.packed import is_packed, packed
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from airflow_ecs_dag.container import DagContainer
    from airflow_ecs_dag_schema import DagSpec

RESERVE = 2_000
"""Bytes kept free, if possible, for what the app adds to the task definition after the DAG."""


def fitting_labels(spec: DagSpec, carrier: DagContainer) -> dict[str, str]:
    """Return the labels of ``spec`` for a task definition as it is now; synth measures again.

    Raises:
        LabelError: They fit in no form.
    """
    rest = carrier.size({})
    room = TASK_DEFINITION_BYTES - rest
    try:
        labels = _encoded(spec, room)
    except LabelError as error:
        if [problem.path for problem in error.problems] == ["airflow"]:
            raise LabelError([too_large(labels_v1.write(spec), rest + _least(spec))]) from None
        raise
    if is_packed(labels) or not any(TOKEN_START in text for text in labels.values()):
        return labels
    over = carrier.size(labels) - TASK_DEFINITION_BYTES  # tokens are longer as the template's functions
    return labels if over <= 0 else encode(spec, room=compact_size(labels) - 1)


def _encoded(spec: DagSpec, room: int) -> dict[str, str]:
    try:
        return encode(spec, room=room - RESERVE)
    except LabelError:
        return encode(spec, room=room)


def _least(spec: DagSpec) -> int:
    """Return the bytes of the labels in the smaller form."""
    labels = labels_v1.write(spec)
    return min(compact_size(labels), compact_size(packed(labels)))

"""The labels of a DAG in the form that fits: flat for people to read, packed where there is no room for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import LabelError, encode, labels_v1
from airflow_ecs_dag_schema.limits import TASK_DEFINITION_BYTES, compact_size, too_large
from airflow_ecs_dag_schema.packed import is_packed, packed
from airflow_ecs_dag_schema.problems import Problem
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from airflow_ecs_dag.container import DagContainer
    from airflow_ecs_dag_schema import DagSpec

RESERVE = 2_000
"""Bytes kept free, if possible, for what the app adds to the task definition after the DAG."""
_LONG_FUNCTION = 500
"""Bytes that no function of a template takes, but the most unusual one."""


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
            raise LabelError([_no_room(spec, rest)]) from None
        raise
    tokens = sum(text.count(TOKEN_START) for text in labels.values())
    if is_packed(labels) or compact_size(labels) + tokens * _LONG_FUNCTION <= room:
        return labels
    over = carrier.size(labels) - TASK_DEFINITION_BYTES  # tokens are longer as the template's functions
    return labels if over <= 0 else encode(spec, room=compact_size(labels) - 1)


def _encoded(spec: DagSpec, room: int) -> dict[str, str]:
    try:
        return encode(spec, room=room - RESERVE)
    except LabelError:
        return encode(spec, room=room)


def _no_room(spec: DagSpec, rest: int) -> Problem:
    """Return the problem of labels that don't fit beside the ``rest`` bytes of a task definition."""
    labels = labels_v1.write(spec)
    least = min(compact_size(labels), compact_size(packed(labels)))
    if rest > least:
        return Problem(
            "task_definition",
            f"with the DAG it is {rest + least} bytes, at most {TASK_DEFINITION_BYTES} fit, and {rest} of them are not "
            "the DAG's labels: shorten environment variables and other labels, or give the DAG its own task "
            "definition",
        )
    return too_large(labels, rest + least)

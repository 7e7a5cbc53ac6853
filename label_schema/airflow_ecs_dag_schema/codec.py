"""The two doors of the contract: ``encode`` writes the newest version, ``decode`` reads every one ever written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import labels_2019, labels_v1, packed
from airflow_ecs_dag_schema.label_text import PREFIX
from airflow_ecs_dag_schema.limits import (
    TASK_DEFINITION_BYTES,
    compact_size,
    label_problems,
    single_label_problems,
    too_large,
)
from airflow_ecs_dag_schema.problems import LabelError, Problem, label_path
from airflow_ecs_dag_schema.task_definition import RUN_BY_LABEL
from airflow_ecs_dag_schema.templates import MOST_PARSED, parsed_templates
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag_schema.dag import DagSpec

_DAG_ID_LABELS = ("airflow.dag.dag_id", "airflow.dag.name")
_MARKS = (labels_v1.VERSION_LABEL, "airflow.dag.", "airflow.tasks.")


def encode(spec: DagSpec, *, room: int = TASK_DEFINITION_BYTES) -> dict[str, str]:
    """Return ``spec`` as Docker labels, in the newest version of the contract.

    The labels are ASCII, flat, in the order in which a person reads them. Only if they do not fit so, they are packed.
    A CDK token stays whole in its label, in both forms.

    Args:
        spec: The DAG.
        room: Bytes of the task definition's compact JSON that are left for labels.

    Raises:
        LabelError: A label, or all of them together, is larger than ECS takes.
    """
    labels = labels_v1.write(spec)
    if problems := list(_too_many_templates(labels)):
        raise LabelError(problems)
    if not list(label_problems(labels)) and compact_size(labels) <= room:
        return labels
    smaller = packed.packed(labels)
    problems = list(single_label_problems(smaller))
    if not problems and (size := compact_size(smaller)) > room:
        problems = [too_large(labels, size, most=room)]
    if problems:
        raise LabelError(problems)
    packed.unpacked(smaller)  # which says at synth what a reader would refuse
    return smaller


def decode(labels: Mapping[str, str]) -> DagSpec:
    """Return the DAG that ``labels`` describe, of whatever version they are; their order says nothing.

    Labels that do not begin with ``airflow.`` are somebody else's and are passed over, and so is ``airflow.run_by``,
    which says nothing of this DAG.

    Raises:
        LabelError: With every problem found. Nothing else is raised, whatever ``labels`` hold.
    """
    own = {key: text for key, text in labels.items() if isinstance(key, str) and is_own(key)}
    problems = [
        Problem(label_path(key), "a label's value is a text: quote it", repr(text))
        for key, text in own.items()
        if not isinstance(text, str)
    ]
    if problems:
        raise LabelError(problems)
    problems = [*label_problems(own), *unresolved(own)]
    if problems:
        raise LabelError(problems)
    own = packed.unpacked(own)
    if problems := [*unresolved(own), *_too_many_templates(own)]:
        raise LabelError(problems)
    version = own.get(labels_v1.VERSION_LABEL)
    if version is None:
        return labels_2019.read(own)
    if version != labels_v1.VERSION:
        raise LabelError(
            [
                Problem(
                    labels_v1.VERSION_LABEL,
                    f"this version can't be read here, only {labels_v1.VERSION} and the labels of 2019, which have no "
                    "version: update airflow-ecs-dag in Airflow, or deploy with an older one",
                    version,
                )
            ]
        )
    return labels_v1.read(own)


def is_own(key: str) -> bool:
    """Tell whether a label of this key is read as part of a DAG."""
    return key.startswith(PREFIX) and key != RUN_BY_LABEL


def describes_dag(labels: Mapping[str, str]) -> bool:
    """Tell whether ``labels`` are meant to describe a DAG, well or badly."""
    return any(key.startswith(_MARKS) for key in labels)


def dag_id_label(labels: Mapping[str, str]) -> str | None:
    """Return which of ``labels``, of whatever version, has the dag id; ``None`` if none has."""
    return next((label for label in _DAG_ID_LABELS if label in labels), None)


def _too_many_templates(labels: Mapping[str, str]) -> Iterator[Problem]:
    if (found := parsed_templates(labels.values())) > MOST_PARSED:
        yield Problem(
            PREFIX.removesuffix("."),
            f"the texts of the DAG hold {found} templates that are more than a variable, param, output, item or day "
            f"with a filter, equal texts counted once, at most {MOST_PARSED} are read: compute in the containers what "
            "they say, or divide the DAG over two task definitions",
        )


def unresolved(labels: Mapping[str, str]) -> list[Problem]:
    """Return a problem for each label with a CDK token in it."""
    return [
        Problem(
            label_path(key),
            "this is an unresolved CDK token, the labels were not written by a deployed stack: deploy it with the CDK",
            text,
        )
        for key, text in labels.items()
        if TOKEN_START in text
    ]

"""The file that Airflow parses for one family: its task definition's labels as a person reads them, and one call.

The text holds data only. It is what Airflow's Code tab shows.
"""

from __future__ import annotations

import ast
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.admission import refusal
from airflow_ecs_dag_loader.dag_builder import build_dag
from airflow_ecs_dag_loader.dag_source import DagSource
from airflow_ecs_dag_loader.decoded_specs import decoded
from airflow_ecs_dag_loader.definition import Definition
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema import LabelError, Problem
from airflow_ecs_dag_schema.troubleshooting import where_told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import DAG

    from airflow_ecs_dag_schema import DagSpec


class DagRefusedError(ValueError):
    """The DAG of a task definition can't be loaded; the message says what to change and where to read on."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}\n{where_told(reason)}")


def dag_file(definition: Definition, source: RegistrySource) -> str:
    """Return the file of a family whose DAG was admitted."""
    arn = definition.parsed_arn
    return (
        f"# The Airflow DAG of ECS task definition {arn.family}, revision {arn.revision},\n"
        f"# in account {arn.account}, region {arn.region}. Written by airflow-ecs-dag from its Docker labels:\n"
        "# change it in the project that deploys the task definition, not here.\n"
        "from airflow_ecs_dag_loader.dag_file import dag_from_record\n\n"
        f"DEFINITION = {_literal(definition.to_json())}\n\n"
        f"SOURCE = {_literal(asdict(source))}\n\n"
        "dag = dag_from_record(DEFINITION, SOURCE)\n"
    )


def record_in(text: str) -> tuple[Definition, RegistrySource]:
    """Return the definition and the source that :func:`dag_file` wrote; nothing of ``text`` is executed.

    Raises:
        ValueError: ``text`` is none of its files, or one of a version that wrote something else.
    """
    try:
        values = {
            target.id: statement.value
            for statement in ast.parse(text).body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        definition = Definition.from_json(ast.literal_eval(values["DEFINITION"]))
        source = RegistrySource(**ast.literal_eval(values["SOURCE"]))
        definition.parsed_arn  # noqa: B018 - raises for what is no ARN
    except (AttributeError, KeyError, MemoryError, RecursionError, SyntaxError, TypeError) as error:
        raise ValueError(f"not the file of a DAG: {type(error).__name__}: {error}") from error
    return definition, source


def refusal_file(definition: Definition, reason: str) -> str:
    """Return the file of a family whose DAG was refused: parsing it gives one import error, with the reason."""
    arn = definition.parsed_arn
    return (
        f"# ECS task definition {arn.family}, revision {arn.revision}, in account {arn.account}, region {arn.region},\n"
        "# has Airflow labels that are no DAG. Written by airflow-ecs-dag.\n"
        "from airflow_ecs_dag_loader.dag_file import DagRefusedError\n\n"
        f"REASON = {reason!a}\n\n"
        "raise DagRefusedError(REASON)\n"
    )


def dag_from_record(definition: Mapping[str, Any], source: Mapping[str, Any]) -> DAG:
    """Return the DAG of a definition as :func:`dag_file` wrote it down; called while Airflow parses that file.

    Raises:
        DagRefusedError: Airflow can't have it; what only Airflow can tell is told here.
    """
    found = Definition.from_json(definition)
    try:
        return buildable_dag(found, decoded(found.labels), RegistrySource(**source))
    except LabelError as error:
        raise DagRefusedError(refusal(found, error)) from error.__cause__


def buildable_dag(definition: Definition, spec: DagSpec, source: RegistrySource) -> DAG:
    """Return the DAG that a definition means.

    Raises:
        LabelError: Airflow can't have it; what only Airflow can tell is told here.
    """
    try:
        return build_dag(spec, DagSource.of(definition, spec, source))
    except LabelError:
        raise
    except Exception as error:
        raise airflow_refuses(error) from error


def airflow_refuses(error: Exception) -> LabelError:
    """Return what Airflow itself says against a DAG, in the words for its author."""
    return LabelError([Problem("airflow", f"Airflow refuses it ({type(error).__name__}: {error})")])


def _literal(value: dict[str, Any]) -> str:
    """Return ``value`` as Python source, a line an entry; as ASCII literals, no text can leave its quotes."""
    return _nested(value, "")


def _nested(value: object, indent: str) -> str:
    inner = f"{indent}    "
    if isinstance(value, dict) and value:
        lines = "".join(f"{inner}{key!a}: {_nested(item, inner)},\n" for key, item in value.items())
        return f"{{\n{lines}{indent}}}"
    if isinstance(value, list | tuple) and value:
        lines = "".join(f"{inner}{_nested(item, inner)},\n" for item in value)
        return f"[\n{lines}{indent}]"
    return ascii(list(value) if isinstance(value, tuple) else value)

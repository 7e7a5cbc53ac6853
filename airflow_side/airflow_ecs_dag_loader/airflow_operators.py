"""From an operator's name to Airflow's operator: its class, and its arguments as values.

A built-in name stands for a class of this package; any other one for the class that the platform's policy gives it.
Each is imported only where a DAG asks for it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import new_class
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_ecs_dag_loader.projected_templates import ProjectedTemplates
from airflow_ecs_dag_schema.operators import BUILT_IN, HARMLESS, read_argument, signature_problems
from airflow_ecs_dag_schema.platform_parts import OperatorRule
from airflow_ecs_dag_schema.problems import LabelError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_loader.dag_source import DagSource
    from airflow_ecs_dag_schema.tasks import OperatorSpec

_STANDARD = "airflow_ecs_dag_loader.standard_operators"
_AWS = "airflow_ecs_dag_loader.aws_sensors"
_CLASSES = {
    "approval": f"{_STANDARD}.ApprovalOperator",
    "date_time_sensor": f"{_STANDARD}.DateTimeSensorAsync",
    "empty": "airflow.providers.standard.operators.empty.EmptyOperator",
    "external_task_sensor": f"{_STANDARD}.ExternalTaskSensor",
    "glue_job_sensor": f"{_AWS}.GlueJobSensor",
    "s3_key_sensor": f"{_AWS}.S3KeySensor",
    "sagemaker_training_sensor": f"{_AWS}.SageMakerTrainingSensor",
    "sqs_sensor": f"{_AWS}.SqsSensor",
    "time_delta_sensor": f"{_STANDARD}.TimeDeltaSensor",
    "trigger_dag_run": f"{_STANDARD}.TriggerDagRunOperator",
}
_DEFERRABLE = frozenset({"external_task_sensor", "time_delta_sensor", "trigger_dag_run"})
"""Standard operators that wait in the triggerer if they are told to; those of AWS see for themselves."""


def operator_of(task: OperatorSpec, source: DagSource, *, label: str) -> tuple[type[BaseOperator], dict[str, Any]]:
    """Return the class of ``task``, and its own arguments.

    Args:
        task: What the DAG asks for.
        source: With the platform's rules for the operators that the DAG uses.
        label: ``airflow.tasks.<key>`` of the task, for an error.

    Raises:
        LabelError: The platform does not allow the operator, or its class can't be had, or its arguments are wrong.
    """
    rule = source.operators.get(task.operator, OperatorRule() if task.operator in HARMLESS else None)
    if rule is None:
        raise _refused(f"{label}.operator", _NOT_ALLOWED, task.operator)
    signature = BUILT_IN.get(task.operator, rule.signature)
    problems = [
        Problem(f"{label}.arguments.{name}", text) for name, text in signature_problems(signature, task.arguments)
    ]
    problems += [
        Problem(f"{label}.arguments.{name}", "this argument is the platform's to give: leave it out")
        for name in sorted(rule.fixed.keys() & task.arguments.keys())
    ]
    if problems:
        raise LabelError(problems)
    arguments: dict[str, Any] = {}
    if _CLASSES.get(task.operator, "").startswith(_AWS):
        arguments = {"aws_conn_id": source.aws_conn_id, "region_name": source.region}
    if task.operator in _DEFERRABLE or rule.deferrable:
        arguments["deferrable"] = True
    given: Mapping[str, str | tuple[str, ...]] = {**rule.fixed, **task.arguments}
    for name, value in given.items():
        declared = signature.arguments.get(name)
        arguments[name] = (
            list(value) if isinstance(value, tuple) else read_argument(declared.kind if declared else "text", value)
        )
    return _class(task.operator, rule, label), arguments


_NOT_ALLOWED = "the platform's policy does not allow this operator here: leave the task out, or ask the platform for it"


def _class(operator: str, rule: OperatorRule, label: str) -> type[BaseOperator]:
    if operator in _CLASSES:
        found: type[BaseOperator] = _imported(_CLASSES[operator])
        return found
    path = rule.operator_class
    if path is None:
        raise _refused(f"{label}.operator", _NOT_ALLOWED, operator)
    try:
        found = _imported(path)
    except Exception as error:
        raise _refused(
            f"{label}.operator",
            f"the platform's policy gives this operator the class {path}, which can't be imported in this Airflow "
            f"({type(error).__name__}: {error}): tell the platform",
            operator,
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseOperator)):
        raise _refused(
            f"{label}.operator",
            f"the platform's policy gives this operator {path}, which is no operator of Airflow's: tell the platform",
            operator,
        )
    return _projected(found)


def _imported(path: str) -> Any:  # noqa: ANN401 - whatever the path leads to
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@cache
def _projected(operator_class: type[BaseOperator]) -> type[BaseOperator]:
    """Return ``operator_class`` under its own name, with templates that see plain values of the run alone."""
    return new_class(
        operator_class.__name__,
        (ProjectedTemplates, operator_class),
        exec_body=lambda body: body.update(__module__=operator_class.__module__, __doc__=operator_class.__doc__),
    )


def _refused(path: str, message: str, value: str) -> LabelError:
    return LabelError([Problem(path, message, value)])

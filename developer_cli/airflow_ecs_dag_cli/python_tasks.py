"""The tasks of a DAG as Python expressions: each one the call of the construct's own kind of task."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.python_text import Call, Entries, Items, Raw, Text, text_literal
from airflow_ecs_dag_cli.python_values import TOKEN
from airflow_ecs_dag_schema.label_text import to_text
from airflow_ecs_dag_schema.operators import BUILT_IN, read_argument
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.tasks import (
    BranchSpec,
    EcsTaskSpec,
    ExpandItems,
    ExpandOutput,
    LatestOnlySpec,
    OperatorSpec,
    ParamItemsSpec,
    ShortCircuitSpec,
)
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_cli.python_text import Expression
    from airflow_ecs_dag_cli.python_values import ValueWriter
    from airflow_ecs_dag_schema.operators import ArgumentKind
    from airflow_ecs_dag_schema.tasks import TaskSpec

OPERATOR_CLASSES = {
    "approval": "Approval",
    "date_time_sensor": "DateTimeSensor",
    "empty": "Empty",
    "external_task_sensor": "ExternalTaskSensor",
    "glue_job_sensor": "GlueJobSensor",
    "s3_key_sensor": "S3KeySensor",
    "sagemaker_training_sensor": "SageMakerTrainingSensor",
    "sqs_sensor": "SqsSensor",
    "time_delta_sensor": "TimeDeltaSensor",
    "trigger_dag_run": "TriggerDagRun",
}
"""The construct's class for each operator that every platform knows."""
ARGUMENT_NAMES = {"bucket_name": "bucket", "bucket_key": "keys", "sqs_queue": "queue"}
"""Arguments of operators that the construct's classes call otherwise."""
_OWN_FIELDS = frozenset({"task_id", "upstream", "edge_labels"})
_COMMON_FIELDS = frozenset(LatestOnlySpec.model_fields)
_ECS_FIELDS = frozenset({"command", "args", "environment", "inputs", "expand", "task_definition", "tags"})
_ECS_NAMES = {"capacity_provider_strategy": "capacity_provider_strategies", "container_name": "container"}
_WHOLE_OUTPUT = re.compile(
    r"\{\{ ti\.xcom_pull\(task_ids='([A-Za-z0-9_.-]+)'\)(?:\['([A-Za-z0-9_.-]{1,200})'\])? \}\}\Z", re.ASCII
)
_MOST_BRACKETS = 50
_TASK_DEFINITION = "ecs.TaskDefinition | str"


class TaskWriter:
    """Writes the tasks of one DAG.

    Args:
        values: What writes their values.
        variables: The variable of each task, by its id.
    """

    def __init__(self, values: ValueWriter, variables: Mapping[str, str]) -> None:
        self._values = values
        self._variables = variables

    def task(self, task: TaskSpec) -> Call:
        """Return the call that makes a task."""
        match task:
            case EcsTaskSpec():
                name, own = "EcsTask", self._ecs_fields(task)
            case LatestOnlySpec():
                name, own = "LatestOnly", ()
            case ShortCircuitSpec():
                name, own = "ShortCircuit", (("condition", self._output(task.output)),)
            case BranchSpec():
                name, own = "Branch", (("choice", self._output(task.output)),)
            case ParamItemsSpec():
                name, own = "ParamItems", (("param", Text(task.param)),)
            case OperatorSpec():
                name, own = self._operator(task)
        kind_fields = set(type(task).model_fields) - _COMMON_FIELDS
        without = _OWN_FIELDS | (kind_fields - {"ignore_downstream_trigger_rules"})
        common = self._values.fields(task, without)
        task_id = task.task_id.rpartition(".")[2]
        return Call(self._values.names.imported(name), (("", Text(task_id)), *own, *common))

    def _ecs_fields(self, task: EcsTaskSpec) -> tuple[tuple[str, Expression], ...]:
        fields: dict[str, Expression] = {}
        if task.command is not None:
            fields["command"] = Items(tuple(map(self._template, task.command)))
        if task.args:
            fields["args"] = Items(tuple(map(self._template, task.args)))
        for name, entries in (("environment", task.environment), ("inputs", task.inputs)):
            if entries:
                fields[name] = Entries(tuple((key, self._template(text)) for key, text in entries.items()))
        if task.task_definition is not None:
            fields["task_definition"] = self._task_definition(task.task_definition)
        for name, value in self._values.fields(task, _COMMON_FIELDS | _ECS_FIELDS):
            fields[_ECS_NAMES.get(name, name)] = value
        if task.tags:
            fields["ecs_tags"] = self._values.tags(task.tags)
        match task.expand:
            case ExpandItems(items=items):
                fields["expand"] = self._values.texts(items)
            case ExpandOutput(task_id=task_id):
                fields["expand"] = self._output(OutputRef(task_id=task_id))
        return tuple(fields.items())

    def _task_definition(self, name: str) -> Expression:
        if TOKEN_START not in name:
            return Text(name)
        self._values.names.type_imported("aws_ecs as ecs", "aws_cdk")
        return Raw(self._values.names.parameter_of(TOKEN.sub(r"\1", name), _TASK_DEFINITION))

    def _output(self, output: OutputRef) -> Raw:
        entry = "" if output.key is None else f"[{text_literal(output.key)}]"
        return Raw(f"{self._variables[output.task_id]}.output{entry}")

    def _template(self, text: str) -> Expression:
        """Return a text; one that is a whole output of another task is that task's ``output``."""
        match = _WHOLE_OUTPUT.match(text)
        if (
            match
            and match[1] in self._variables
            and (output := OutputRef(task_id=match[1], key=match[2])).template == text
        ):
            return self._output(output)
        return self._values.text(text)

    def _operator(self, task: OperatorSpec) -> tuple[str, tuple[tuple[str, Expression], ...]]:
        """Return the class for an operator and its arguments; in texts, where the class would write them otherwise."""
        if task.operator in OPERATOR_CLASSES:
            signature = BUILT_IN[task.operator].arguments
            typed = {name: self._argument(signature[name].kind, given) for name, given in task.arguments.items()}
            if None not in typed.values():
                given = tuple((ARGUMENT_NAMES.get(name, name), value) for name, value in typed.items() if value)
                return OPERATOR_CLASSES[task.operator], given
        plain = {
            name: self._template(given) if isinstance(given, str) else Items(tuple(map(self._template, given)))
            for name, given in task.arguments.items()
        }
        arguments: tuple[tuple[str, Expression], ...] = (("operator", Text(task.operator)),)
        return "AirflowOperator", (*arguments, *((("arguments", Entries(tuple(plain.items()))),) if plain else ()))

    def _argument(self, kind: ArgumentKind, given: str | tuple[str, ...]) -> Expression | None:
        """Return an argument with its type; ``None`` if that would be written as another text."""
        if isinstance(given, tuple):
            return Items(tuple(map(self._template, given)))
        match kind:
            case "integer" | "flag" | "duration":
                value = read_argument(kind, given)
                is_same = isinstance(value, int | timedelta) and to_text(value) == given
                return self._values.value(value) if is_same else None
            case "json":
                return self._json(given)
            case _:
                return self._template(given)

    def _json(self, text: str) -> Expression:
        brackets = text.count("[") + text.count("{")
        if TOKEN_START in text or brackets > _MOST_BRACKETS or json.dumps(value := json.loads(text)) != text:
            return self._values.text(text)
        return _plain(value)


def _plain(value: object) -> Expression:
    """Return a value of JSON."""
    match value:
        case str():
            return Text(value)
        case dict():
            return Entries(tuple((key, _plain(each)) for key, each in value.items()))
        case list():
            return Items(tuple(map(_plain, value)))
        case _:
            return Raw(repr(value))

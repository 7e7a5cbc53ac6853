"""Tasks that are one of Airflow's operators, by the name under which the platform knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from airflow_ecs_dag.tasks import Task, WithOutput
from airflow_ecs_dag.template_values import TemplateValue
from airflow_ecs_dag_schema.frozen_map import FrozenMap
from airflow_ecs_dag_schema.label_text import to_text
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from airflow_ecs_dag.frozen_values import Items
    from airflow_ecs_dag.task_ids import TaskIds

ArgumentValue: TypeAlias = str | TemplateValue | bool | int | timedelta | datetime
"""One value of an operator's argument."""
_NO_ARGUMENTS: FrozenMap[str, Any] = FrozenMap({})


@dataclass(frozen=True, kw_only=True, repr=False)
class OperatorTask(Task, WithOutput):
    """A task that is one of Airflow's operators. Its fields beside those of each task are the operator's arguments."""

    kind: ClassVar[str] = "operator"
    operator_name: ClassVar[str] = ""

    def operator_arguments(self) -> Mapping[str, object]:
        """Return the arguments by the operator's own names; ``None`` for one that was left out."""
        own_names = {author: own.removeprefix("arguments.") for own, author in self.argument_names.items()}
        authors = [each.name for each in fields(self) if each.name not in _COMMON]
        return {own_names.get(name, name): getattr(self, name) for name in authors}

    def _freeze(self, path: str) -> list[Problem]:
        problems: list[Problem] = []
        for each in fields(self):
            if each.name not in _COMMON:
                self._keep(each.name, _frozen(f"{path}.{each.name}", getattr(self, each.name), problems))
        return problems

    def author_path(self, path: str) -> str:
        """Return the author's name for an argument."""
        return super().author_path(path).removeprefix("arguments.")

    def contract(self, ids: TaskIds) -> dict[str, Any]:
        """Return the fields of the contract."""
        given = {name: value for name, value in self.operator_arguments().items() if value is not None}
        return {
            "operator": self.operator_name,
            "arguments": {
                name: tuple(argument_text(each, ids) for each in value)
                if isinstance(value, tuple)
                else argument_text(value, ids)
                for name, value in given.items()
            },
        }


_COMMON = frozenset(each.name for each in fields(Task))


@dataclass(frozen=True, kw_only=True, repr=False)
class AirflowOperator(OperatorTask):
    """Any operator that the platform knows: ``AirflowOperator("run", operator="athena", arguments={...})``.

    The platform's policy says which there are, and what arguments they take; those of the built-in ones are checked at
    synth, too.

    Attributes:
        operator: The name, such as ``s3_key_sensor``; never a class.
        arguments: A text, a whole number, True or False, a timedelta, a datetime with its timezone, or a list of these;
            templates and outputs of tasks before it where the argument takes any.
    """

    operator: str = field()
    arguments: Mapping[str, ArgumentValue | Items[ArgumentValue]] = _NO_ARGUMENTS

    def operator_arguments(self) -> Mapping[str, object]:
        """Return the arguments by the operator's own names."""
        return self.arguments

    def author_path(self, path: str) -> str:
        """Return the path as it is: an author names the arguments, too."""
        return path

    def _freeze(self, path: str) -> list[Problem]:
        problems: list[Problem] = []
        if not isinstance(self.arguments, Mapping):
            message = "expected a mapping such as {'name': 'value'}"
            return [Problem(f"{path}.arguments", message, repr(self.arguments))]
        frozen = {name: _frozen(f"{path}.arguments.{name}", each, problems) for name, each in self.arguments.items()}
        self._keep("arguments", FrozenMap(frozen))
        return problems

    def contract(self, ids: TaskIds) -> dict[str, Any]:
        """Return the fields of the contract."""
        return super().contract(ids) | {"operator": self.operator}


def _frozen(path: str, value: object, problems: list[Problem]) -> object:
    if isinstance(value, list | tuple):
        return tuple(_frozen(f"{path}.{index}", each, problems) for index, each in enumerate(value))
    if isinstance(value, datetime) and value.tzinfo is None:
        message = "a moment needs its timezone: write datetime(..., tzinfo=UTC) or a ZoneInfo, never a naive datetime"
        problems.append(Problem(path, message, value.isoformat()))
    elif value is not None and not isinstance(value, str | TemplateValue | int | timedelta | datetime):
        message = "expected a text, a whole number, True or False, a timedelta, a datetime, or a list of these"
        problems.append(Problem(path, message, repr(value)))
    return value


def argument_text(value: Any, ids: TaskIds) -> str:  # noqa: ANN401 - each kind of ArgumentValue, checked before
    """Return the text of a label that stands for ``value``."""
    return ids.text(value) if isinstance(value, str | TemplateValue) else to_text(value)

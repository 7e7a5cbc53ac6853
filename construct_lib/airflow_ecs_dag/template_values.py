"""Values that are known only when a task runs: the output of another task, a param, an item of a mapped task.

Each stands for a template and can be part of a command, of an argument, of an environment variable, by itself or within
an f-string. What an output's template is depends on the groups around its task, which the DAG knows first; until then
a text holds a placeholder of this process's own making.
"""

from __future__ import annotations

import re
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ecs_dag.tasks import Task

_KEY = re.compile(r"[A-Za-z0-9_.-]{1,200}\Z", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z", re.ASCII)
_START = f"<airflow-output {secrets.token_hex(12)} "
_PLACEHOLDER = re.compile(rf"{_START}(\d+)(?: ([A-Za-z0-9_.-]+))?>", re.ASCII)
_tasks: dict[int, Task] = {}
"""The tasks in placeholders, by number. They stay in memory, so that a number is never given again."""


class TemplateValue(ABC):
    """A value that is filled in when the task runs; its text is the template that stands for it."""

    __iter__: None = None
    """Otherwise Python would ask for the entries 0, 1, 2, ... without an end."""
    __contains__: None = None

    @abstractmethod
    def __str__(self) -> str:
        """Return the template, for f-strings."""

    def __bool__(self) -> NoReturn:
        """Refuse: at synth a value of the run is neither true nor false.

        Raises:
            DagDefinitionError: Always.
        """
        raise DagDefinitionError(
            [
                Problem(
                    repr(self),
                    "it has no value before the task runs, so `if`, `and`, `or` and `not` can't ask for it at synth: "
                    "let the DAG decide with ShortCircuit(..., condition=...) or Branch(..., choice=...)",
                )
            ],
            subject=type(self).__name__,
        )


@dataclass(frozen=True, eq=False, repr=False)
class Output(TemplateValue):
    """What the container of ``task`` puts out, or one entry of it: ``extract.output``, ``extract.output["rows"]``.

    Attributes:
        task: The task; it must run before the one that uses this.
        key: The entry; ``None`` for the whole output.
    """

    task: Task
    key: str | None = None

    def __getitem__(self, key: str) -> Output:
        """Return the entry ``key`` of the output, which is a JSON object then.

        Raises:
            DagDefinitionError: It can't be a key, or this is an entry already.
        """
        if self.key is not None:
            raise _wrong_key(self, key, "an entry of an entry can't be had: put it out at the top of the object")
        if not isinstance(key, str) or not _KEY.match(key):
            raise _wrong_key(self, key, "a key of an output is a text of 1 to 200 of A-Z a-z 0-9 _ . -: name another")
        return Output(self.task, key)

    def __str__(self) -> str:
        """Return a placeholder, which the DAG replaces by the template."""
        _tasks[id(self.task)] = self.task
        return f"{_START}{id(self.task)}{'' if self.key is None else f' {self.key}'}>"

    def __repr__(self) -> str:
        return f"{self.task.task_id}.output{'' if self.key is None else f'[{self.key!r}]'}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Output) and self.key == other.key and self.task == other.task

    def __hash__(self) -> int:
        return hash((self.task.task_id, self.key))  # not the task's own: a chain of outputs would be hashed whole

    def __deepcopy__(self, _memo: dict[int, Any]) -> Output:
        return self  # a copied task uses the output of the same task as the one it is copied from


@dataclass(frozen=True)
class ParamRef(TemplateValue):
    """What was filled in for a param of the DAG, made by :func:`param`."""

    name: str

    def __str__(self) -> str:
        """Return the template."""
        return f"{{{{ params.{self.name} }}}}"


def param(name: str) -> ParamRef:
    """Return what is filled in for the param ``name`` when the DAG is triggered: ``args=[param("country")]``.

    Raises:
        DagDefinitionError: No param can have that name.
    """
    if not isinstance(name, str) or not _NAME.match(name):
        message = "the name of a param is 1 to 100 of A-Z a-z 0-9 _, not beginning with a digit: name one of the DAG's"
        raise DagDefinitionError([Problem("name", message, repr(name))], subject="param")
    return ParamRef(name)


@dataclass(frozen=True)
class Item(TemplateValue):
    """What one instance of a mapped task works on, or one entry of it: ``item``, ``item["key"]``, ``item[0]``."""

    key: str | int | None = None

    def __getitem__(self, key: str | int) -> Item:
        """Return the entry ``key`` of the item, which is a JSON object or a list then.

        Raises:
            DagDefinitionError: It can't be a key, or this is an entry already.
        """
        if self.key is not None:
            raise _wrong_key(self, key, "an entry of an entry can't be had: put it out at the top of the item")
        is_index = isinstance(key, int) and not isinstance(key, bool) and key >= 0
        if not is_index and not (isinstance(key, str) and _KEY.match(key)):
            raise _wrong_key(
                self, key, "a key of an item is a text of 1 to 200 of A-Z a-z 0-9 _ . -, or a number: name another"
            )
        return Item(key)

    def __str__(self) -> str:
        """Return the template."""
        return f"{{{{ item{'' if self.key is None else f'[{self.key!r}]'} }}}}"


item = Item()
"""What one instance of a mapped task works on."""


def has_output(text: str) -> bool:
    """Tell whether a placeholder of an output is in ``text``."""
    return _START in text


def with_outputs(text: str, template: Callable[[Output], str]) -> str:
    """Return ``text`` with the ``template`` of each output in the place of its placeholder."""
    if not has_output(text):
        return text
    return _PLACEHOLDER.sub(lambda found: template(Output(_tasks[int(found[1])], found[2])), text)


def _wrong_key(value: TemplateValue, key: object, message: str) -> DagDefinitionError:
    return DagDefinitionError([Problem(repr(value), message, repr(key))], subject=type(value).__name__)

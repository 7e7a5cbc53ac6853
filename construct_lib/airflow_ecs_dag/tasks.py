"""The kinds of task that an author puts into a DAG. Frozen values; nothing happens when one is made."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, ClassVar

from airflow_ecs_dag import ledger
from airflow_ecs_dag.flow import Flow, FlowPart
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow_ecs_dag_schema.tasks import TriggerRule


@dataclass(frozen=True, kw_only=True, repr=False)
class Task(FlowPart):
    """What every kind of task has.

    Attributes:
        task_id: 1 to 200 of ``A-Z a-z 0-9 _ -``, once in a DAG.
        trigger_rule: When the task runs, by the states of the tasks before it.
        retries: Tries after the first one, 0 to 100; without it, the DAG's ``defaults``.
        retry_delay: Wait before the next try, whole seconds; without it, the DAG's ``defaults``.
        execution_timeout: A try that lasts longer fails, whole seconds; without it, the DAG's ``defaults``.
        depends_on_past: Run only if the same task of the run before succeeded or was skipped; without it, the
            DAG's ``defaults``.
    """

    kind: ClassVar[str]

    task_id: str = field(kw_only=False)
    trigger_rule: TriggerRule = "all_success"
    retries: int | None = None
    retry_delay: timedelta | None = None
    execution_timeout: timedelta | None = None
    depends_on_past: bool | None = None

    @abstractmethod
    def _freeze(self) -> list[Problem]:
        """Turn lists into tuples; return what can't be."""

    def __post_init__(self) -> None:
        """Check the shape of what was given; its content is checked with the whole DAG.

        Raises:
            DagDefinitionError: The id is no text, or a list is none.
        """
        if not isinstance(self.task_id, str):
            raise DagDefinitionError(
                [Problem("task_id", "expected the task's id, a text such as 'convert'", repr(self.task_id))],
                subject=type(self).__name__,
            )
        if problems := self._freeze():
            raise DagDefinitionError(problems, subject=f"{type(self).__name__}({self.task_id!r})")
        ledger.note_task(self)

    def __repr__(self) -> str:
        """Return the call that makes this task, defaults left out."""
        given = [f"{name}={value!r}" for name, value in self.given().items() if name not in {"kind", "task_id"}]
        return f"{type(self).__name__}({', '.join([repr(self.task_id), *given])})"

    def as_flow(self) -> Flow:
        """Return the flow of this task alone."""
        return Flow(tasks=(self,), heads=(self,), tails=(self,))

    def given(self) -> dict[str, object]:
        """Return the fields that the author gave another value than the default, and the kind."""
        defaults = {each.name: each.default for each in fields(self)}
        values = {name: getattr(self, name) for name in defaults}
        return {"kind": self.kind} | {name: value for name, value in values.items() if value != defaults[name]}


@dataclass(frozen=True, kw_only=True, repr=False)
class EcsTask(Task):
    """A task that runs a container of the DAG's task definition: ``EcsTask("convert", args=["{{ ds }}"])``.

    Attributes:
        command: What the container is given instead of its CMD; without it, the task's id.
        args: Appended to the command.
    """

    kind: ClassVar[str] = "ecs"

    command: list[str] | tuple[str, ...] | None = None
    args: list[str] | tuple[str, ...] = ()

    def _freeze(self) -> list[Problem]:
        problems: list[Problem] = []
        for name in ("command", "args"):
            value = getattr(self, name)
            if value is None and name == "command":
                continue
            path = f"tasks.{self.task_id}.{name}"
            if isinstance(value, str):
                message = f"expected a list of texts, one for each word: write {name}=[{value!r}]"
                problems.append(Problem(path, message, value))
            elif not isinstance(value, list | tuple):
                problems.append(Problem(path, "expected a list of texts", repr(value)))
            else:
                problems.extend(
                    Problem(f"{path}.{index}", "expected a text: numbers are written as texts too", repr(word))
                    for index, word in enumerate(value)
                    if not isinstance(word, str)
                )
                object.__setattr__(self, name, tuple(value))
        return problems


@dataclass(frozen=True, kw_only=True, repr=False)
class LatestOnly(Task):
    """Skips the tasks after it when the run is not the newest one: ``LatestOnly("latest_only") >> convert``."""

    kind: ClassVar[str] = "latest_only"

    def _freeze(self) -> list[Problem]:
        return []

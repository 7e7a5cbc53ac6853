"""What every kind of task has. Frozen values; nothing happens when one is made."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_ecs_dag import ledger
from airflow_ecs_dag.flow import Flow, FlowPart
from airflow_ecs_dag.frozen_values import frozen_items
from airflow_ecs_dag.template_values import Output
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.problems import DagDefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from airflow_ecs_dag.frozen_values import Items
    from airflow_ecs_dag.task_ids import TaskIds
    from airflow_ecs_dag_schema.tasks import TriggerRule, WeightRule


@dataclass(frozen=True, kw_only=True, repr=False)
class Task(FlowPart):
    """What every kind of task has.

    Attributes:
        task_id: 1 to 200 of ``A-Z a-z 0-9 _ -``, once in a DAG or in a group.
        trigger_rule: When the task runs, by the states of the tasks before it.
        retries: Tries after the first one, 0 to 100; without it, the DAG's ``defaults``.
        retry_delay: Wait before the next try, whole seconds; without it, the DAG's ``defaults``.
        retry_exponential_backoff: Each wait is so many times (1 to 10) as long as the one before; without it, the
            DAG's ``defaults``.
        max_retry_delay: No wait is longer, whole seconds; without it, the DAG's ``defaults``.
        execution_timeout: A try that lasts longer fails, whole seconds; without it, the DAG's ``defaults``.
        depends_on_past: Run only if the same task of the run before succeeded or was skipped; without it, the
            DAG's ``defaults``.
        wait_for_downstream: Run only if the tasks right after the same task of the run before are through, too;
            without it, the DAG's ``defaults``.
        pool: Airflow pool; without it, the DAG's ``defaults``. The platform's policy says which ones there are.
        pool_slots: Places of the pool that it takes; without it, 1.
        priority_weight: Higher ones run first where places are short; without it, the DAG's ``defaults``.
        weight_rule: How the weights of other tasks count in; without it, the DAG's ``defaults``.
        max_active_tis_per_dag: Instances at the same time, over all runs; without it, any number.
        max_active_tis_per_dagrun: Instances at the same time in one run; without it, any number.
        task_display_name: What Airflow's page calls it; without it, its id.
        doc_md: What there is to know, in Markdown, at most 3,000 characters.
        outlets: The data that it makes: when it succeeds, the DAGs that wait for one of these assets may start.
        is_setup: Whether it sets up what the tasks after it need.
        is_teardown: Whether it clears up what a setup made: it runs even if the tasks in between failed.
        on_failure_fail_dagrun: Whether the run fails if this teardown does.
    """

    kind: ClassVar[str]
    argument_names: ClassVar[Mapping[str, str]] = {}
    """Fields of the contract, or beginnings of them, that the author knows under another name."""

    task_id: str = field(kw_only=False)
    trigger_rule: TriggerRule = "all_success"
    retries: int | None = None
    retry_delay: timedelta | None = None
    retry_exponential_backoff: float | None = None
    max_retry_delay: timedelta | None = None
    execution_timeout: timedelta | None = None
    depends_on_past: bool | None = None
    wait_for_downstream: bool | None = None
    pool: str | None = None
    pool_slots: int | None = None
    priority_weight: int | None = None
    weight_rule: WeightRule | None = None
    max_active_tis_per_dag: int | None = None
    max_active_tis_per_dagrun: int | None = None
    task_display_name: str | None = None
    doc_md: str | None = None
    outlets: Items[Asset] = ()
    is_setup: bool = False
    is_teardown: bool = False
    on_failure_fail_dagrun: bool = False

    @abstractmethod
    def _freeze(self, path: str) -> list[Problem]:
        """Turn lists into tuples; return what can't be, below ``path``."""

    @abstractmethod
    def contract(self, ids: TaskIds) -> dict[str, Any]:
        """Return the fields of the contract that only this kind has, those left out aside.

        Raises:
            DagDefinitionError: An output is that of a task that the DAG doesn't have.
        """

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
        path = f"tasks.{self.task_id}"
        problems: list[Problem] = []
        example = "[Asset(uri='s3://bucket/key')]"
        self._keep("outlets", frozen_items(f"{path}.outlets", self.outlets, Asset, example, problems))
        problems.extend(self._freeze(path))
        if problems:
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

    def common(self) -> dict[str, Any]:
        """Return the fields of the contract that every kind has, those left out aside."""
        return {name: value for name, value in self.given().items() if name == "kind" or name in _COMMON}

    def author_path(self, path: str) -> str:
        """Return the author's name for a field of the contract, or for a part of one."""
        for own in sorted(self.argument_names, key=len, reverse=True):
            if path == own or path.startswith(f"{own}."):
                return self.argument_names[own] + path[len(own) :]
        return path

    def _keep(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


_COMMON = frozenset(each.name for each in fields(Task))


class WithOutput:
    """A task whose output tasks after it can use."""

    @property
    def output(self) -> Output:
        """What it puts out, for tasks after it; ``output["rows"]`` is one entry."""
        assert isinstance(self, Task)  # noqa: S101 - it is mixed into tasks only
        return Output(self)

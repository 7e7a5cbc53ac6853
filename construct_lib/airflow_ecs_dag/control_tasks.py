"""Tasks that run no container and decide what else runs, or hand on what was filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_ecs_dag.tasks import Task, WithOutput
from airflow_ecs_dag.template_values import Output, ParamRef
from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag.task_ids import TaskIds


@dataclass(frozen=True, kw_only=True, repr=False)
class LatestOnly(Task):
    """Skips the tasks after it when the run is not the newest one: ``LatestOnly("latest_only") >> convert``."""

    kind: ClassVar[str] = "latest_only"

    def _freeze(self, path: str) -> list[Problem]:  # noqa: ARG002 - it has no lists
        return []

    def contract(self, ids: TaskIds) -> dict[str, Any]:  # noqa: ARG002 - it uses no outputs
        """Return no fields: it has none of its own."""
        return {}


@dataclass(frozen=True, kw_only=True, repr=False)
class ShortCircuit(Task):
    """Skips the tasks after it unless an output is true: ``ShortCircuit("any", condition=count.output["rows"])``.

    False are ``false``, ``0``, ``null`` and what is empty, as in Python.

    Attributes:
        condition: The output, or an entry of it, of a task before this one.
        ignore_downstream_trigger_rules: Whether all tasks after it are skipped, or only those right after it, and the
            others by their trigger rule.
    """

    kind: ClassVar[str] = "short_circuit"
    argument_names: ClassVar[Mapping[str, str]] = {"output": "condition", "output.task_id": "condition"}

    condition: Output = field()
    ignore_downstream_trigger_rules: bool = True

    def _freeze(self, path: str) -> list[Problem]:
        return _not_an_output(f"{path}.condition", self.condition, "count.output['rows']")

    def contract(self, ids: TaskIds) -> dict[str, Any]:
        """Return the fields of the contract."""
        return {
            "output": ids.reference(self.condition),
            "ignore_downstream_trigger_rules": self.ignore_downstream_trigger_rules,
        }


@dataclass(frozen=True, kw_only=True, repr=False)
class Branch(Task):
    """Goes on with the tasks right after it that an output names, and skips the others.

    ``choose >> Branch("which", choice=choose.output) >> [full, delta]``: the container of ``choose`` puts out an id, or
    a list of ids, each with its groups (``load.full``).

    Attributes:
        choice: The output, or an entry of it, of a task before this one.
    """

    kind: ClassVar[str] = "branch"
    argument_names: ClassVar[Mapping[str, str]] = {"output": "choice", "output.task_id": "choice"}

    choice: Output = field()

    def _freeze(self, path: str) -> list[Problem]:
        return _not_an_output(f"{path}.choice", self.choice, "choose.output")

    def contract(self, ids: TaskIds) -> dict[str, Any]:
        """Return the fields of the contract."""
        return {"output": ids.reference(self.choice)}


@dataclass(frozen=True, kw_only=True, repr=False)
class ParamItems(Task, WithOutput):
    """Puts out the texts of a ``StringListParam``, for a task that is mapped over them.

    ``countries = ParamItems("countries", param="countries")``, then ``EcsTask("load", expand=countries.output)``.

    Attributes:
        param: The param, or its name.
    """

    kind: ClassVar[str] = "param_items"

    param: str | ParamRef = field()

    def _freeze(self, path: str) -> list[Problem]:
        if isinstance(self.param, ParamRef):
            self._keep("param", self.param.name)
        elif not isinstance(self.param, str):
            return [Problem(f"{path}.param", "expected the name of a param of the DAG", repr(self.param))]
        return []

    def contract(self, ids: TaskIds) -> dict[str, Any]:  # noqa: ARG002 - it uses no outputs
        """Return the fields of the contract."""
        return {"param": self.param}


def _not_an_output(path: str, given: object, example: str) -> list[Problem]:
    if isinstance(given, Output):
        return []
    return [Problem(path, f"expected the output of a task before this one, such as {example}", repr(given))]

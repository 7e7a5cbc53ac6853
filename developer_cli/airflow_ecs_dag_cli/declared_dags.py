"""Which DAGs a synthesized app declares: the Airflow labels in the task definitions of its templates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_schema import stack_template
from airflow_ecs_dag_schema.codec import dag_id_label
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly, Json
    from airflow_ecs_dag_schema import Policy


def declared_dags(assembly: CloudAssembly) -> dict[str, str]:
    """Return the DAGs of an app: dag id to the name of the stack that declares it."""
    return {dag_id: stack.name for stack in assembly.stacks for dag_id in _dag_ids(stack.template)}


def refusals(assembly: CloudAssembly, policy: Policy) -> list[str]:
    """Return what Airflow would refuse of an app's DAGs under ``policy``, a line each."""
    now = datetime.now(UTC)
    return [
        f"{stack.name}: {violation.problem}"
        for stack in assembly.stacks
        for dag in stack_template.declared_dags(stack.template)
        for violation in dag.violations(policy, now)
        if violation.refuses(policy.mode)
    ]


def choose_dag(dag_id: str | None, declared: list[str]) -> str:
    """Return the DAG that was asked for; the only one there is, if none was.

    Raises:
        LocalRunError: The app does not declare it, or declares several and none was named.
    """
    names = ", ".join(declared) or "none"
    if dag_id is None and len(declared) == 1:
        return declared[0]
    if dag_id is None:
        raise LocalRunError(f"say which DAG to run; the app declares: {names}")
    if dag_id not in declared:
        raise LocalRunError(f"the app declares no DAG {dag_id!r}; it declares: {names}")
    return dag_id


def _dag_ids(template: Json) -> Iterator[str]:
    for dag in stack_template.declared_dags(template):
        label = dag_id_label(dag.labels)
        if label is not None and TOKEN_START not in dag.labels[label]:
            yield dag.labels[label]

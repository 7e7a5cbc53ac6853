"""Airflow's task groups of a DAG: the groups in its tasks' ids, each within the one before its last dot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import TaskGroup

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_ecs_dag_schema import DagSpec


class TaskGroups:
    """The groups of one DAG, each made when it is asked for.

    Args:
        dag: Whose they are.
        spec: What it says of them.
    """

    def __init__(self, dag: DAG, spec: DagSpec) -> None:
        self._groups = {"": dag.task_group}
        self._said = {group.group_id: group for group in spec.groups}

    def of(self, task_id: str) -> TaskGroup:
        """Return the group that holds ``task_id``: its own, or the DAG itself."""
        return self._group(task_id.rpartition(".")[0])

    def _group(self, group_id: str) -> TaskGroup:
        if group_id not in self._groups:
            outer, _, name = group_id.rpartition(".")
            said = self._said.get(group_id)
            self._groups[group_id] = TaskGroup(
                name,
                parent_group=self._group(outer),
                tooltip=(said and said.tooltip) or "",
                group_display_name=(said and said.display_name) or "",
            )
        return self._groups[group_id]

"""The parts of a DAG that the conformance vectors name, and the model of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import CapacityProvider, DagSpec, EcsSettings, TaskDefaults
from airflow_ecs_dag_schema.alerts import ALERTS
from airflow_ecs_dag_schema.assets import Asset
from airflow_ecs_dag_schema.dag import Deadline, GroupSpec
from airflow_ecs_dag_schema.ecs_settings import EcsTag
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.params import PARAMS
from airflow_ecs_dag_schema.schedule import SCHEDULES
from airflow_ecs_dag_schema.tasks import TASK_SPECS, EdgeLabel, ExpandItems, ExpandOutput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel


def _by_kind(part: str, models: Iterable[type[BaseModel]]) -> dict[str, type[BaseModel]]:
    return {f"{part}.{model.model_fields['kind'].default}": model for model in models}


PARTS: dict[str, type[BaseModel]] = {
    "dag": DagSpec,
    "dag.deadline": Deadline,
    "dag.groups": GroupSpec,
    "assets": Asset,
    "defaults": TaskDefaults,
    "ecs": EcsSettings,
    "ecs.capacity_provider_strategy": CapacityProvider,
    "ecs.tags": EcsTag,
    **_by_kind("alerts", ALERTS),
    **_by_kind("params", PARAMS),
    **_by_kind("schedule", SCHEDULES),
    **_by_kind("tasks", TASK_SPECS),
    **_by_kind("tasks.expand", (ExpandItems, ExpandOutput)),
    "tasks.edge_labels": EdgeLabel,
    "tasks.output": OutputRef,
}

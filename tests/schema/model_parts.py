"""The parts of a DAG that the conformance vectors name, and the model of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import (
    CapacityProvider,
    DagSpec,
    EcsSettings,
    EcsTaskSpec,
    EmailAlert,
    LatestOnlySpec,
    TaskDefaults,
)
from airflow_ecs_dag_schema.schedule import (
    Continuous,
    CronDataInterval,
    CronTrigger,
    DeltaDataInterval,
    DeltaTrigger,
    Manual,
    Once,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

PARTS: dict[str, type[BaseModel]] = {
    "dag": DagSpec,
    "defaults": TaskDefaults,
    "ecs": EcsSettings,
    "ecs.capacity_provider_strategy": CapacityProvider,
    "alerts.email": EmailAlert,
    "tasks.ecs": EcsTaskSpec,
    "tasks.latest_only": LatestOnlySpec,
    "schedule.cron_trigger": CronTrigger,
    "schedule.cron_data_interval": CronDataInterval,
    "schedule.delta_trigger": DeltaTrigger,
    "schedule.delta_data_interval": DeltaDataInterval,
    "schedule.once": Once,
    "schedule.continuous": Continuous,
    "schedule.manual": Manual,
}

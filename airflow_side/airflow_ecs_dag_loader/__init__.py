"""The Airflow side: finds DAGs in the ECS registry, checks them, shows them, and runs each task as an ECS task.

Each name is imported when it is first asked for: a DAG file needs few of them, and a worker parses one at each task.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ecs_dag_loader.bundle import EcsDagBundle
    from airflow_ecs_dag_loader.dag_builder import build_dag
    from airflow_ecs_dag_loader.dag_loading import load_dags
    from airflow_ecs_dag_loader.dag_source import DagSource
    from airflow_ecs_dag_loader.runner.ecs_errors import (
        EcsCapacityError,
        EcsCommandError,
        EcsExitCodeError,
        EcsHealthCheckError,
        EcsImageError,
        EcsInterruptedError,
        EcsLogDriverError,
        EcsOutOfMemoryError,
        EcsSecretError,
        EcsSidecarError,
        EcsStartError,
        EcsTaskFailedError,
        EcsTaskLostError,
        EcsTaskStoppedError,
    )
    from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator

__all__ = [
    "DagSource",
    "EcsCapacityError",
    "EcsCommandError",
    "EcsDagBundle",
    "EcsExitCodeError",
    "EcsHealthCheckError",
    "EcsImageError",
    "EcsInterruptedError",
    "EcsLogDriverError",
    "EcsOutOfMemoryError",
    "EcsSecretError",
    "EcsSidecarError",
    "EcsStartError",
    "EcsTaskFailedError",
    "EcsTaskLostError",
    "EcsTaskOperator",
    "EcsTaskStoppedError",
    "build_dag",
    "load_dags",
]

_MODULES = {
    **{name: "runner.ecs_errors" for name in __all__ if name.endswith("Error")},
    "DagSource": "dag_source",
    "EcsDagBundle": "bundle",
    "EcsTaskOperator": "runner.ecs_task_operator",
    "build_dag": "dag_builder",
    "load_dags": "dag_loading",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

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
    from airflow_ecs_dag_loader.ecs_task_operator import EcsTaskOperator

__all__ = ["DagSource", "EcsDagBundle", "EcsTaskOperator", "build_dag", "load_dags"]

_MODULES = {
    "DagSource": "dag_source",
    "EcsDagBundle": "bundle",
    "EcsTaskOperator": "ecs_task_operator",
    "build_dag": "dag_builder",
    "load_dags": "dag_loading",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

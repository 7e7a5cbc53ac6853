"""The author's side of a case: labels of version 1 as the arguments of the construct that says the same."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag import (
    AirflowEcsDag,
    CapacityProvider,
    EcsTask,
    EmailAlert,
    Flow,
    LatestOnly,
    Schedule,
    TaskDefaults,
)
from airflow_ecs_dag.definition import define
from attacks.argument_values import argument_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_ecs_dag.tasks import Task
    from airflow_ecs_dag_schema import DagSpec

_KINDS: dict[str, type[Task]] = {"ecs": EcsTask, "latest_only": LatestOnly}
_SCHEDULES: dict[str, Callable[..., Any]] = {
    "cron_trigger": Schedule.cron,
    "cron_data_interval": lambda **given: Schedule.cron(data_interval=True, **given),
    "delta_trigger": Schedule.every,
    "delta_data_interval": lambda **given: Schedule.every(data_interval=True, **given),
    "once": Schedule.once,
    "continuous": Schedule.continuous,
    "manual": Schedule.manual,
}
_ARGUMENTS = {
    "capacity_provider_strategy": "capacity_provider_strategies",
    "container_name": "container",
    "subnets": "vpc_subnets",
}


def author_arguments(labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the keyword arguments of ``AirflowEcsDag``, without its task definition.

    Raises:
        DagDefinitionError: One of the author's own values can't be made.
        TypeError: Python knows no such argument.
    """
    tree = argument_tree(labels)
    dag, ecs = dict(tree.get("dag", {})), dict(tree.get("ecs", {}))
    if "schedule" in dag:
        fields = dict(dag.pop("schedule"))
        dag["schedule"] = _SCHEDULES[fields.pop("kind")](**fields)
    else:
        dag["schedule"] = Schedule.manual()
    if "defaults" in dag:
        dag["defaults"] = TaskDefaults(**dag["defaults"])
    if "alerts" in dag:
        dag["alerts"] = [EmailAlert(**alert) for alert in dag["alerts"]]
    if "capacity_provider_strategy" in ecs:
        ecs["capacity_provider_strategy"] = [CapacityProvider(**each) for each in ecs["capacity_provider_strategy"]]
    arguments = dag | {_ARGUMENTS.get(name, name): value for name, value in ecs.items()} | {"tasks": _flow(tree)}
    inspect.signature(AirflowEcsDag.__init__).bind(None, None, "Dag", task_definition=None, **arguments)
    return arguments


def author_spec(labels: Mapping[str, str]) -> DagSpec:
    """Return what the construct makes of :func:`author_arguments`, as far as no CDK is needed.

    Raises:
        DagDefinitionError: The construct refuses them.
        TypeError: Python knows no such argument.
    """
    arguments = author_arguments(labels)
    fields = {argument: field for field, argument in _ARGUMENTS.items()}
    places = {"cluster", "launch_type", "security_groups", "assign_public_ip", *fields}
    ecs = {fields.get(name, name): value for name, value in arguments.items() if name in places}
    ecs = {name: tuple(value) if isinstance(value, list) else value for name, value in ecs.items()}
    dag = {"defaults": TaskDefaults(), "alerts": ()} | {
        name: value for name, value in arguments.items() if name not in places and name != "tasks"
    }
    return define(dag, arguments["tasks"], ecs)[0]


def _flow(tree: Mapping[str, Any]) -> list[Flow]:
    fields = {task_id: dict(given) for task_id, given in tree.get("tasks", {}).items()}
    upstream = {task_id: given.pop("upstream", {}) for task_id, given in fields.items()}
    tasks = {task_id: _KINDS[given.pop("kind", "ecs")](task_id, **given) for task_id, given in fields.items()}
    arrows = [tasks[name] >> tasks[task_id] for task_id, names in upstream.items() for name in names.values()]
    return [*(task.as_flow() for task in tasks.values()), *arrows]

"""The author's side of a case: labels of version 1 as the arguments of the construct that says the same."""

from __future__ import annotations

import inspect
import json
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag import (
    AirflowEcsDag,
    AirflowOperator,
    Asset,
    BooleanParam,
    Branch,
    CapacityProvider,
    DateParam,
    DatetimeParam,
    Deadline,
    EcsTask,
    EdgeLabel,
    EmailAlert,
    Flow,
    IntegerParam,
    LatestOnly,
    NumberParam,
    Output,
    ParamItems,
    ProfileAlert,
    Schedule,
    ShortCircuit,
    StringListParam,
    StringParam,
    TaskDefaults,
)
from airflow_ecs_dag.definition import define
from airflow_ecs_dag_schema.packed import unpacked
from attacks.argument_values import argument_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_ecs_dag.tasks import Task
    from airflow_ecs_dag_schema import DagSpec

_KINDS: dict[str, type[Task]] = {
    "branch": Branch,
    "ecs": EcsTask,
    "latest_only": LatestOnly,
    "operator": AirflowOperator,
    "param_items": ParamItems,
    "short_circuit": ShortCircuit,
}
_ALERTS: dict[str, type[Any]] = {"email": EmailAlert, "profile": ProfileAlert}
_PARAMS: dict[str, type[Any]] = {
    "boolean": BooleanParam,
    "date": DateParam,
    "datetime": DatetimeParam,
    "integer": IntegerParam,
    "number": NumberParam,
    "string": StringParam,
    "string_list": StringListParam,
}
_SCHEDULES: dict[str, Callable[..., Any]] = {
    "cron_trigger": Schedule.cron,
    "cron_data_interval": lambda **given: Schedule.cron(data_interval=True, **given),
    "delta_trigger": Schedule.every,
    "delta_data_interval": lambda **given: Schedule.every(data_interval=True, **given),
    "once": Schedule.once,
    "continuous": Schedule.continuous,
    "manual": Schedule.manual,
    "assets": lambda assets: Schedule.assets([Asset(**each) for each in assets]),
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
    tree = argument_tree(unpacked(labels))
    dag, ecs = dict(tree.get("dag", {})), dict(tree.get("ecs", {}))
    if "schedule" in dag:
        fields = dict(dag.pop("schedule"))
        dag["schedule"] = _SCHEDULES[fields.pop("kind")](**fields)
    else:
        dag["schedule"] = Schedule.manual()
    if "defaults" in dag:
        dag["defaults"] = TaskDefaults(**dag["defaults"])
    if "alerts" in dag:
        dag["alerts"] = [_ALERTS[alert.pop("kind")](**alert) for alert in dag["alerts"]]
    if "deadline" in dag:
        dag["deadline"] = Deadline(**dag["deadline"])
    if "params" in dag:
        dag["params"] = {name: _param(given) for name, given in dag["params"].items()}
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
    return define(dag, arguments["tasks"], ecs, _found_in_the_app(arguments["tasks"]))[0]


def _found_in_the_app(flows: list[Flow]) -> dict[int, dict[str, str]]:
    """Return what the construct finds in the app for tasks that name it: a task definition, a container."""
    found: dict[int, dict[str, str]] = {}
    for task in (task for flow in flows for task in flow.tasks):
        if isinstance(task, EcsTask):
            named = {"task_definition": task.task_definition, "container_name": task.container}
            found[id(task)] = {name: text for name, text in named.items() if isinstance(text, str)}
    return found


def _param(fields: dict[str, Any]) -> Any:
    kind = fields.pop("kind", "string")
    for name in ("default", "maximum", "minimum"):
        if isinstance(text := fields.get(name), str):
            with suppress(ValueError):
                fields[name] = _default(kind, text)
    return _PARAMS[kind](**fields)


def _default(kind: str, text: str) -> Any:
    match kind:
        case "boolean" | "integer":
            return json.loads(text)
        case "number":
            return float(text)
        case "datetime":
            return datetime.fromisoformat(text)
        case _:
            return text


def _flow(tree: Mapping[str, Any]) -> list[Flow]:
    fields = {task_id: dict(given) for task_id, given in tree.get("tasks", {}).items()}
    upstream = {task_id: given.pop("upstream", {}) for task_id, given in fields.items()}
    edges = {task_id: given.pop("edge_labels", []) for task_id, given in fields.items()}
    tasks: dict[str, Task] = {}
    for task_id in fields:
        _make(task_id, fields, tasks)
    words = {(edge["upstream"], task_id): EdgeLabel(edge["label"]) for task_id, own in edges.items() for edge in own}
    arrows = [
        tasks[name] >> words[name, task_id] >> tasks[task_id]
        if (name, task_id) in words
        else tasks[name] >> tasks[task_id]
        for task_id, names in upstream.items()
        for name in names.values()
    ]
    return [*(task.as_flow() for task in tasks.values()), *arrows]


def _make(task_id: str, fields: Mapping[str, Any], tasks: dict[str, Task]) -> Task:
    """Return a task, made once; the one whose output it uses is made first, one that is in no flow if there is none."""
    if task_id not in tasks:
        if task_id not in fields:
            return EcsTask(task_id)
        given = dict(fields[task_id])
        kind = given.pop("kind", "ecs")
        if (output := given.pop("output", None)) is not None:
            argument = "choice" if kind == "branch" else "condition"
            whole = Output(_make(output["task_id"], fields, tasks))
            given[argument] = whole[output["key"]] if "key" in output else whole
        if (expand := given.pop("expand", None)) is not None:
            given["expand"] = (
                expand["items"] if expand["kind"] == "items" else Output(_make(expand["task_id"], fields, tasks))
            )
        if "arguments" in given:
            given["arguments"] = {
                name: [text for _, text in sorted(each.items())] if isinstance(each, dict) else each
                for name, each in given["arguments"].items()
            }
        if "outlets" in given:
            given["outlets"] = [Asset(**each) for each in given["outlets"]]
        if "tags" in given:
            given["ecs_tags"] = {each["key"]: each.get("value", "") for each in given.pop("tags")}
        if "container_name" in given:
            given["container"] = given.pop("container_name")
        tasks[task_id] = _KINDS[kind](task_id, **given)
    return tasks[task_id]

"""The loader of 2019, written anew from its description, on the Airflow of today: what its labels could do.

Kept from then: flat keys nested at their dots, a whole number in a key is a place in a list, each value read as JSON
where it is JSON, any dotted class path imported, any other label handed to the class as an argument, the command is
``[command or task id, *args]``, a DAG that can't be made is logged and dropped. Changed, so that it runs at all:
``schedule_interval`` and ``concurrency`` have Airflow 3's names, texts of dates are read, and the operator is the
provider's.
"""

from __future__ import annotations

import importlib
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.sdk import DAG

log = logging.getLogger(__name__)

_MOVED = {"airflow.operators.latest_only_operator": "airflow.providers.standard.operators.latest_only"}
_RENAMED = {"schedule_interval": "schedule", "concurrency": "max_active_tasks"}
_OF_DAG = (
    "catchup",
    "description",
    "end_date",
    "max_active_runs",
    "max_active_tasks",
    "schedule",
    "start_date",
    "tags",
)
"""Arguments of a DAG; the rest is its tasks'."""


def dags_of(definitions: list[dict[str, Any]]) -> dict[str, DAG]:
    """Return the DAGs of all task definitions, each ``{"family": ..., "containers": {name: labels}}``."""
    found = {}
    for definition in definitions:
        labelled = list(definition["containers"].values())
        if len(labelled) != 1:
            continue
        tree = nested(labelled[0])
        if "airflow" not in tree:
            continue
        try:
            dag = make_dag(tree["airflow"], definition["family"])
        except Exception:
            log.exception("no DAG of %s", definition["family"])
        else:
            found[dag.dag_id] = dag
    return found


def nested(labels: dict[str, str]) -> dict[str, Any]:
    """Return the labels as a tree of dictionaries and lists."""
    tree: dict[str, Any] = {}
    for key, text in labels.items():
        value = as_json(text)
        parts = key.split(".")
        below: Any = tree
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            empty: Any = [] if following is not None and following.isdigit() else {}
            if isinstance(below, list):
                if following is None:
                    below.insert(int(part), value)
                else:
                    if len(below) <= int(part):
                        below.append(empty)
                    below = below[int(part)]
            elif following is None:
                below[part] = value
            else:
                below = below.setdefault(part, empty)
    return tree


def as_json(text: str) -> object:
    """Return what a text is as JSON, or the text."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value


def make_dag(tree: dict[str, Any], family: str) -> DAG:
    """Return the DAG of one task definition."""
    fields = {_RENAMED.get(name, name): value for name, value in tree["dag"].items()}
    dag_id = fields.pop("name")
    for name in ("start_date", "end_date"):
        if isinstance(fields.get(name), str):
            fields[name] = datetime.fromisoformat(fields[name])
            fields[name] = fields[name] if fields[name].tzinfo else fields[name].replace(tzinfo=UTC)
    known = {name: fields.pop(name) for name in _OF_DAG if name in fields}
    known.setdefault("schedule", timedelta(days=1))  # the default of 2019
    dag = DAG(dag_id, default_args=fields, **known)  # noqa: AIR002 - it is among the known
    tasks = {}
    upstream = {}
    for task_id, given in tree["tasks"].items():
        arguments = dict(given)
        upstream[task_id] = arguments.pop("depends", [])
        path = arguments.pop("class", None)
        if path is None:
            command = [arguments.pop("command", task_id), *arguments.pop("args", [])]
            overrides = {"containerOverrides": [{"name": family, "command": command}]}
            tasks[task_id] = EcsRunTaskOperator(
                task_id=task_id, dag=dag, cluster="default", task_definition=family, overrides=overrides, **arguments
            )
        else:
            tasks[task_id] = imported(path)(task_id=task_id, dag=dag, **arguments)
    for task_id, names in upstream.items():
        for name in names:
            tasks[task_id].set_upstream(tasks[name])
    return dag


def imported(path: str) -> Any:  # noqa: ANN401 - whatever a label names: that is the point
    """Return what a dotted path names."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(_MOVED.get(module, module)), name)

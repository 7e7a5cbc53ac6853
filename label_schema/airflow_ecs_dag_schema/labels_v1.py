"""Version 1 of the contract: flat labels that a person can read in ``cdk synth`` and in the ECS console.

=============================  ====================================================
label                          holds
=============================  ====================================================
``airflow.schema_version``     ``1``
``airflow.dag.*``              the fields of the DAG
``airflow.ecs.*``              where ECS runs its tasks
``airflow.tasks.<key>.*``      the fields of one task
=============================  ====================================================

A task's key is its id. The id of a task within a group has dots in it, ``load.tables``; its key is any other text then,
and its field ``task_id`` holds the id.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from airflow_ecs_dag_schema.dag import MOST_TASKS, DagSpec
from airflow_ecs_dag_schema.graph import graph_problems
from airflow_ecs_dag_schema.label_text import Tree, read_tree, to_text
from airflow_ecs_dag_schema.problems import MOST_PROBLEMS, LabelError, Problem
from airflow_ecs_dag_schema.validation import spec_problems
from airflow_ecs_dag_schema.values import EMPTY_LIST, FROM_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "1"
VERSION_LABEL = "airflow.schema_version"
_ROOMS = ("dag", "ecs", "tasks")


def write(spec: DagSpec) -> dict[str, str]:
    """Return the labels of ``spec``: what differs from its default, and the kind of each task.

    Raises:
        LabelError: A value can't be written (a token inside text that needs quoting).
    """
    labels = {VERSION_LABEL: VERSION}
    problems = []
    for key, value in leaves(spec):
        try:
            labels[key] = to_text(value)
        except ValueError as error:
            problems.append(Problem(key, str(error), value))
    if problems:
        raise LabelError(problems)
    return labels


def leaves(spec: DagSpec) -> Iterator[tuple[str, Any]]:
    """Yield each label of ``spec`` with its value, not yet as a text."""
    yield from _fields(spec, "airflow.dag", leave_out={"ecs", "tasks"})
    yield from _fields(spec.ecs, "airflow.ecs")
    for task in spec.tasks:
        path = f"airflow.tasks.{spec.keys[task.task_id]}"
        if spec.keys[task.task_id] != task.task_id:
            yield f"{path}.task_id", task.task_id
        yield f"{path}.kind", task.kind
        yield from _fields(task, path, leave_out={"kind", "task_id"})


def _fields(
    model: BaseModel, path: str, *, leave_out: frozenset[str] | set[str] = frozenset()
) -> Iterator[tuple[str, Any]]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name not in leave_out and (value != field.default or name == "kind"):
            yield from _value(value, f"{path}.{name}")


def _value(value: object, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        yield from _fields(value, path)
    elif isinstance(value, tuple):
        if not value:
            yield path, EMPTY_LIST
        for index, item in enumerate(value):
            yield from _value(item, f"{path}.{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _value(item, f"{path}.{name}")
    else:
        yield path, value


def read(labels: dict[str, str]) -> DagSpec:
    """Return the DAG that the labels of version 1 describe.

    Raises:
        LabelError: With every problem found.
    """
    tree, problems = read_tree({key: text for key, text in labels.items() if key != VERSION_LABEL})
    dag, ecs, fields_by_task = _rooms(tree, problems)
    tasks = _tasks(fields_by_task, problems)
    if len(tasks) > MOST_TASKS:
        raise LabelError(
            [Problem("airflow.tasks", f"may hold at most {MOST_TASKS} items, has {len(tasks)}: divide the DAG")]
        )
    keys = {task_id: key for key, task_id in _ids(tasks).items()}
    ordered = tuple({"kind": "ecs", "task_id": key, **fields} for key, fields in tasks.items())
    try:
        spec = DagSpec.model_validate({**dag, "ecs": ecs, "tasks": ordered}, context=FROM_LABELS)
    except ValidationError as error:
        found = list(islice(spec_problems(error, list(_ids(tasks).values())), MOST_PROBLEMS))
        if not any(problem.path == "tasks" for problem in found):
            found.extend(graph_problems(_arrows(tasks)))
        problems.extend(_with_label(problem, keys) for problem in found)
    if problems:
        raise LabelError(problems)
    return spec


def _rooms(tree: Tree, problems: list[Problem]) -> tuple[Tree, Tree, Tree]:
    """Return the trees below ``airflow.dag``, ``airflow.ecs`` and ``airflow.tasks``."""
    rooms: dict[str, Tree] = {}
    for room in _ROOMS:
        content = tree.pop(room, {})
        rooms[room] = content if isinstance(content, dict) else {}
        if not isinstance(content, dict):
            problems.append(Problem(f"airflow.{room}", "this is no label of its own: its fields are below it", content))
    problems.extend(
        Problem(
            f"airflow.{part}",
            "unknown label; those of version 1 are airflow.dag.<field>, airflow.ecs.<field> and "
            "airflow.tasks.<task id>.<field>: rename or remove it",
        )
        for part in tree
    )
    for name in {"ecs", "tasks"} & rooms["dag"].keys():
        problems.append(Problem(f"airflow.dag.{name}", f"unknown label: write airflow.{name} instead"))
        del rooms["dag"][name]
    return rooms["dag"], rooms["ecs"], rooms["tasks"]


def _tasks(fields_by_task: Tree, problems: list[Problem]) -> dict[str, Tree]:
    tasks: dict[str, Tree] = {}
    for key, fields in fields_by_task.items():
        if isinstance(fields, dict):
            tasks[key] = fields
        else:
            problems.append(
                Problem(f"airflow.tasks.{key}", "unknown label; a task's fields are airflow.tasks.<task id>.<field>")
            )
    return tasks


def _ids(tasks: dict[str, Tree]) -> dict[str, str]:
    """Return the task id of each key, right or wrong; a key whose id can't be told stands for itself."""
    named = {key: fields.get("task_id", key) for key, fields in tasks.items()}
    return {key: task_id if isinstance(task_id, str) else key for key, task_id in named.items()}


def _arrows(tasks: dict[str, Tree]) -> dict[str, tuple[str, ...]]:
    """Return the arrows of tasks that may be wrong otherwise, so that one run names all problems."""
    arrows = {}
    ids = _ids(tasks)
    for key, fields in tasks.items():
        upstream = fields.get("upstream")
        names = upstream.values() if isinstance(upstream, dict) else ()
        arrows[ids[key]] = tuple(name for name in names if isinstance(name, str))
    return arrows


def _with_label(problem: Problem, keys: dict[str, str]) -> Problem:
    """Replace the path of a field by the label that holds it; ``keys`` has the key of each task id."""
    room, _, rest = problem.path.partition(".")
    if room == "tasks" and rest:
        parts = rest.split(".")
        for count in range(len(parts), 0, -1):
            if (task_id := ".".join(parts[:count])) in keys:
                path = ".".join(("tasks", keys[task_id], *parts[count:]))
                break
        else:
            path = problem.path
    else:
        path = problem.path if room in _ROOMS else f"dag.{problem.path}"
    return Problem(f"airflow.{path}".removesuffix("."), problem.message, problem.value)

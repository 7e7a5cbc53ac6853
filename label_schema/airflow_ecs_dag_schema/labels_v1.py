"""Version 1 of the contract: flat labels that a person can read in ``cdk synth`` and in the ECS console.

=============================  ====================================================
label                          holds
=============================  ====================================================
``airflow.schema_version``     ``1``
``airflow.dag.*``              the fields of the DAG
``airflow.ecs.*``              where ECS runs its tasks
``airflow.tasks.<id>.*``       the fields of one task
=============================  ====================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from airflow_ecs_dag_schema.dag import DagSpec
from airflow_ecs_dag_schema.graph import graph_problems
from airflow_ecs_dag_schema.label_text import Tree, read_tree, to_text
from airflow_ecs_dag_schema.problems import LabelError, Problem
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
    for key, value in _leaves(spec):
        try:
            labels[key] = to_text(value)
        except ValueError as error:
            problems.append(Problem(key, str(error), value))
    if problems:
        raise LabelError(problems)
    return labels


def _leaves(spec: DagSpec) -> Iterator[tuple[str, Any]]:
    yield from _fields(spec, "airflow.dag", leave_out={"ecs", "tasks"})
    yield from _fields(spec.ecs, "airflow.ecs")
    for task in spec.tasks:
        yield f"airflow.tasks.{task.task_id}.kind", task.kind
        yield from _fields(task, f"airflow.tasks.{task.task_id}", leave_out={"kind", "task_id"})


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
    ordered = tuple({"kind": "ecs", **fields, "task_id": task_id} for task_id, fields in tasks.items())
    try:
        spec = DagSpec.model_validate({**dag, "ecs": ecs, "tasks": ordered}, context=FROM_LABELS)
    except ValidationError as error:
        found = list(spec_problems(error, list(tasks)))
        if not any(problem.path == "tasks" for problem in found):
            found.extend(graph_problems(_arrows(tasks)))
        problems.extend(_with_label(problem) for problem in found)
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
    for task_id, fields in fields_by_task.items():
        path = f"airflow.tasks.{task_id}"
        if isinstance(fields, dict):
            tasks[task_id] = {name: value for name, value in fields.items() if name != "task_id"}
            path = f"{path}.task_id"
        if not isinstance(fields, dict) or "task_id" in fields:
            problems.append(Problem(path, "unknown label; a task's fields are airflow.tasks.<task id>.<field>"))
    return tasks


def _arrows(tasks: dict[str, Tree]) -> dict[str, tuple[str, ...]]:
    """Return the arrows of tasks that may be wrong otherwise, so that one run names all problems."""
    arrows = {}
    for task_id, fields in tasks.items():
        upstream = fields.get("upstream")
        names = upstream.values() if isinstance(upstream, dict) else ()
        arrows[task_id] = tuple(name for name in names if isinstance(name, str))
    return arrows


def _with_label(problem: Problem) -> Problem:
    """Replace the path of a field by the label that holds it."""
    room = problem.path.partition(".")[0]
    path = problem.path if room in _ROOMS else f"dag.{problem.path}"
    return Problem(f"airflow.{path}".removesuffix("."), problem.message, problem.value)

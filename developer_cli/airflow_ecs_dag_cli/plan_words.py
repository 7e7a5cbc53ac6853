"""What changes of a DAG, in lines for a person and as JSON for a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.next_runs import in_words, next_runs
from airflow_ecs_dag_schema.limits import TASK_DEFINITION_BYTES, compact_size
from airflow_ecs_dag_schema.packed import is_packed
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from airflow_ecs_dag_cli.dag_changes import DagChange, FieldChange
    from airflow_ecs_dag_cli.verdicts import Verdict

_RUNS = 5
_LONGEST = 200
_SCHEDULE = "schedule."


def change_lines(change: DagChange, after: datetime) -> Iterator[tuple[str, str]]:
    """Yield the lines of a DAG that changes: their titles and their texts."""
    verdicts = {"before": change.before, "after": change.after}
    if change.moves is not None:
        yield "family", f"{change.moves[0]} -> {change.moves[1]}: Airflow takes the new one once the old one is gone"
    if (ids := [field for field in change.fields if field.field == "dag_id"]) and ids[0].old and ids[0].new:
        yield "dag_id", f"{ids[0].old} -> {ids[0].new}: for Airflow another DAG, whose past runs stay with the old id"
    schedules = {side: _schedule(verdict) for side, verdict in verdicts.items() if verdict is not None}
    if len(set(schedules.values())) > 1:
        yield "schedule", f"{schedules['before']} -> {schedules['after']}"
    elif change.kind in {"added", "removed"}:
        yield "schedule", next(iter(schedules.values()))
    for field in change.fields:
        if field.field != "dag_id" and not field.field.startswith(_SCHEDULE):
            yield field.field, _arrow(field)
    yield from _run_lines({side: _runs(verdict, after) for side, verdict in verdicts.items() if verdict is not None})
    yield from _task_lines(change)
    gained, lost = change.rights
    for title, rights in (("needs", gained), ("needs no longer", lost)):
        for actions, resource in rights:
            yield title, f"{actions} on {without_tokens(resource)}"
    yield "size", _size_words(change)


def _run_lines(runs: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    if len(runs) > 1 and runs["before"] == runs["after"]:
        yield from _listed("next runs", runs["after"])
        return
    for side, moments in runs.items():
        yield from _listed(f"runs {side}" if len(runs) > 1 else "next runs", moments)


def _listed(title: str, moments: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, moment in enumerate(moments or ["none that a file could tell"]):
        yield "" if number else title, moment


def _task_lines(change: DagChange) -> Iterator[tuple[str, str]]:
    for title, ids in (("tasks added", change.tasks_added), ("tasks removed", change.tasks_removed)):
        if ids:
            yield title, ", ".join(ids)
    for task in change.tasks:
        for field in task.fields:
            yield "task", f"{task.task_id}: {field.field} {_arrow(field)}"
    for title, arrows in (("arrows added", change.arrows_added), ("arrows removed", change.arrows_removed)):
        if arrows:
            yield title, ", ".join(f"{before} >> {after}" for before, after in arrows)


def _arrow(field: FieldChange) -> str:
    return f"{_said(field.old)} -> {_said(field.new)}"


def _said(text: str | None) -> str:
    if text is None:
        return "(not set)"
    shown = json.dumps(text, ensure_ascii=False) if not text or text != text.strip() or "\n" in text else text
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 3]}..."


def _schedule(verdict: Verdict) -> str:
    if verdict.spec is None:
        return "not known"
    unknown = [
        without_tokens(text) for key, text in verdict.stand_ins.items() if key.startswith("airflow.dag.schedule")
    ]
    return f"known only after the deployment: {', '.join(unknown)}" if unknown else in_words(verdict.spec.schedule)


def _runs(verdict: Verdict, after: datetime) -> list[str]:
    if verdict.spec is None or any(key.startswith("airflow.dag.s") for key in verdict.stand_ins):
        return []
    return [f"{run.starts:%a %Y-%m-%d %H:%M %Z}" for run in next_runs(verdict.spec, after=after, most=_RUNS)]


def _label_bytes(verdict: Verdict) -> int:
    """Return the bytes of the labels; a value that the deployment fills in counts as nothing."""
    own = {key: without_tokens(text, by="") for key, text in verdict.labels.items() if key.startswith("airflow.")}
    return compact_size(own)


def _size(verdict: Verdict) -> dict[str, Any]:
    whole = verdict.definition.size
    used = _label_bytes(verdict) if whole is None else whole
    return {
        "labels": _label_bytes(verdict),
        "task_definition": whole,
        "most": TASK_DEFINITION_BYTES,
        "room": TASK_DEFINITION_BYTES - used,
        "packed": is_packed(verdict.labels),
    }


def _size_words(change: DagChange) -> str:
    sizes = [_size(each) for each in (change.before, change.after) if each is not None]
    labels = " -> ".join(f"{size['labels']:,}{' packed' if size['packed'] else ''}" for size in sizes)
    last = sizes[-1]
    whole = "" if last["task_definition"] is None else f", task definition {last['task_definition']:,}"
    return f"labels {labels} bytes{whole}; {last['room']:,} of {last['most']:,} bytes are free"


def plan_json(change: DagChange, after: datetime) -> dict[str, Any]:
    """Return a change as JSON has it."""
    verdicts = {"before": change.before, "after": change.after}
    gained, lost = change.rights
    return {
        "dag_id": change.verdict.dag_id or None,
        "change": change.kind,
        "family": {
            side: None if each is None else without_tokens(each.definition.family) or None
            for side, each in verdicts.items()
        },
        "fields": [_field_json(field) for field in change.fields],
        "schedule": {side: None if each is None else _schedule(each) for side, each in verdicts.items()},
        "next_runs": {side: [] if each is None else _moments(each, after) for side, each in verdicts.items()},
        "tasks": {
            "added": list(change.tasks_added),
            "removed": list(change.tasks_removed),
            "changed": [
                {"task_id": task.task_id, "fields": [_field_json(field) for field in task.fields]}
                for task in change.tasks
            ],
        },
        "arrows": {
            "added": [list(arrow) for arrow in change.arrows_added],
            "removed": [list(arrow) for arrow in change.arrows_removed],
        },
        "rights": {
            title: [{"actions": actions.split(", "), "resource": without_tokens(on)} for actions, on in rights]
            for title, rights in (("gained", gained), ("lost", lost))
        },
        "size": {side: None if each is None else _size(each) for side, each in verdicts.items()},
    }


def _moments(verdict: Verdict, after: datetime) -> list[str]:
    if not _runs(verdict, after) or verdict.spec is None:
        return []
    return [run.starts.isoformat() for run in next_runs(verdict.spec, after=after, most=_RUNS)]


def _field_json(field: FieldChange) -> dict[str, str | None]:
    return {"field": field.field, "old": field.old, "new": field.new}

"""``airflow-ecs-dag show``: the DAGs of a file as a person reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.next_runs import duration_words, in_words, next_runs
from airflow_ecs_dag_cli.validate_command import (
    ACCEPTED,
    NOTHING_FOUND,
    REFUSED,
    UNREADABLE,
    print_verdict,
    printable,
)
from airflow_ecs_dag_cli.verdicts import judge
from airflow_ecs_dag_schema import EcsTaskSpec, EmailAlert
from airflow_ecs_dag_schema.limits import LABEL_BYTES, TASK_DEFINITION_BYTES, compact_size
from airflow_ecs_dag_schema.schedule import Continuous, DeltaDataInterval, DeltaTrigger
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.next_runs import NextRun
    from airflow_ecs_dag_cli.verdicts import Verdict
    from airflow_ecs_dag_schema import DagSpec

_OWN_SECTIONS = frozenset({"dag_id", "schedule", "tasks", "alerts", "ecs", "defaults"})
_OF_EACH_TASK = ("trigger_rule", "retries", "retry_delay", "execution_timeout", "depends_on_past")
_TITLE = 16
_LABELS_OF_2019 = {
    "airflow.dag.max_active_tasks": "airflow.dag.concurrency",
    "airflow.dag.defaults.retries": "airflow.dag.retries",
    "airflow.dag.defaults.depends_on_past": "airflow.dag.depends_on_past",
}
"""What a field's label was called in 2019, where that differs."""


def show_file(name: str, *, after: datetime) -> int:
    """Print the DAGs of a file on stdout.

    Args:
        name: The file.
        after: The next runs are those after this moment.

    Returns:
        The exit status, as ``validate`` has it.
    """
    console = Console(highlight=False, soft_wrap=True)
    file = judge(name)
    if file.error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[red]error[/red]: {escape(printable(name))}: {escape(file.error)}"
        )
        return UNREADABLE
    if not file.verdicts:
        console.print(f"[yellow]![/yellow] {escape(printable(name))}: {file.kind}: {NOTHING_FOUND}")
        return REFUSED
    for number, verdict in enumerate(file.verdicts):
        if number:
            console.print()
        print_verdict(verdict, file, console)
        for title, text in _sections(verdict, after):
            console.print(f"  [cyan]{title:<{_TITLE}}[/cyan] {escape(printable(text))}")
    return REFUSED if any(verdict.findings for verdict in file.verdicts) else ACCEPTED


def _sections(verdict: Verdict, after: datetime) -> Iterator[tuple[str, str]]:
    """Yield the lines of a DAG: their titles and their texts."""
    spec = verdict.spec
    if spec is not None:
        yield from _dag_lines(spec, verdict)
        yield from _schedule_lines(spec, verdict, after)
        yield from _ecs_lines(spec, verdict)
        for number, line in enumerate(_task_lines(spec, verdict)):
            yield ("" if number else "tasks"), line
    yield "size", _size(verdict)


def _dag_lines(spec: DagSpec, verdict: Verdict) -> Iterator[tuple[str, str]]:
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        if name not in _OWN_SECTIONS and (value != field.default or f"airflow.dag.{name}" in verdict.stand_ins):
            yield name, _text(value, verdict, f"airflow.dag.{name}")
    said = [f"{name} {_text(value, verdict, f'airflow.dag.defaults.{name}')}" for name, value in _given(spec.defaults)]
    if said:
        yield "defaults", ", ".join(said)
    for alert in spec.alerts:
        if isinstance(alert, EmailAlert):
            yield "alert", f"e-mail to {', '.join(map(without_tokens, alert.to))} on {', '.join(alert.on)}"


def _schedule_lines(spec: DagSpec, verdict: Verdict, after: datetime) -> Iterator[tuple[str, str]]:
    unknown = [
        without_tokens(text) for key, text in verdict.stand_ins.items() if key.startswith("airflow.dag.schedule")
    ]
    if unknown:
        yield "schedule", f"known only after the deployment: {', '.join(unknown)}"
        return
    yield "schedule", in_words(spec.schedule)
    if spec.start_date is None or "airflow.dag.start_date" in verdict.stand_ins:
        return
    runs = next_runs(spec, after=after)
    for number, run in enumerate(runs):
        yield ("" if number else "next runs"), _run_text(run)
    if not runs:
        counts = isinstance(spec.schedule, DeltaTrigger | DeltaDataInterval | Continuous)
        yield "next runs", "counted from the run before, which only Airflow knows" if counts else "none"


def _run_text(run: NextRun) -> str:
    starts = f"{run.starts:%a %Y-%m-%d %H:%M %Z}"
    return f"{starts} ({{{{ ds }}}} is {run.date.astimezone(UTC):%Y-%m-%d})"


def _ecs_lines(spec: DagSpec, verdict: Verdict) -> Iterator[tuple[str, str]]:
    said = [f"{name} {_text(value, verdict, f'airflow.ecs.{name}')}" for name, value in _given(spec.ecs)]
    if said:
        yield "runs on", ", ".join(said)


def _task_lines(spec: DagSpec, verdict: Verdict) -> Iterator[str]:
    """Yield the tasks, each after those that it waits for."""
    tasks = {task.task_id: task for task in spec.tasks}
    width = max(map(len, tasks))
    for task_id in TopologicalSorter({name: task.upstream for name, task in tasks.items()}).static_order():
        task = tasks[task_id]
        before = f"{', '.join(task.upstream)} >> " if task.upstream else ""
        if isinstance(task, EcsTaskSpec):
            work = " ".join(json.dumps(without_tokens(part), ensure_ascii=False) for part in task.container_command)
        else:
            work = f"({task.kind})"
        said = [
            f"{name} {_text(value, verdict, f'airflow.tasks.{task_id}.{name}')}"
            for name, value in _given(task)
            if name in _OF_EACH_TASK
        ]
        details = f"  [{', '.join(said)}]" if said else ""
        yield f"{before}{task_id:<{0 if before else width}}  {work}{details}"


def _given(model: BaseModel) -> Iterator[tuple[str, object]]:
    """Yield the fields that differ from their default."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value != field.default:
            yield name, value


def _text(value: object, verdict: Verdict, label: str) -> str:  # noqa: PLR0911 - one line a type
    """Return a field as one reads it; of one that is known only after the deployment, what was written."""
    written = verdict.stand_ins.get(label) or verdict.stand_ins.get(_LABELS_OF_2019.get(label, ""))
    if written is not None:
        return without_tokens(written)
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M %Z}"
        case timedelta():
            words = duration_words(value)
            return words if words[0].isdecimal() else f"1 {words}"
        case tuple():
            return ", ".join(_text(item, verdict, "") for item in value) or "none"
        case BaseModel():
            return " ".join(f"{name} {_text(item, verdict, '')}" for name, item in value)
        case _:
            return without_tokens(str(value))


def _size(verdict: Verdict) -> str:
    """Return what the limits say; a value that the deployment fills in counts as nothing."""
    labels = {key: without_tokens(text, by="") for key, text in verdict.labels.items() if key.startswith("airflow.")}
    size, what = verdict.definition.size, "task definition"
    if size is None:
        size, what = compact_size(labels), "labels"
    bytes_, largest = max((len(f"{key}{text}".encode(errors="surrogatepass")), key) for key, text in labels.items())
    return f"{what} {size:,} of {TASK_DEFINITION_BYTES:,} bytes; largest label {largest}, {bytes_:,} of {LABEL_BYTES:,}"

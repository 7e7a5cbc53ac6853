"""``airflow-ecs-dag show``: the DAGs of a file as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.next_runs import duration_words, in_words, next_runs
from airflow_ecs_dag_cli.plain_values import plain_value
from airflow_ecs_dag_cli.task_words import SAID, work
from airflow_ecs_dag_cli.validate_command import (
    UNREADABLE,
    print_nothing_found,
    print_unreadable,
    print_verdict,
    printable,
    status_of,
    verdict_json,
    write_json,
)
from airflow_ecs_dag_cli.verdicts import judge
from airflow_ecs_dag_schema import EmailAlert
from airflow_ecs_dag_schema.limits import LABEL_BYTES, TASK_DEFINITION_BYTES, compact_size
from airflow_ecs_dag_schema.packed import is_packed
from airflow_ecs_dag_schema.schedule import Continuous, DeltaDataInterval, DeltaTrigger
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.next_runs import NextRun
    from airflow_ecs_dag_cli.verdicts import Verdict
    from airflow_ecs_dag_schema import DagSpec

_OWN_SECTIONS = frozenset(
    {"dag_id", "schedule", "tasks", "alerts", "ecs", "defaults", "deadline", "params", "groups", "doc_md"}
)
_TITLE = 16
_LABELS_OF_2019 = {
    "airflow.dag.max_active_tasks": "airflow.dag.concurrency",
    "airflow.dag.defaults.retries": "airflow.dag.retries",
    "airflow.dag.defaults.depends_on_past": "airflow.dag.depends_on_past",
}
"""What a field's label was called in 2019, where that differs."""


def show_file(name: str, *, after: datetime, as_json: bool = False) -> int:
    """Print the DAGs of a file on stdout.

    Args:
        name: The file.
        after: The next runs are those after this moment.
        as_json: Whether as one JSON document.

    Returns:
        The exit status, as ``validate`` has it.
    """
    console = Console(highlight=False, soft_wrap=True)
    file = judge(name)
    if file.error:
        print_unreadable(file)
        return UNREADABLE
    status = status_of(file.verdicts)
    if as_json:
        dags = [_verdict_json(verdict, after) for verdict in file.verdicts]
        write_json({"file": file.name, "kind": str(file.kind), "dags": dags})
        return status
    if not file.verdicts:
        print_nothing_found(file, console)
    for number, verdict in enumerate(file.verdicts):
        if number:
            console.print()
        print_verdict(verdict, file, console)
        for title, text in _sections(verdict, after):
            console.print(f"  [cyan]{title:<{_TITLE}}[/cyan] {escape(printable(text))}")
    return status


def _verdict_json(verdict: Verdict, after: datetime) -> dict[str, Any]:
    """Return a DAG as JSON has it; what only the deployment knows is in ``stand_ins``, not in ``dag``."""
    spec = verdict.spec
    known = spec is not None and not any(key.startswith("airflow.dag.s") for key in verdict.stand_ins)
    runs = next_runs(spec, after=after) if spec is not None and known else []
    return {
        **verdict_json(verdict),
        "dag": None if spec is None else plain_value(spec),
        "stand_ins": {key: without_tokens(text) for key, text in verdict.stand_ins.items()},
        "schedule": in_words(spec.schedule) if spec is not None and known else None,
        "next_runs": [{"starts": run.starts.isoformat(), "date": run.date.isoformat()} for run in runs],
        "size": _size(verdict),
    }


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
    if spec.doc_md:
        yield "doc_md", f"{spec.doc_md.strip().partition(chr(10))[0]} ({len(spec.doc_md):,} characters)"
    said = [f"{name} {_text(value, verdict, f'airflow.dag.defaults.{name}')}" for name, value in _given(spec.defaults)]
    if said:
        yield "defaults", ", ".join(said)
    if spec.deadline is not None:
        interval = _text(spec.deadline.interval, verdict, "airflow.dag.deadline.interval")
        yield "deadline", f"{interval} after {spec.deadline.reference}"
    for alert in spec.alerts:
        to = f"e-mail to {', '.join(alert.to)}" if isinstance(alert, EmailAlert) else f"profile {alert.profile}"
        yield "alert", f"{without_tokens(to)} on {', '.join(alert.on)}"
    for number, (name, param) in enumerate(spec.params.items()):
        said = [
            f"{field} {_text(value, verdict, f'airflow.dag.params.{name}.{field}')}"
            for field, value in _given(param)
            if field != "kind"
        ]
        yield ("" if number else "params"), ", ".join([f"{name} ({param.kind})", *said])
    for number, group in enumerate(spec.groups):
        said = [_text(each, verdict, "") for each in (group.display_name, group.tooltip) if each is not None]
        yield ("" if number else "groups"), f"{group.group_id}: {', '.join(said)}" if said else group.group_id


def _schedule_lines(spec: DagSpec, verdict: Verdict, after: datetime) -> Iterator[tuple[str, str]]:
    unknown = [
        without_tokens(text) for key, text in verdict.stand_ins.items() if key.startswith("airflow.dag.schedule")
    ]
    if unknown:
        yield "schedule", f"known only after the deployment: {', '.join(unknown)}"
        return
    yield "schedule", in_words(spec.schedule)
    if spec.start_date is None or spec.schedule.kind == "assets" or "airflow.dag.start_date" in verdict.stand_ins:
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
        words = {edge.upstream: f" ({_text(edge.label, verdict, '')})" for edge in task.edge_labels}
        arrows = ", ".join(f"{each}{words.get(each, '')}" for each in task.upstream)
        before = f"{arrows} >> " if arrows else ""
        said = [
            f"{name} {_text(value, verdict, f'airflow.tasks.{spec.keys[task_id]}.{name}')}"
            for name, value in _given(task)
            if name not in SAID
        ]
        details = f"  [{', '.join(said)}]" if said else ""
        yield f"{before}{task_id:<{0 if before else width}}  {work(task)}{details}"


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
            return " ".join(f"{name} {_text(item, verdict, '')}" for name, item in _given(value))
        case _:
            return without_tokens(str(value))


def _size(verdict: Verdict) -> str:
    """Return what the limits say; a value that the deployment fills in counts as nothing."""
    labels = {key: without_tokens(text, by="") for key, text in verdict.labels.items() if key.startswith("airflow.")}
    size, what = verdict.definition.size, "task definition"
    if size is None:
        size, what = compact_size(labels), "labels"
    what = f"{what}, packed," if is_packed(labels) else what
    bytes_, largest = max((len(f"{key}{text}".encode(errors="surrogatepass")), key) for key, text in labels.items())
    return f"{what} {size:,} of {TASK_DEFINITION_BYTES:,} bytes; largest label {largest}, {bytes_:,} of {LABEL_BYTES:,}"

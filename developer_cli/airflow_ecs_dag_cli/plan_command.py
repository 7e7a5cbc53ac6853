"""``airflow-ecs-dag plan``: what a deploy would change, before it is one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.dag_changes import dag_changes, stack_name
from airflow_ecs_dag_cli.graph_command import graph_lines
from airflow_ecs_dag_cli.plan_words import change_lines, plan_json
from airflow_ecs_dag_cli.task_graph import task_graph
from airflow_ecs_dag_cli.validate_command import (
    REFUSED,
    UNREADABLE,
    counted,
    print_nothing_found,
    print_unreadable,
    print_verdict,
    printable,
    status_of,
    verdict_json,
    write_json,
)
from airflow_ecs_dag_cli.verdicts import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from airflow_ecs_dag_cli.dag_changes import DagChange
    from airflow_ecs_dag_cli.verdicts import FileVerdict, Verdict

_MARKS = {
    "added": "[green]+[/green]",
    "removed": "[red]-[/red]",
    "changed": "[yellow]~[/yellow]",
    "unchanged": "[dim]=[/dim]",
    "unknown": "[red]?[/red]",
}
_TITLE = 16


def show_plan(
    name: str,
    *,
    against: str | None,
    read_deployed: Callable[[FileVerdict], FileVerdict] | None = None,
    after: datetime,
    as_json: bool = False,
) -> int:
    """Print what deploying a file would change, on stdout.

    Args:
        name: What would be deployed.
        against: What is deployed, as a file; ``None`` if ``read_deployed`` tells.
        read_deployed: Asks AWS what is deployed of the DAGs of a file.
        after: The next runs are those after this moment.
        as_json: Whether as one JSON document.

    Returns:
        The exit status: 0 if every DAG will be taken, 1 if one will not or there is none, 2 if a side can't be read.
    """
    new = judge(name)
    if new.error:
        return _fail(new, as_json=as_json)
    old = read_deployed(new) if read_deployed is not None else judge(str(against))
    if old.error:
        return _fail(old, as_json=as_json)
    changes = dag_changes(old.verdicts, new.verdicts)
    taken = {id(change): problem for change in changes if (problem := _taken(change, new, is_aws=against is None))}
    status = REFUSED if taken else status_of(new.verdicts)
    if as_json:
        dags = [_json(change, taken.get(id(change)), after) for change in changes]
        write_json({"ok": status == 0, "error": None, "before": old.name, "after": new.name, "dags": dags})
        return status
    _print(changes, old, new, taken, after)
    return status


def _fail(side: FileVerdict, *, as_json: bool) -> int:
    if as_json:
        write_json({"ok": False, "error": f"{side.name}: {side.error}", "dags": []})
    else:
        print_unreadable(side)
    return UNREADABLE


def _taken(change: DagChange, new: FileVerdict, *, is_aws: bool) -> str | None:
    """Return why Airflow won't take a DAG whose id another stack's task definition has."""
    if change.moves is None or not is_aws or change.before is None or change.before.spec is None:
        return None
    name = stack_name(change.before.spec.stack)
    if name in new.stacks:
        return None
    return (
        f"the dag id belongs to the task definition {change.moves[0]}"
        f"{f' of the stack {name}' if name else ''}, which had it first, and Airflow will refuse this one: "
        "choose another dag id, or remove that one first"
    )


def _print(
    changes: list[DagChange], old: FileVerdict, new: FileVerdict, taken: dict[int, str], after: datetime
) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if not new.verdicts:
        print_nothing_found(new, console)
    for change in changes:
        problem = taken.get(id(change))
        _print_change(change, new, console)
        if problem:
            console.print(f"    [red]{escape(printable(problem))}[/red]")
        for title, text in () if change.kind in {"unchanged", "unknown"} else change_lines(change, after):
            console.print(f"  [cyan]{title:<{_TITLE}}[/cyan] {escape(printable(text))}".rstrip())
        for line in _graphs(change):
            console.print(line)
    counts = Counter(change.kind for change in changes)
    said = ", ".join(f"{counts[kind]} {kind}" for kind in _MARKS if counts[kind]) or "nothing to deploy"
    console.print(
        f"{escape(printable(old.name))} -> {escape(printable(new.name))}: {counted(len(changes), 'DAG')}, {said}"
    )


def _print_change(change: DagChange, new: FileVerdict, console: Console) -> None:
    verdict = change.verdict
    dag_id = escape(printable(verdict.dag_id) or "(a DAG without an id)")
    console.print(f"{_MARKS[change.kind]} [bold]{dag_id}[/bold] {change.kind}")
    if change.after is not None and change.after.findings:
        print_verdict(change.after, new, console)
    elif change.kind == "unknown":
        console.print("    the one that is there can't be read, so nothing is compared")


def _graphs(change: DagChange) -> Iterator[str]:
    """Yield the graph before and after, where it differs; of a new DAG, its graph."""
    if change.kind == "added":
        yield from _graph("graph", change.after)
    elif change.kind == "changed" and change.graph_differs:
        yield from _graph("graph before", change.before)
        yield from _graph("graph after", change.after)


def _graph(title: str, verdict: Verdict | None) -> Iterator[str]:
    if verdict is None or verdict.spec is None:
        return
    yield f"  [cyan]{title}[/cyan]"
    for line in graph_lines(task_graph(verdict.spec, dag_id=verdict.dag_id, stand_ins=verdict.stand_ins)):
        yield f"    {line}" if line else ""


def _json(change: DagChange, problem: str | None, after: datetime) -> dict[str, Any]:
    verdict = None if change.after is None else verdict_json(change.after)
    ok = verdict is None or (verdict["ok"] and problem is None)
    return {
        **plan_json(change, after),
        "ok": ok,
        "problem": problem,
        "problems": [] if verdict is None else verdict["problems"],
    }

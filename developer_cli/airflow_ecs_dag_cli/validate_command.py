"""``airflow-ecs-dag validate``: what the loader will say about files, before anything is deployed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.paragraphs import UNREADABLE_FILE, print_place, print_told
from airflow_ecs_dag_cli.verdicts import judge
from airflow_ecs_dag_schema import Policy, PolicyError
from airflow_ecs_dag_schema.troubleshooting import where_raised, where_told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from airflow_ecs_dag_cli.verdicts import FileVerdict, Finding, Verdict

ACCEPTED, REFUSED, UNREADABLE = 0, 1, 2
_NOTHING_FOUND = "no Airflow labels in it, so no DAG (a DAG's labels begin with airflow.dag. or airflow.tasks.)"


def validate_files(names: Sequence[str], *, policy_file: Path | None = None, as_json: bool) -> int:
    """Judge each file, under the policy of a file if one is named, and print the verdicts on stdout.

    Returns:
        The exit status: 0 if every DAG will be taken, 1 if one will not or there is none, 2 if a file can't be read.
    """
    try:
        policy = None if policy_file is None else Policy.read(policy_file)
    except PolicyError as error:
        sys.stderr.write(f"{error}\n{where_raised(error)}\n")
        return UNREADABLE
    files = [judge(name, policy) for name in names]
    status = _status(files)
    if as_json:
        document = {"ok": status == ACCEPTED, "files": [_file_json(file) for file in files]}
        write_json(document)
    else:
        _print(files, Console(highlight=False, soft_wrap=True))
    return status


def _status(files: Sequence[FileVerdict]) -> int:
    if any(file.error for file in files):
        return UNREADABLE
    return status_of([verdict for file in files for verdict in file.verdicts])


def status_of(verdicts: Sequence[Verdict]) -> int:
    """Return the exit status of files that can be read: 0 if every DAG will be taken, 1 if one will not or none is."""
    return REFUSED if not verdicts or any(verdict.findings for verdict in verdicts) else ACCEPTED


def _print(files: Sequence[FileVerdict], console: Console) -> None:
    for file in files:
        if file.error:
            console.print(f"[red]✗[/red] {escape(printable(file.name))}: {escape(file.error)}")
        elif not file.verdicts:
            print_nothing_found(file, console)
        for verdict in file.verdicts:
            print_verdict(verdict, file, console)
    verdicts = [verdict for file in files for verdict in file.verdicts]
    problems = sum(len(verdict.findings) for verdict in verdicts)
    unreadable = sum(bool(file.error) for file in files)
    if unreadable:
        print_place(console, UNREADABLE_FILE)
    summary = [counted(len(verdicts), "DAG"), counted(problems, "problem")]
    console.print(", ".join([*summary, *([f"{counted(unreadable, 'file')} unreadable"] if unreadable else [])]))


def print_nothing_found(file: FileVerdict, console: Console) -> None:
    """Print that a file has no DAG."""
    console.print(f"[yellow]![/yellow] {escape(printable(file.name))}: {file.kind}: {_NOTHING_FOUND}")


def print_unreadable(file: FileVerdict) -> None:
    """Print on stderr why a file can't be read."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[red]error[/red]: {escape(printable(file.name))}: {escape(file.error)}")
    print_place(console, UNREADABLE_FILE)


def print_verdict(verdict: Verdict, file: FileVerdict, console: Console) -> None:
    """Print a verdict: the DAG and where it is, each problem, each notice, each note."""
    mark = "[red]✗[/red]" if verdict.findings else "[green]✓[/green]"
    name = printable(verdict.dag_id) or "(a DAG without an id)"
    where = ", ".join(part for part in (f"{file.kind} {printable(file.name)}", verdict.place) if part)
    console.print(f"{mark} [bold]{escape(name)}[/bold] [dim]{escape(where)}[/dim]")
    for finding in verdict.findings:
        console.print(f"    {escape(printable(_place(verdict, finding)))}[red]{escape(str(finding.problem))}[/red]")
    print_told(console, (where_told(str(finding.problem)) for finding in verdict.findings), indent=" " * 4)
    for notice in verdict.notices:
        message = f"{notice.problem.path}: {notice.problem.message}"
        console.print(f"    {escape(printable(_place(verdict, notice)))}[yellow]notice[/yellow]: {escape(message)}")
    for note in verdict.notes:
        console.print(f"    [yellow]note[/yellow]: {escape(printable(note))}")


def _place(verdict: Verdict, finding: Finding) -> str:
    """Return ``file:line:column: ``, as editors and CI understand it."""
    return "" if finding.position is None else f"{verdict.definition.file}:{finding.position}: "


def write_json(document: Mapping[str, Any]) -> None:
    """Print a document on stdout, as scripts read it."""
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


def printable(text: str) -> str:
    """Return ``text`` without what moves a terminal's cursor."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def counted(number: int, thing: str) -> str:
    """Return a number with its noun: ``1 DAG``, ``2 DAGs``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _file_json(file: FileVerdict) -> dict[str, Any]:
    return {
        "file": file.name,
        "kind": None if file.kind is None else str(file.kind),
        "error": file.error or None,
        "dags": [verdict_json(verdict) for verdict in file.verdicts],
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON has it."""
    return {
        "dag_id": verdict.dag_id or None,
        "file": verdict.definition.file,
        "place": verdict.place or None,
        "ok": not verdict.findings,
        "problems": [_finding_json(finding) for finding in verdict.findings],
        "notices": [_finding_json(notice) for notice in verdict.notices],
        "notes": list(verdict.notes),
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "path": finding.problem.path,
        "message": finding.problem.message,
        "value": finding.problem.value,
        "line": None if finding.position is None else finding.position.line,
        "column": None if finding.position is None else finding.position.column,
    }

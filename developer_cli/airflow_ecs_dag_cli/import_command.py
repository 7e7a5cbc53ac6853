"""``airflow-ecs-dag import``: labels, or a YAML file of dag-factory's, as a Python file that uses the construct."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.dag_factory import dag_factory_dags, is_dag_factory
from airflow_ecs_dag_cli.definition_files import STDIN, read_file
from airflow_ecs_dag_cli.labelled_dags import labelled_dags
from airflow_ecs_dag_cli.paragraphs import NOT_IMPORTED, UNREADABLE_FILE, print_place
from airflow_ecs_dag_cli.python_dag import python_file
from airflow_ecs_dag_cli.source_document import UnreadableFileError
from airflow_ecs_dag_cli.validate_command import ACCEPTED, REFUSED, UNREADABLE, counted, printable

if TYPE_CHECKING:
    from airflow_ecs_dag_cli.import_losses import Imported


def import_file(
    name: str,
    *,
    output: Path | None = None,
    form: str = "auto",
    partial: bool = False,
    width: int,
) -> int:
    """Write the DAGs of a file as Python; say on stderr what can't be carried over.

    Args:
        name: The file, a folder with a synthesized app, or ``-``.
        output: The file to be made; without it, stdout.
        form: What the file is: ``labels`` or ``dag-factory``, or ``auto`` to find out.
        partial: Whether to write what can be, where something can't.
        width: Characters of a line.

    Returns:
        The exit status: 0 if it is written, 1 if something can't be carried over and nothing is written, 2 if the
        file can't be read or written.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        imported = _read(name, form)
    except UnreadableFileError as error:
        console.print(f"[red]error[/red]: {escape(printable(name))}: {escape(printable(str(error)))}")
        print_place(console, UNREADABLE_FILE)
        return UNREADABLE
    for loss in imported.losses:
        where = f"{loss.where}: " if loss.where else ""
        dag = f"{loss.dag_id}: " if loss.dag_id else ""
        console.print(f"[red]✗[/red] {escape(printable(where + dag + loss.text))}")
    if imported.losses:
        print_place(console, NOT_IMPORTED)
    for note in imported.notes:
        console.print(f"[yellow]note[/yellow]: {escape(printable(note))}")
    if not imported.dags and not imported.losses:
        message = f"{imported.kind}: no DAG in it, so nothing was written"
        console.print(f"[yellow]![/yellow] {escape(printable(name))}: {escape(message)}")
        return REFUSED
    if not imported.dags or (imported.losses and not partial):
        hint = ": change what is named, or write the rest with --partial" if imported.dags else ""
        console.print(f"nothing was written, {counted(len(imported.losses), 'part')} can't be carried over{hint}")
        return REFUSED
    return _write(python_file(imported.dags, width=width), output, imported, console)


def _read(name: str, form: str) -> Imported:
    if form == "labels" or (form == "auto" and name != STDIN and Path(name).is_dir()):
        return labelled_dags(name)
    source = read_file(name)
    if form == "dag-factory" or is_dag_factory(source.value):
        return dag_factory_dags(source, name)
    return labelled_dags(name, source)


def _write(text: str, output: Path | None, imported: Imported, console: Console) -> int:
    if output is None:
        sys.stdout.write(text)
        return ACCEPTED
    try:
        _make(output, text)
    except FileExistsError:
        message = "it is there already, and nothing was written: name another file with --output, or remove it"
        console.print(f"[red]error[/red]: {escape(printable(str(output)))}: {message}")
        print_place(console, NOT_IMPORTED)
        return UNREADABLE
    except OSError as error:
        message = f"it can't be written: {error.strerror}; name another file with --output"
        console.print(f"[red]error[/red]: {escape(printable(str(output)))}: {escape(message)}")
        print_place(console, NOT_IMPORTED)
        return UNREADABLE
    names = ", ".join(printable(dag.name) for dag in imported.dags[:5])
    more = f" and {len(imported.dags) - 5} more" if imported.dags[5:] else ""
    console.print(f"[green]✓[/green] {escape(printable(str(output)))}: {escape(names + more)}")
    return ACCEPTED


def _make(path: Path, text: str) -> None:
    """Write a new file, whole or not at all.

    Raises:
        FileExistsError: It is there already.
    """
    if os.path.lexists(path):
        raise FileExistsError
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        Path(unfinished).chmod(0o666 & ~mask)
        os.link(unfinished, path)
    finally:
        Path(unfinished).unlink()

"""Where the documentation tells of what a command has printed, below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from airflow_ecs_dag_schema.troubleshooting import told_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

UNREADABLE_FILE = "a-file-cant-be-read-or-has-no-dag"
NOT_IMPORTED = "a-file-cant-be-imported-or-not-all-of-it"
FOUND = "list-and-doctor-find-something"


def print_place(console: Console, place: str) -> None:
    """Print the line that leads to a paragraph."""
    print_told(console, [told_at(place)])


def print_told(console: Console, lines: Iterable[str], *, indent: str = "") -> None:
    """Print lines that lead to paragraphs, each once."""
    for line in dict.fromkeys(lines):
        console.print(f"[dim]{indent}{escape(line)}[/dim]")

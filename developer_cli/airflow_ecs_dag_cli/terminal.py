"""What a person sees while the command works: one line a step, with how long it took."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from collections.abc import Iterator


class Step:
    """A step that is under way; what is said of it appears beside its title."""

    def __init__(self, terminal: Terminal, title: str) -> None:
        self._terminal = terminal
        self.title = title
        self.result = ""

    def progress(self, text: str) -> None:
        """Say what the step does just now."""
        self._terminal.show_progress(f"{self.title}: {text}")

    def done(self, result: str) -> None:
        """Say what came of the step, for its closing line."""
        self.result = result


class Terminal:
    """Writes to stderr, so that stdout is the container's own lines. Colours respect ``NO_COLOR``."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._output = Console(highlight=False, soft_wrap=True, markup=False)
        self._status = self._console.status("")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step from its begin to its end, with a spinner where the terminal can move."""
        step = Step(self, title)
        started = time.monotonic()
        if self._console.is_terminal:
            self._status.update(escape(title))
            self._status.start()
        else:
            self._console.print(f"  {escape(title)} ...")
        try:
            yield step
        except BaseException:
            self._status.stop()
            self._console.print(f"[red]✗[/red] {escape(title)} ({time.monotonic() - started:.1f} s)")
            raise
        self._status.stop()
        result = f": {step.result}" if step.result else ""
        self._console.print(
            f"[green]✓[/green] {escape(title + result)} [dim]({time.monotonic() - started:.1f} s)[/dim]"
        )

    def show_progress(self, text: str) -> None:
        """Replace the text beside the spinner; nothing where the terminal can't move."""
        if self._console.is_terminal:
            self._status.update(escape(text))

    def say(self, text: str = "") -> None:
        """Write a line about the work."""
        self._console.print(escape(text))

    def warn(self, text: str) -> None:
        """Write a line that asks for attention."""
        self._console.print(f"[yellow]![/yellow] {escape(text)}")

    def fail(self, error: str | BaseException) -> None:
        """Write why the command ends without success, and where the documentation tells of it."""
        self._console.print(f"[red]error[/red]: {escape(str(error))}")
        if isinstance(error, BaseException):
            self._say_where_told(error)

    def _say_where_told(self, error: BaseException) -> None:
        from airflow_ecs_dag_cli.paragraphs import print_told  # noqa: PLC0415 - the contract, for an error only
        from airflow_ecs_dag_schema.troubleshooting import where_raised  # noqa: PLC0415 - as above

        if (told := where_raised(error)) is not None:
            print_told(self._console, [told])

    def container_line(self, task_id: str, text: str) -> None:
        """Write a line of a task's log to stdout."""
        self._output.print(f"{task_id} | {text}")

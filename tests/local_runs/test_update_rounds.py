"""An app that writes among its own sources: its updates come to an end, and a person's save is still taken."""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console

from airflow_ecs_dag_cli.live_update import LiveUpdate
from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_cli.source_watch import SourceWatch
from airflow_ecs_dag_cli.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_cli.local_project import LocalProject

PATIENCE = 30.0
MOST_ROUNDS = 10


class WritingApp:
    """A project whose app writes the number of its synthesis beside itself, and then has a mistake."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "stamp.txt"
        self._number = itertools.count()
        self.airflow: Any = self

    def check(self) -> None:
        """Airflow is well."""

    def redeploy(self) -> None:
        self._file.write_text(str(next(self._number)))
        raise LocalRunError("the app has a mistake")


def test_rounds_end_and_a_save_begins_a_new_one(tmp_path: Path) -> None:
    said = io.StringIO()
    terminal = Terminal(Console(file=said, soft_wrap=True))
    with SourceWatch(tmp_path) as watch:
        update = LiveUpdate(cast("LocalProject", WritingApp(tmp_path)), watch, terminal)
        for number in range(2):
            (tmp_path / "app.py").write_text(f"# {number}")
            assert update.wait(within=PATIENCE)
            rounds = 0
            while update.wait(within=2):  # as the command does; the system tells of the app's own file by then
                rounds += 1
                assert rounds < MOST_ROUNDS, said.getvalue()
    text = said.getvalue()
    assert text.count("changed: app.py") == 2
    assert "stamp.txt changes each time the app is synthesized" in text
    assert "the app has a mistake" in text

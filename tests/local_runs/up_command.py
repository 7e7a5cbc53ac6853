"""``airflow-ecs-dag up`` as a person has it in a terminal: what it says, line after line, until Ctrl-C."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from airflow_ecs_dag_cli.airflow_api import AirflowApi

if TYPE_CHECKING:
    from types import TracebackType

COMMAND = Path(sys.executable).with_name("airflow-ecs-dag")
PATIENCE = 300.0
"""Seconds for which the next line may take to come; not what it should take."""


class Up:
    """The running command; a context manager.

    Args:
        project: The project's folder.
        options: More options of the command.
    """

    def __init__(self, project: Path, *options: str) -> None:
        self._command = [str(COMMAND), "up", "--project", str(project), "--engine", "process", "--port", "0", *options]
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.said: list[str] = []
        self.returncode: int | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env=os.environ | {"NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            self.returncode = self._process.wait(60)
        finally:
            self._process.kill()

    def line_with(self, text: str) -> str:
        """Return the next line that has ``text`` in it."""
        while True:
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, "the command ended:\n" + "".join(self.said)
            self.said.append(line)
            if text in line:
                return line

    def api(self) -> AirflowApi:
        """Return Airflow's API, once the command has said where it is."""
        found = re.search(r"Airflow: (http://\S+)", self.line_with("(Ctrl-C stops both)"))
        assert found is not None
        return AirflowApi(found[1])

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

"""One run of the real ``airflow dag-processor`` in an Airflow of its own, watched from outside."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOOK = 0.25
"""Seconds between two looks at the database."""
_MEMORY_LOOK = 1.0
_END = 30.0
"""Seconds for which a processor may take to end once it is told to."""


@dataclass(frozen=True)
class Pass:
    """What a DAG processor came to.

    Attributes:
        dags: Serialized DAGs in the database.
        wall: Seconds from the start of the process until the last of them was there.
        cpu: CPU seconds of the process tree up to its end.
        peak: MiB that the process tree had at most, each shared page counted once.
    """

    dags: int
    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Airflow:
    """An Airflow with a database of its own.

    Attributes:
        python: That of its environment.
        home: Its ``AIRFLOW_HOME``.
        settings: Environment variables, beside those that every Airflow of a benchmark has.
    """

    python: Path
    home: Path
    settings: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of its processes."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self._database}",
            "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False",
            "DO_NOT_TRACK": "1",
            **self.settings,
        }

    @property
    def _database(self) -> Path:
        return self.home / "airflow.db"

    def make_database(self, template: Path) -> None:
        """Have an empty database: a copy of ``template``, which is made if it isn't there."""
        self.home.mkdir(parents=True, exist_ok=True)
        if not template.exists():
            migrate = [str(self.python), "-m", "airflow", "db", "migrate"]
            subprocess.run(migrate, env=self.environment, check=True, capture_output=True)
            with closing(sqlite3.connect(self._database)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(self._database, template)
        shutil.copy(template, self._database)

    def serialized(self) -> set[str]:
        """Return the ids of the DAGs that the database has, serialized and not stale."""
        query = "select d.dag_id from dag d join serialized_dag s on s.dag_id = d.dag_id where not d.is_stale"
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=10)) as connection:
            return {row[0] for row in connection.execute(query)}

    @contextmanager
    def processor(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run a DAG processor meanwhile; what it prints is in ``processor.log``."""
        command = [str(self.python), "-m", "airflow", "dag-processor"]
        with (
            (self.home / "processor.log").open("wb") as log,
            subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, cwd=self.home) as process,
        ):
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(_END)
                except subprocess.TimeoutExpired:
                    process.kill()


def one_pass(airflow: Airflow, wanted: int, limit: float) -> Pass:
    """Run a DAG processor until the database has ``wanted`` DAGs, or for ``limit`` seconds."""
    began = time.monotonic()
    found, last, peak, looked = 0, 0.0, 0.0, 0.0
    used = _children_cpu()
    with airflow.processor() as process:
        while (now := time.monotonic() - began) < limit and found < wanted and process.poll() is None:
            time.sleep(_LOOK)
            count = len(airflow.serialized())
            if count > found:
                found, last = count, time.monotonic() - began
            if now - looked > _MEMORY_LOOK:
                peak, looked = max(peak, tree_memory(process.pid)), now
    return Pass(found, last, _children_cpu() - used, peak)


def _children_cpu() -> float:
    """Return the CPU seconds of this process's children that have ended, with all that they waited for."""
    times = os.times()
    return times.children_user + times.children_system


def tree_memory(pid: int) -> float:
    """Return the MiB of a process and all below it, each shared page counted once."""
    pages = 0
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        try:
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
            waiting += [int(child) for child in Path(f"/proc/{each}/task/{each}/children").read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
        pages += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return pages / 1024

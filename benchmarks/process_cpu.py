"""The CPU time of Airflow's processes, and what its DAG processor was asked to do."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Sequence

_TICKS = os.sysconf("SC_CLK_TCK")
_GROUP, _TIMES = 2, slice(11, 15)
"""Fields of /proc/PID/stat behind the command: the process group; the CPU times, with those of ended children."""
_ASKED = text("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'callback'")
_WAITING = text("SELECT count(*) FROM callback")


@dataclass(frozen=True)
class Spent:
    """What was spent up to a moment, or between two.

    Attributes:
        wall: Seconds.
        processor: CPU seconds of the DAG processor and of the processes that it parses in.
        scheduler: Those of the scheduler and the LocalExecutor's workers.
        asked: Callbacks that the DAG processor was asked to call, each with a parse of the DAG's file.
    """

    wall: float = 0.0
    processor: float = 0.0
    scheduler: float = 0.0
    asked: int = 0

    def __add__(self, other: Self) -> Spent:
        return Spent(
            self.wall + other.wall,
            self.processor + other.processor,
            self.scheduler + other.scheduler,
            self.asked + other.asked,
        )

    def __sub__(self, other: Self) -> Spent:
        return Spent(
            self.wall - other.wall,
            self.processor - other.processor,
            self.scheduler - other.scheduler,
            self.asked - other.asked,
        )

    def beyond(self, idle: Spent) -> Spent:
        """Return it without what Airflow spends anyway, as it did in ``idle``."""
        share = self.wall / idle.wall
        return Spent(
            self.wall, self.processor - idle.processor * share, self.scheduler - idle.scheduler * share, self.asked
        )


class Meter:
    """Reads what was spent.

    Args:
        database_url: Airflow's, of PostgreSQL.
        processors: Process groups of the DAG processors.
        scheduler: That of the scheduler.
    """

    def __init__(self, database_url: str, *, processors: Sequence[int], scheduler: int) -> None:
        self._engine = create_engine(database_url)
        self._processors, self._scheduler = processors, scheduler

    def read(self) -> Spent:
        """Return what was spent so far; the callbacks are those that PostgreSQL has counted a second ago."""
        with self._engine.connect() as connection:
            asked = connection.execute(_ASKED).scalar() or 0
        return Spent(time.monotonic(), sum(map(group_cpu, self._processors)), group_cpu(self._scheduler), asked)

    def is_done(self) -> bool:
        """Whether no callback waits for the DAG processor."""
        with self._engine.connect() as connection:
            return not connection.execute(_WAITING).scalar()


def group_cpu(group: int) -> float:
    """Return the CPU seconds of the processes of a group, and of their children that have ended."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[_GROUP]) == group:
            ticks += sum(map(int, fields[_TIMES]))
    return ticks / _TICKS

"""How often this process reads container lines: a share of what AWS lets an account read, the same for all streams.

With more streams, each is read less often. None fails for that, and no task either.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_READS_A_SECOND = 5.0
"""Half of the 10 GetLogEvents a second that AWS lets an account make in a region: others read logs, too."""
_LEAST_A_SECOND = 0.2
_RECOVERS = 0.02
"""What each read that was answered gives back, as a part of the full rate, after AWS took no more."""
_ONE_CUT = 1.0
"""Seconds within which refusals count as one: they were under way together."""


class LogReads:
    """One queue for the reads of many threads: those of ended containers first, then in the order in which they came.

    Args:
        reads_a_second: What is read at most; less for a while after AWS refused a read.
        clock: Seconds that only go up.
        sleep: Waits for so many seconds.

    Raises:
        ValueError: ``reads_a_second`` is not above 0.
    """

    def __init__(
        self,
        reads_a_second: float = DEFAULT_READS_A_SECOND,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not reads_a_second > 0:
            raise ValueError(
                f"log_reads_per_second is {reads_a_second!r}: give a number above 0, such as {DEFAULT_READS_A_SECOND:g}"
            )
        self._most = reads_a_second
        self._a_second = reads_a_second
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._cut_at = -_ONE_CUT + self._next
        self._order = itertools.count()
        self._waiting: list[tuple[bool, int]] = []
        self._changed = threading.Condition()

    @property
    def a_second(self) -> float:
        """Reads a second at present."""
        return self._a_second

    def take(self, *, has_ended: bool = False) -> None:
        """Wait until the next read may be made.

        Args:
            has_ended: Whether the container has; its Airflow task waits for what it said last.
        """
        turn = (not has_ended, next(self._order))
        with self._changed:
            heapq.heappush(self._waiting, turn)
        try:
            while (wait := self._wait_of(turn)) > 0:
                self._sleep(wait)
        except BaseException:
            # A worker's task may be timed out or stopped here; who waits behind it must not wait for ever.
            with self._changed:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                    heapq.heapify(self._waiting)
                self._changed.notify_all()
            raise

    def answered(self) -> None:
        """Count a read that AWS took."""
        with self._changed:
            self._a_second = min(self._most, self._a_second + _RECOVERS * self._most)

    def refused(self) -> None:
        """Count a read that was one too many for AWS: all streams are read half as often, and soon as often again."""
        with self._changed:
            now = self._clock()
            if now - self._cut_at >= _ONE_CUT:
                self._cut_at = now
                self._a_second = max(min(_LEAST_A_SECOND, self._most), self._a_second / 2)
                self._next = max(self._next, now) + 1 / self._a_second

    def _wait_of(self, turn: tuple[bool, int]) -> float:
        """Return the seconds until ``turn``, which is the first one, may come again; 0 if it has come."""
        with self._changed:
            while self._waiting[0] != turn:
                self._changed.wait()
            now = self._clock()
            if now < self._next:
                # Who came meanwhile and goes first is let in by the one that waits here.
                return min(self._next - now, 1 / self._most)
            # A thread that woke late costs the others nothing, as long as it was no later than one read.
            self._next = max(self._next, now - 1 / self._a_second) + 1 / self._a_second
            heapq.heappop(self._waiting)
            self._changed.notify_all()
            return 0.0


_all: dict[tuple[str | None, str | None], LogReads] = {}
_making = threading.Lock()


def log_reads(aws_conn_id: str | None, region_name: str | None) -> LogReads:
    """Return this process's limiter for the reads with one connection in one region."""
    with _making:
        if (aws_conn_id, region_name) not in _all:
            _all[aws_conn_id, region_name] = _configured()
        return _all[aws_conn_id, region_name]


def _configured() -> LogReads:
    try:
        return LogReads(
            float(conf.getfloat("airflow_ecs_dag", "log_reads_per_second", fallback=DEFAULT_READS_A_SECOND))
        )
    except Exception as error:  # noqa: BLE001 - Airflow's own error, or the one above: no reason to fail a task
        logging.getLogger(__name__).warning("%s; %g is taken", error, DEFAULT_READS_A_SECOND)
        return LogReads()

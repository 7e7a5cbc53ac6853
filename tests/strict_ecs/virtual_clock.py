"""Time that passes only where somebody sleeps, so that a test of a minute's waiting takes none."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_T = TypeVar("_T")

EPOCH = 1_796_000_000.0
"""When the clock begins, in seconds since 1970: ECS gives out dates."""
_SHORTEST = 1e-6


class VirtualClock:
    """A clock for each thread: who sleeps moves its own time alone, as in threads that wait at the same time.

    A thread that is new begins at the last :meth:`settle`. Threads don't see each other's time, so one that waits for
    another calls :meth:`settle` afterwards.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settled = EPOCH
        self._latest = EPOCH
        self._own = threading.local()

    def now(self) -> float:
        """Return this thread's time, in seconds since 1970."""
        return max(self._settled, getattr(self._own, "time", EPOCH))

    def sleep(self, seconds: float) -> None:
        """Move this thread's time on; by so much at least that the number changes."""
        if seconds <= 0:
            return
        self._own.time = self.now() + max(_SHORTEST, seconds)
        with self._lock:
            self._latest = max(self._latest, self._own.time)

    def carrying(self, work: Callable[_P, _T]) -> Callable[_P, _T]:
        """Return ``work`` as another thread has to do it: from the time on that it is now, in this one."""
        begins = self.now()

        def from_now(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            self._own.time = begins
            return work(*args, **kwargs)

        return from_now

    def settle(self) -> float:
        """Bring all threads to the latest time that one of them has; return it."""
        with self._lock:
            self._settled = self._latest
        return self._settled

"""How long one refresh may take: the DAG processor does nothing else meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

AT_LEAST = 10
"""Steps that are always done, so that each refresh gets on, however long what came before took."""


class Budget:
    """Seconds from now on, for work in steps that may be left for the next refresh.

    Args:
        seconds: How many; ``None`` for as many as it takes.
        clock: Seconds that only go up.
    """

    def __init__(self, seconds: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds

    def now(self) -> float:
        """Return the time by its clock, in seconds."""
        return self._clock()

    def allows(self, done: int) -> bool:
        """Tell whether there is time for one step more after ``done`` of them."""
        return self._end is None or done < AT_LEAST or self._clock() < self._end

"""When to ask again after nothing answered: Airflow itself tries a refresh that failed again every few seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_WAIT = 10.0


class Backoff:
    """Counts failures that follow each other; after the second one waits, each time twice as long.

    Args:
        clock: Seconds that only go up.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._failed_at = 0.0

    def failed(self) -> None:
        """Count a failure."""
        self._failures += 1
        self._failed_at = self._clock()

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0

    def seconds_left(self, longest: float) -> float:
        """Return how long to wait from now on; 0 if not at all.

        Args:
            longest: Seconds that no wait is longer than.
        """
        if self._failures < 2:  # noqa: PLR2004 - the first may be a moment's, and what follows it in seconds is free
            return 0.0
        wait = min(longest, _FIRST_WAIT * 2.0 ** min(self._failures - 2, 20))
        return max(0.0, self._failed_at + wait - self._clock())

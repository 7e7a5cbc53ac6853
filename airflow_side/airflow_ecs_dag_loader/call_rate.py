"""How often this process asks one account and region about task definitions: a share of what AWS lets everybody ask."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

AWS_BURST = 50
AWS_CALLS_A_SECOND = 20
"""AWS's bucket of an account and region for DescribeTaskDefinition and ListTaskDefinitions together."""
DEFAULT_SHARE = 0.8


class CallRate:
    """A token bucket that several threads may take from.

    Args:
        share: The part of AWS's own bucket that may be used, above 0 and at most 1.
        clock: Seconds that only go up.
        sleep: Waits for so many seconds.

    Raises:
        ValueError: ``share`` is no such part.
    """

    def __init__(
        self,
        share: float = DEFAULT_SHARE,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"call_share is {share!r}: give a part of AWS's rate above 0 and at most 1, such as 0.8")
        self._burst = max(1.0, AWS_BURST * share)
        self._a_second = AWS_CALLS_A_SECOND * share
        self._clock = clock
        self._sleep = sleep
        self._tokens = self._burst
        self._since = clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait until the next call may be made."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._since) * self._a_second) - 1
            self._since = now
            wait = -self._tokens / self._a_second
        if wait > 0:
            self._sleep(wait)

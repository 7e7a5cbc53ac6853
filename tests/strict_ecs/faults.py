"""What can go wrong with a call, and the plan of which calls it goes wrong with."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_LONGEST_HOLD = 300.0


class Fault(Enum):
    """One way in which AWS, or the way to it, fails a call.

    The first four, and an account that is down, keep the call from being carried out. The others carry it out and spoil
    the answer, which the caller can't tell apart.
    """

    THROTTLED = "throttled"
    SERVER_ERROR = "server error"
    EXPIRED_TOKEN = "expired token"  # noqa: S105 - a fault's name
    ACCESS_DENIED = "access denied"
    ACCOUNT_DOWN = "account down"
    RESET = "connection reset"
    TIMEOUT = "read timeout"
    TRUNCATED = "truncated 200"
    EMPTY = "empty 200"
    HTML = "HTML 200"
    LOST_PAGE_TOKEN = "lost page token"  # noqa: S105 - a fault's name
    STALE_LIST = "stale list"


@dataclass(frozen=True)
class Place:
    """Where a call goes: what plans tell calls apart by."""

    account: str
    region: str
    operation: str


@dataclass(frozen=True)
class _Rule:
    """``chance`` is that of each call from the ``first`` to the ``last`` one that the rule has seen."""

    operation: str | None
    account: str | None
    region: str | None
    first: int
    last: int | None
    chance: float
    seed: int
    faults: Sequence[Fault]
    action: Callable[[], object] | None

    def concerns(self, place: Place) -> bool:
        return (
            self.operation in (None, place.operation)
            and self.account in (None, place.account)
            and self.region in (None, place.region)
        )

    def drawn(self, place: Place, occurrence: int) -> Fault | None:
        """Draw by what the call is, not by when: threads that take turns otherwise get the same faults."""
        draw = random.Random(f"{self.seed}/{place}/{occurrence}")  # noqa: S311 - no secret
        return draw.choice(self.faults) if self.faults and draw.random() < self.chance else None


class HeldCall:
    """Done by :meth:`FaultPlan.before`, keeps a call under way: AWS has got it, and looks at it once it is released."""

    def __init__(self) -> None:
        self._begun, self._released = threading.Event(), threading.Event()

    def __call__(self) -> None:
        """Hold the call."""
        self._begun.set()
        assert self._released.wait(_LONGEST_HOLD), f"not released within {_LONGEST_HOLD:g} s"

    @property
    def is_under_way(self) -> bool:
        """Whether AWS has got it."""
        return self._begun.is_set()

    def release(self) -> None:
        """Let AWS look at it."""
        self._released.set()


class FaultPlan:
    """Which calls fail, and how. Occurrences count from 1, from when a rule was made, for each place of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[_Rule, Counter[Place]]] = []

    def add(
        self,
        fault: Fault,
        operation: str | None = None,
        *,
        account: str | None = None,
        region: str | None = None,
        first: int = 1,
        count: int | None = 1,
    ) -> None:
        """Let calls fail in one way.

        Args:
            fault: What happens to them.
            operation: Such as ``RunTask``; without it, all.
            account: The number of the account they go to; without it, all.
            region: Theirs; without it, all.
            first: The first of them that fails.
            count: How many fail; with ``None``, all from the first.
        """
        last = None if count is None else first + count - 1
        self._append(_Rule(operation, account, region, first, last, 1, 0, (fault,), None))

    def sprinkle(self, faults: Iterable[Fault], *, seed: int, chance: float, operation: str | None = None) -> None:
        """Let each call fail with a chance, in one of several ways; the same seed gives the same faults."""
        ordered = sorted(faults, key=lambda fault: fault.value)
        self._append(_Rule(operation, None, None, 1, None, chance, seed, ordered, None))

    def before(
        self, operation: str, action: Callable[[], object], *, account: str | None = None, occurrence: int = 1
    ) -> None:
        """Do something right before AWS looks at a call: the world that changes while somebody scans it."""
        self._append(_Rule(operation, account, None, occurrence, occurrence, 1, 0, (), action))

    def clear(self) -> None:
        """Forget all rules: the fault is over."""
        with self._lock:
            self._rules.clear()

    def of(self, place: Place) -> Fault | None:
        """Count a call, do what was planned before it and return what happens to it."""
        actions = []
        found = None
        with self._lock:
            for rule, seen in self._rules:
                if not rule.concerns(place):
                    continue
                seen[place] += 1
                if rule.first <= seen[place] and (rule.last is None or seen[place] <= rule.last):
                    if rule.action:
                        actions.append(rule.action)
                    found = found or rule.drawn(place, seen[place])
        for action in actions:
            action()
        return found

    def _append(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append((rule, Counter()))

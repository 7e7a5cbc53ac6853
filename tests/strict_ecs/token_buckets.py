"""The rates at which ECS and CloudWatch Logs take calls, per account and region: as documented, not more generous."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Rate:
    """A bucket's size.

    Attributes:
        burst: Calls that a full bucket takes at once.
        refill: Calls that it regains in a second.
    """

    burst: float
    refill: float


TASK_DEFINITION_READS = "task definition reads"
TASK_READS = "task reads"
LOG_READS = "log reads"
REGISTRATIONS = "task definition registrations"
RATES: Mapping[str, Rate] = MappingProxyType(
    {
        TASK_DEFINITION_READS: Rate(50, 20),
        REGISTRATIONS: Rate(20, 1),
        "task changes": Rate(100, 40),
        "Fargate starts": Rate(20, 20),
        TASK_READS: Rate(100, 20),
        LOG_READS: Rate(10, 10),
    }
)
RATES_OF_READERS: Mapping[str, Rate] = MappingProxyType({name: RATES[name] for name in RATES if name != REGISTRATIONS})
"""For what registers nothing itself: only the test does, and as many as it needs."""
UNLIMITED: Mapping[str, Rate] = MappingProxyType({})

_BUCKETS: Mapping[str, str] = {
    "DescribeTaskDefinition": TASK_DEFINITION_READS,
    "ListTaskDefinitions": TASK_DEFINITION_READS,
    "ListTaskDefinitionFamilies": TASK_DEFINITION_READS,
    "RegisterTaskDefinition": REGISTRATIONS,
    "RunTask": "task changes",
    "StopTask": "task changes",
    "DescribeTasks": TASK_READS,
    "ListTasks": TASK_READS,
    "GetLogEvents": LOG_READS,
}
"""By operation. One that is absent (DeregisterTaskDefinition) has no rate that is documented."""


def buckets_of(operation: str, *, fargate: bool = False) -> tuple[str, ...]:
    """Return the names of the buckets that a call takes a token from."""
    named = (_BUCKETS[operation],) if operation in _BUCKETS else ()
    return (*named, "Fargate starts") if operation == "RunTask" and fargate else named


@dataclass
class TokenBuckets:
    """The buckets of one account and region."""

    rates: Mapping[str, Rate] = field(default_factory=lambda: RATES)
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, names: Iterable[str], now: float) -> bool:
        """Take a token from each of the buckets, or none at all; tell which."""
        levels = {name: self._level(name, now) for name in names if name in self.rates}
        if any(level < 1 for level, _ in levels.values()):
            return False
        self._levels |= {name: (level - 1, at) for name, (level, at) in levels.items()}
        return True

    def _level(self, name: str, now: float) -> tuple[float, float]:
        rate = self.rates[name]
        level, at = self._levels.get(name, (rate.burst, now))
        at_now = max(at, now)  # another thread's time may be ahead
        return min(rate.burst, level + (at_now - at) * rate.refill), at_now

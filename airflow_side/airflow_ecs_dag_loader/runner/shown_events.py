"""Which events of a log stream were shown: as much of that as another process needs to lose none and show none twice.

CloudWatch Logs gives an event no name in this answer, and makes events visible some time after they were written, a
later batch perhaps before an earlier one. So a place in a stream is no number. It is a time, before which all was
shown, and which events were shown since.
"""

from __future__ import annotations

import bisect
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pydantic import JsonValue

_MOST_EVENTS = 500
_MOST_BYTES = 256 * 1024
"""What is read again of a stream at most, as far as no single event is larger: less than a page."""
_LATEST = 30_000
"""Milliseconds by which an event may come later than one that was written after it."""


class ShownEvents:
    """The newest events that were shown, and up to where all before them were.

    Attributes:
        since: Milliseconds since 1970 from which on events are kept; all before were shown.
        before_kept: How many events of the millisecond ``since`` were shown and aren't kept.
        newest: The latest time of an event that was shown.
    """

    def __init__(self) -> None:
        self.since = 0
        self.before_kept = 0
        self.newest = 0
        self._kept: list[tuple[int, str, int]] = []
        self._bytes = 0

    def add(self, timestamp: int, message: str) -> None:
        """Keep an event that was shown."""
        size = len(message)
        self.newest = max(self.newest, timestamp)
        bisect.insort(self._kept, (timestamp, _digest(message), size), key=_timestamp)
        self._bytes += size
        while len(self._kept) > 1 and (
            len(self._kept) > _MOST_EVENTS or self._bytes > _MOST_BYTES or self._kept[0][0] < self.newest - _LATEST
        ):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Keep no more of the oldest millisecond; where there is no other one, of its first event."""
        oldest = self._kept[0][0]
        if oldest == self._kept[-1][0]:
            self.before_kept = self.before_kept + 1 if oldest == self.since else 1
            self.since, count = oldest, 1
        else:
            count = bisect.bisect_right(self._kept, oldest, key=_timestamp)
            self.since, self.before_kept = oldest + 1, 0
        self._bytes -= sum(size for _, _, size in self._kept[:count])
        del self._kept[:count]

    def unshown(self) -> Unshown:
        """Return what tells the events that are new from those that were shown, for one reading from ``since`` on."""
        kept = Counter((at, digest) for at, digest, _ in self._kept)
        return Unshown(self.since, self.before_kept, kept, newest=self.newest)

    def to_json(self) -> JsonValue:
        """Return it as plain JSON values."""
        base = self._kept[0][0] if self._kept else 0
        kept: list[JsonValue] = [f"{at - base}:{digest}:{size}" for at, digest, size in self._kept]
        return [self.since, self.before_kept, base, " ".join(map(str, kept))]

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        match value:
            case [int(since), int(before_kept), int(base), str(kept)]:
                shown = cls()
                shown.since, shown.before_kept = since, before_kept
                for each in kept.split():
                    at, digest, size = each.split(":")
                    shown._kept.append((base + int(at), digest, int(size)))
                    shown._bytes += int(size)
                shown.newest = max([since, *map(_timestamp, shown._kept)])
                return shown
            case _:
                raise ValueError(f"no events that were shown: {value!r:.200}")


class Unshown:
    """Tells, event by event in the order of the stream, which were not shown yet."""

    def __init__(self, since: int, before_kept: int, kept: Counter[tuple[int, str]], *, newest: int) -> None:
        self._since, self._skipped, self._kept, self._newest = since, before_kept, kept, newest

    def is_new(self, timestamp: int, message: str) -> bool:
        """Tell whether the next event of the stream is to be shown."""
        if timestamp > self._newest:
            return True
        if timestamp < self._since:
            return False
        if self._kept:
            name = (timestamp, _digest(message))
            if self._kept[name] > 0:
                self._kept[name] -= 1
                return False
        if timestamp == self._since and self._skipped:
            self._skipped -= 1
            return False
        return True


def _timestamp(event: tuple[int, str, int]) -> int:
    return event[0]


def _digest(message: str) -> str:
    return hashlib.blake2b(message.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()

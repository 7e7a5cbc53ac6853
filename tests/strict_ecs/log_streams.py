"""CloudWatch Logs as it is read: pages, tokens without an end, events that become visible some time after they came."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strict_ecs.wire import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MOST_EVENTS = 10_000
MOST_BYTES = 1024 * 1024
EVENT_OVERHEAD = 26
LARGEST_EVENT = 256 * 1024
TOKENS_LIVE = 24 * 3600.0
_TOKEN = re.compile(r"f/(?P<at>\d+)/(?P<number>\d+)/(?P<made>\d+)/[0-9a-f]+\Z")


@dataclass(frozen=True, order=True)
class Event:
    """One event of a stream, in the order in which it is read.

    Attributes:
        timestamp: Milliseconds since 1970, by who wrote it.
        number: In the order of writing.
        message: What it says.
        visible_at: Seconds since 1970 from which on it is read.
    """

    timestamp: int
    number: int
    message: str = field(compare=False)
    visible_at: float = field(compare=False)


@dataclass
class LogStreams:
    """The log streams of one account and region.

    Attributes:
        clock: Seconds since 1970.
        delay: Draws the seconds after which a batch becomes visible, so that a later one may be visible first.
        empty_pages: Chance of a page that has no events, and a token that leads on, where there are events.
        seed: Of that chance.
    """

    clock: Callable[[], float] = time.time
    delay: Callable[[], float] = lambda: 0.0
    empty_pages: float = 0.0
    seed: int = 0
    _streams: dict[tuple[str, str], list[Event]] = field(default_factory=dict)
    _draws: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._draws = random.Random(self.seed)  # noqa: S311 - no secret

    def put(self, group: str, stream: str, events: Iterable[tuple[int, str]]) -> None:
        """Write one batch, as the driver does: all of it becomes visible at one time.

        Args:
            group: Log group.
            stream: Log stream; the first batch makes it.
            events: Milliseconds since 1970 and message of each, in order.
        """
        visible_at = self.clock() + self.delay()
        kept = self._streams.setdefault((group, stream), [])
        for timestamp, message in events:
            if len(message.encode()) + EVENT_OVERHEAD > LARGEST_EVENT:
                raise ValueError(f"an event has at most {LARGEST_EVENT} bytes: cut it, as the driver does")
            if kept and timestamp < kept[-1].timestamp:
                raise ValueError("the driver writes a stream's events in order")
            kept.append(Event(timestamp, len(kept), message, visible_at))

    def get_log_events(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer GetLogEvents, from the head on.

        Raises:
            AwsError: No such stream, or a token that is none or too old.
        """
        group, stream = parameters.get("logGroupName"), parameters.get("logStreamName")
        if not parameters.get("startFromHead"):
            raise AwsError("InvalidParameterException", "only reading from the head is answered here")
        now = self.clock()
        events = self._streams.get((str(group), str(stream)), [])
        if not any(event.visible_at <= now for event in events):
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        after, token = (int(parameters.get("startTime", 0)), -1), parameters.get("nextToken")
        if token is not None:
            after = self._read_token(str(token), now)
        found = [each for each in events if each.visible_at <= now and (each.timestamp, each.number) > after]
        page = [] if found and self._draws.random() < self.empty_pages else _page(found, parameters.get("limit"))
        last = (page[-1].timestamp, page[-1].number) if page else after
        # At the end, the token that was given comes back; a page without events before the end has another one.
        following = str(token) if token is not None and not found else self._token(last, now)
        return {
            "events": [
                {"timestamp": each.timestamp, "message": each.message, "ingestionTime": int(each.visible_at * 1000)}
                for each in page
            ],
            "nextForwardToken": following,
            "nextBackwardToken": f"b/{after[0]}/{max(after[1], 0)}/{int(now)}",
        }

    def _read_token(self, token: str, now: float) -> tuple[int, int]:
        read = _TOKEN.match(token)
        if read is None or now - int(read["made"]) / 1000 > TOKENS_LIVE:
            raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
        return int(read["at"]), int(read["number"]) - 1

    def _token(self, after: tuple[int, int], now: float) -> str:
        """Return a token that was never given before: only the end is told by one that was."""
        return f"f/{after[0]}/{after[1] + 1}/{int(now * 1000)}/{self._draws.getrandbits(64):x}"


def _page(found: list[Event], limit: int | None) -> list[Event]:
    page: list[Event] = []
    size = 0
    for event in found[: min(limit or MOST_EVENTS, MOST_EVENTS)]:
        size += len(event.message.encode("utf-8", "replace")) + EVENT_OVERHEAD
        if page and size > MOST_BYTES:
            break
        page.append(event)
    return page

"""A container's lines, from CloudWatch Logs into the Airflow task log: in order, each once, as they become visible.

They keep the time at which the container wrote them. Airflow's page sorts the lines of all processes by time to the
millisecond, and takes a record for a repetition that equals the one before it; so lines of one millisecond get
microseconds of their own, in their order. These depend on nothing but the stream: a line that a killed process has
written and another one writes again is the same record, which Airflow's page shows once.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.aws_answers import DENIED, EXPIRED, NO_ANSWER, THROTTLED, error_code, reason
from airflow_ecs_dag_loader.runner.line_texts import shown_lines
from airflow_ecs_dag_loader.runner.log_reads import log_reads
from airflow_ecs_dag_loader.runner.shown_events import ShownEvents
from airflow_ecs_dag_loader.runner.task_output import OutputLines

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk.types import Logger
    from mypy_boto3_logs import CloudWatchLogsClient
    from pydantic import JsonValue

    from airflow_ecs_dag_loader.runner.log_reads import LogReads

_LAST_LINES_WAIT = 1.0
"""Seconds between the last looks for lines; CloudWatch gets them a little after the container has ended."""
_MOST_LOOKS = 30
"""Looks at a container that has ended."""
_REST_TAKES = 120.0
"""Seconds after which the rest is not waited for any longer, whatever AWS answers."""
_FAILURES_BEFORE_RENEWAL = 5
"""Reads that fail one after the other, before the connection is read again: AWS doesn't tell old credentials always."""
_MOST_DENIED = 3
"""Looks at the rest that AWS denies one after the other, after which it is taken to mean it."""
_MOST_PAGES = 5
"""Pages of one look: what is shown is noted only after it."""
_FULL_PAGE_EVENTS, _FULL_PAGE_BYTES = 10_000, 768 * 1024
"""What a page has at most, and from which size on the next event may not have had room in it (it has up to 256 KiB)."""
_EVENT_OVERHEAD = 26
"""Bytes that an event counts beside its text."""
_AGAIN_AFTER = 15.0
"""Seconds after which the newest events are read once more, for those that became visible later than later ones."""
_STALE_POSITION = frozenset({"InvalidParameterException", "InvalidNextTokenException"})
"""How AWS refuses a token, which it gave more than 24 hours ago."""
_LOGGER = "airflow_ecs_dag.container"
"""The logger by which a container's lines can be told from what Airflow says; a container can't choose another."""
_LAST_LINES, _LONGEST_LAST_LINE = 5, 500
"""Lines, and characters of each, that are said again where the task fails."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MOMENT = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LATE = 500
"""Microseconds from which on lines are sorted in that are late, behind those of the same millisecond."""


class ContainerLines:
    """The log stream of one container.

    Args:
        client: A boto3 client for CloudWatch Logs; ``None`` where the container's lines don't go there.
        group: Log group.
        stream: Log stream.
        log: The Airflow task's logger.
        position: Where to go on, as :attr:`position` was; ``None`` for the first line.
        not_before: The earliest time that lines get, in seconds since 1970; it must be the same for each process.
        reads: The limiter of this process; without it, that of the client's region.
        renewed: Gives a client with the credentials as they are now, for one whose credentials may have expired.

    Attributes:
        output: What the container put out, as far as its lines were shown.
    """

    def __init__(
        self,
        client: CloudWatchLogsClient | None,
        *,
        group: str,
        stream: str,
        log: Logger,
        position: JsonValue = None,
        not_before: float = 0.0,
        reads: LogReads | None = None,
        renewed: Callable[[CloudWatchLogsClient], CloudWatchLogsClient] | None = None,
    ) -> None:
        self._client = client
        self._renewed = renewed
        self._stream: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
        self._log = log
        self._reads = reads or log_reads(None, None if client is None else client.meta.region_name)
        self._events = ShownEvents()
        self._last = int(not_before * 1_000_000)
        self.output = OutputLines()
        self._newest: list[tuple[int, str]] = []
        self._late = 0
        self._failure = ""
        self._denied = 0
        self._failed = 0
        self._go_on_from(position)
        self._begin_again()

    @property
    def position(self) -> JsonValue:
        """From where another process goes on with these lines, at whatever time: a small JSON value."""
        return {
            "version": 1,
            "stream": self._stream["logStreamName"],
            "events": self._events.to_json(),
            "last": self._last,
            "output": self.output.to_json(),
        }

    @property
    def last_lines(self) -> list[str]:
        """The container's last lines, as far as this process has read any: five at most, each cut where it is long."""
        lines = [line for _at, message in self._newest for line in shown_lines(message) if line.strip()]
        return [line[:_LONGEST_LAST_LINE] for line in lines[-_LAST_LINES:]]

    def show_new(self, *, has_ended: bool = False) -> int:
        """Write the lines that came since the last call to the task log; return how many.

        A failed read is no reason to end anything: the next call reads from the same place.

        Args:
            has_ended: Whether the container has: then it is read before those that go on.
        """
        if self._shown_since and time.monotonic() - self._began_at >= _AGAIN_AFTER:
            self._begin_again()
        return self._look(has_ended=has_ended) or 0

    def show_rest(
        self,
        *,
        wait: float | None = None,
        for_output: bool = False,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Write what is still to come of a container that has ended; return whether that was all.

        CloudWatch Logs does not tell whether it has all lines by now. The end is taken for reached when a look from
        some way back finds nothing new, at least ``wait`` seconds after another look that AWS answered.

        Args:
            wait: Seconds between two looks; without it, one.
            for_output: Whether its output is waited for longer than for its other lines.
            is_cancelled: Whether nobody wants the rest any more; asked between two looks.
        """
        answered = 0
        wait = _LAST_LINES_WAIT if wait is None else wait
        began = time.monotonic()
        for _ in range(_MOST_LOOKS):
            if is_cancelled():
                return False
            shown = self._look(has_ended=True)
            answered += shown is not None
            is_quiet = shown == 0 and answered > 1 and not self._is_behind
            if self._client is None or (is_quiet and (self.output.found or not for_output)):
                return True
            if self._denied >= _MOST_DENIED or time.monotonic() - began >= _REST_TAKES:
                self._log.warning("The container's last lines may be missing: %s", self._failure or "AWS is too busy")
                return False
            time.sleep(wait)
            if not self._is_behind:
                self._begin_again()
        return False

    def _go_on_from(self, position: JsonValue) -> None:
        match position:
            case None:
                return
            case {"version": 1, "stream": stream, "events": events, "last": int(last), "output": output}:
                if stream != self._stream["logStreamName"]:
                    return  # of another ECS task: what a triggerer notes that was too slow for a person's click
                try:
                    self._events = ShownEvents.from_json(events)
                except ValueError as error:
                    self._log.warning("Lines may be shown twice: %s", error)
                    return
                self._last = last
                self.output = OutputLines.from_json(output)
            case _:
                self._log.warning("Lines may be shown twice: another version of this package has shown some")

    def _begin_again(self) -> None:
        """Read from some way back at the next look, in which what was shown is passed over."""
        self._token: str | None = None
        self._since = self._events.since
        self._unshown = self._events.unshown()
        self._began_at = time.monotonic()
        self._shown_since = False
        self._is_behind = False

    def _look(self, *, has_ended: bool) -> int | None:
        """Show what is new; return how many lines, ``None`` if AWS gave no usable answer."""
        shown = 0
        for _ in range(_MOST_PAGES):
            if self._client is None:
                break
            answer = self._page(self._client, has_ended=has_ended)
            if answer is None:
                return shown or None
            events = answer["events"]
            shown += sum(map(self._show, events))
            following = answer.get("nextForwardToken")
            is_end = not following or following == self._token
            self._token = following or self._token
            self._is_behind = not is_end
            if is_end:
                break
            # A page without events may lead to one that has some: the next look goes on from there.
            size = sum(len(event["message"].encode("utf-8", "replace")) + _EVENT_OVERHEAD for event in events)
            if len(events) < _FULL_PAGE_EVENTS and size < _FULL_PAGE_BYTES:
                self._is_behind = not events
                break
        return shown

    def _page(self, client: CloudWatchLogsClient, *, has_ended: bool) -> dict[str, Any] | None:
        where: dict[str, Any] = {"startTime": self._since} if self._since else {}
        if self._token:
            where["nextToken"] = self._token
        self._reads.take(has_ended=has_ended)
        try:
            answer: Any = client.get_log_events(**self._stream, **where)
            events = sorted(answer["events"], key=lambda event: int(event["timestamp"]))
            texts = [{"timestamp": int(event["timestamp"]), "message": str(event["message"])} for event in events]
        except client.exceptions.ResourceNotFoundException:
            self._answered()
            return {"events": []}  # the container has not said anything yet
        except NO_ANSWER as error:
            self._fail(error, client)
            return None
        self._answered()
        return {"events": texts, "nextForwardToken": answer.get("nextForwardToken")}

    def _answered(self) -> None:
        self._reads.answered()
        self._denied = self._failed = 0
        if self._failure:
            self._failure = ""
            self._log.info("The container's lines can be read again")

    def _fail(self, error: Exception, client: CloudWatchLogsClient) -> None:
        code = error_code(error)
        self._denied = self._denied + 1 if code in DENIED else 0
        if code in THROTTLED:
            self._reads.refused()
            return  # others in the account read logs, too; the lines come somewhat later
        if code in _STALE_POSITION and self._token:
            self._begin_again()
            return
        self._failed += 1
        said = code or type(error).__name__
        if said != self._failure:
            self._failure = said
            self._log.warning("The container's lines can't be read just now: %s", reason(error))
        if code in EXPIRED or self._failed % _FAILURES_BEFORE_RENEWAL == 0:
            self._renew(client)

    def _renew(self, client: CloudWatchLogsClient) -> None:
        if self._renewed is None:
            return
        try:
            self._client = self._renewed(client)
        except Exception as error:  # noqa: BLE001 - Airflow's API server, a role that can't be assumed just now, ...
            self._log.debug("The connection can't be read just now: %s", error)

    def _show(self, event: dict[str, Any]) -> int:
        at, message = event["timestamp"], event["message"]
        self._remember(at, message)
        if not self._unshown.is_new(at, message):
            return 0
        is_late = at < self._events.newest
        self._events.add(at, message)
        self._shown_since = True
        for line in message.split("\n"):
            self.output.add(line)
        lines = shown_lines(message)
        for line in lines:
            self._log.info(
                "%s", line, timestamp=_iso(self._late_time(at) if is_late else self._next_time(at)), logger=_LOGGER
            )
        return len(lines)

    def _remember(self, at: int, message: str) -> None:
        if (at, message) not in self._newest:
            self._newest.append((at, message))
            self._newest.sort(key=lambda event: event[0])
            del self._newest[:-_LAST_LINES]

    def _next_time(self, at: int) -> int:
        """Return the microseconds of the next line, after those of the line before it."""
        self._last = max(at * 1000, self._last + 1)
        return self._last

    def _late_time(self, at: int) -> int:
        """Return the microseconds of a line that became visible after later ones: its own, where it is sorted in."""
        self._late += 1
        return at * 1000 + _LATE + self._late % (1000 - _LATE)


def _iso(microseconds: int) -> str:
    moment = _EPOCH + timedelta(microseconds=min(max(microseconds, 0), _LAST_MOMENT))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

"""The way to the emulator's S3 for this process's clients, on which calls go wrong as they do on the way to AWS.

Botocore's own client, with its retries, its parser and its checks, sends each call; what arrives is carried out by the
emulator. A fault keeps a call from being carried out or spoils the answer, which the caller can't tell apart.
"""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.session import Session
from urllib3 import HTTPResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from botocore.awsrequest import AWSPreparedRequest

    from strict_ecs.virtual_clock import VirtualClock

_HTML = b"<html><body><h1>It works!</h1></body></html>"
_AGE = 3_600.0


class Call(Enum):
    """What a call is for."""

    READ_INDEX = "read index"
    READ_OBJECT = "read object"
    LIST = "list"
    WRITE_OBJECT = "write object"
    WRITE_INDEX = "write index"
    CLEAN = "clean"


class S3Fault(Enum):
    """One way in which S3, or the way to it, fails a call.

    The first six keep it from being carried out; ``HTML`` and ``EMPTY`` too where it is a write, for something else
    than S3 answered. ``CUT`` ends the connection within the body, ``TRUNCATED`` is half a body with a length that fits.
    """

    THROTTLED = "throttled"
    SERVER_ERROR = "500"
    EXPIRED_TOKEN = "expired token"  # noqa: S105 - a fault's name
    ACCESS_DENIED = "access denied"
    ACCOUNT_DOWN = "account down"
    LOST = "lost"
    RESET = "reset"
    TIMEOUT = "timeout"
    CUT = "cut 200"
    TRUNCATED = "truncated 200"
    EMPTY = "empty 200"
    HTML = "HTML 200"
    STALE = "stale"


_REFUSALS = {
    S3Fault.THROTTLED: (503, "SlowDown", "Please reduce your request rate."),
    S3Fault.SERVER_ERROR: (500, "InternalError", "We encountered an internal error. Please try again."),
    S3Fault.EXPIRED_TOKEN: (400, "ExpiredToken", "The provided token has expired."),
    S3Fault.ACCESS_DENIED: (403, "AccessDenied", "Access Denied"),
    S3Fault.LOST: (404, "NoSuchKey", "The specified key does not exist."),
}


@dataclass(frozen=True)
class Answer:
    """What S3 says.

    Attributes:
        status: Of HTTP.
        headers: Of HTTP.
        body: What arrives.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Made:
    """A call that was made.

    Attributes:
        call: What it was for.
        fault: What happened to it, if anything.
        headers: Those of the request.
    """

    call: Call
    fault: S3Fault | None
    headers: Mapping[str, str]


@dataclass
class S3Door:
    """Which calls go wrong, and those that were made.

    Attributes:
        clock: By which the caller waits.
        latency: Seconds that each call takes.
        made: All calls, in order.
    """

    clock: VirtualClock
    latency: float = 0.0
    made: list[Made] = field(default_factory=list)
    _faults: dict[Call, tuple[S3Fault, int]] = field(default_factory=dict)
    _before: dict[Call, Callable[[], object]] = field(default_factory=dict)
    _earlier: dict[str, Answer] = field(default_factory=dict)
    _answers: dict[str, Answer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _way: URLLib3Session = field(default_factory=lambda: URLLib3Session(max_pool_connections=32))

    def fail(self, call: Call, fault: S3Fault, *, count: int | None = 1) -> None:
        """Let the next ``count`` calls for something fail in one way; ``None`` for all."""
        self._faults[call] = (fault, -1 if count is None else count)

    def before(self, call: Call, action: Callable[[], object]) -> None:
        """Do something right before the next call for something."""
        self._before[call] = action

    def end(self) -> None:
        """End all faults."""
        self._faults.clear()

    @contextmanager
    def well(self) -> Iterator[None]:
        """Let nothing fail meanwhile."""
        faults, self._faults = self._faults, {}
        yield
        self._faults = faults

    def grow_old(self) -> None:
        """Let what was answered by now be what a stale answer is from now on, an hour old."""
        self._earlier |= {url: _older(answer) for url, answer in self._answers.items()}

    def seen(self, fault: S3Fault) -> bool:
        """Tell whether a call has met this fault."""
        return any(each.fault is fault for each in self.made)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let all clients of S3 that are made meanwhile go through it."""
        make = Session.create_client

        def make_watched(session: Session, *args: Any, **kwargs: Any) -> Any:
            client = make(session, *args, **kwargs)
            if client.meta.service_model.service_name == "s3":

                def answered(request: AWSPreparedRequest, **_: object) -> AWSResponse:
                    return self._handle(request, client.meta.config)

                handler: Callable[..., Any] = answered
                client.meta.events.register_last("before-send", handler)
            return client

        with patch.object(Session, "create_client", make_watched):
            yield

    def _handle(self, request: AWSPreparedRequest, config: Any) -> AWSResponse:
        call = _call_of(request)
        self.clock.sleep(self.latency)
        with self._lock:
            action = self._before.pop(call, None)
            fault, left = self._faults.get(call, (None, 0))
            fault = fault if left else None
            if fault is not None:
                self._faults[call] = (fault, left - 1)
            self.made.append(Made(call, fault, _texts(request.headers)))
        if action is not None:
            action()
        return _response(request, self._answer(request, config, fault))

    def _answer(self, request: AWSPreparedRequest, config: Any, fault: S3Fault | None) -> Answer:
        url = str(request.url)
        if fault is S3Fault.ACCOUNT_DOWN:
            self.clock.sleep(config.connect_timeout)
            raise ConnectTimeoutError(endpoint_url=url)
        if fault in _REFUSALS:
            return _refusal(fault)
        is_read = request.method == "GET"
        if fault is S3Fault.HTML:
            return Answer(200, {"Content-Type": "text/html", "Content-Length": str(len(_HTML))}, _HTML)
        if fault is S3Fault.EMPTY and not is_read:
            return Answer(200, {"Content-Length": "0"}, b"")
        if fault is S3Fault.STALE:
            return self._stale(request)
        answer = self._carried_out(request)
        if fault is S3Fault.TIMEOUT:
            self.clock.sleep(config.read_timeout)
            raise ReadTimeoutError(endpoint_url=url)
        if fault is S3Fault.RESET or (fault is S3Fault.CUT and not request.stream_output):
            raise ConnectionClosedError(endpoint_url=url)
        if fault in {S3Fault.CUT, S3Fault.TRUNCATED, S3Fault.EMPTY}:
            body = b"" if fault is S3Fault.EMPTY else answer.body[: len(answer.body) // 2]
            length = len(answer.body) if fault is S3Fault.CUT else len(body)
            # Whoever spoils a body on the way leaves no checksum that tells so.
            kept = {name: text for name, text in answer.headers.items() if "checksum" not in name.lower()}
            return Answer(answer.status, kept | {"content-length": str(length)}, body)
        if is_read and answer.status == 200:
            self._answers[url] = answer
        return answer

    def _carried_out(self, request: AWSPreparedRequest) -> Answer:
        found = self._way.send(request)
        return Answer(found.status_code, {name.lower(): text for name, text in found.headers.items()}, found.content)

    def _stale(self, request: AWSPreparedRequest) -> Answer:
        earlier = self._earlier.get(str(request.url))
        if earlier is None:
            return _refusal(S3Fault.LOST)
        known = request.headers.get("If-None-Match")
        if known is not None and known == earlier.headers.get("etag"):
            return Answer(304, {"etag": earlier.headers["etag"]}, b"")
        return earlier


def _texts(headers: Any) -> dict[str, str]:
    return {name.lower(): text.decode() if isinstance(text, bytes) else text for name, text in headers.items()}


def _call_of(request: AWSPreparedRequest) -> Call:
    parts = urlsplit(str(request.url))
    is_index = parts.path.endswith("/index.json")
    match request.method:
        case "PUT":
            return Call.WRITE_INDEX if is_index else Call.WRITE_OBJECT
        case "POST":
            return Call.CLEAN
        case _ if "list-type=2" in parts.query:
            return Call.LIST
        case _:
            return Call.READ_INDEX if is_index else Call.READ_OBJECT


def _refusal(fault: S3Fault) -> Answer:
    status, code, message = _REFUSALS[fault]
    body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>strict</RequestId></Error>".encode()
    return Answer(status, {"content-type": "application/xml", "content-length": str(len(body))}, body)


def _older(answer: Answer) -> Answer:
    headers = dict(answer.headers)
    if "last-modified" in headers:
        moment = parsedate_to_datetime(headers["last-modified"]).timestamp()
        headers["last-modified"] = formatdate(moment - _AGE, usegmt=True)
    return Answer(answer.status, headers, answer.body)


def _response(request: AWSPreparedRequest, answer: Answer) -> AWSResponse:
    raw = HTTPResponse(
        body=io.BytesIO(answer.body),
        headers=answer.headers,
        status=answer.status,
        preload_content=False,
        request_method=request.method,
    )
    headers = HTTPHeaders()
    for name, text in answer.headers.items():
        headers[name] = text
    made = AWSResponse(request.url, answer.status, headers, raw)
    if not request.stream_output:
        made.content  # noqa: B018 - botocore reads it here, too
    return made

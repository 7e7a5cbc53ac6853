"""ECS's own rules before an emulator that has none of them: what ECS would refuse, list otherwise or throttle.

The emulator runs tasks, deploys stacks and keeps logs; it takes any task definition and any number of calls, runs
INACTIVE revisions and starts a task twice for one client token. This door is stateless but for the buckets, pages and
client tokens: what there is, the emulator is asked, so it holds for what CloudFormation makes there too.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from airflow_ecs_dag_cli.local_aws import LocalAws
from strict_ecs.page_tokens import LONGEST_PAGE, PageTokens
from strict_ecs.task_definitions import check_registration
from strict_ecs.tasks import check_described, check_run, check_start
from strict_ecs.token_buckets import RATES, RATES_OF_READERS, TokenBuckets, buckets_of
from strict_ecs.wire import TARGET, Answer, AwsError, Call, error_answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from strict_ecs.token_buckets import Rate

_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})
"""Headers of one connection, which a door between two of them makes anew."""
_Place = tuple[str, str]
"""Access key, by which the emulator tells accounts apart, and region."""


@dataclass(frozen=True)
class _Request:
    """What came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header, whatever its name's case; empty if there is none."""
        return next((text for given, text in self.headers.items() if given.lower() == name), "")


@dataclass
class EmulatorDoor:
    """The rules before one emulator.

    Attributes:
        host: Of the emulator.
        port: Of the emulator.
        rates: Of the buckets; one that is absent takes all calls.
    """

    host: str
    port: int
    rates: Mapping[str, Rate]
    _buckets: dict[_Place, TokenBuckets] = field(default_factory=dict)
    _pages: dict[_Place, PageTokens] = field(default_factory=dict)
    _started: dict[tuple[_Place, str, str], tuple[str, list[str]]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, request: _Request) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return status, headers and body of the answer to a request."""
        if TARGET not in request.header("x-amz-target"):
            return self._forward(request)
        try:
            answer = self._ecs(request, Call.read(request.headers, request.body))
        except AwsError as error:
            answer = error_answer("ecs", error)
        except _OtherAnswer as other:
            return other.answer
        return answer.status, [("Content-Type", answer.content_type)], answer.body

    def _ecs(self, request: _Request, call: Call) -> Answer:
        place = (call.access_key, call.region)
        with self._lock:
            buckets = self._buckets.setdefault(place, TokenBuckets(self.rates))
            fargate = call.parameters.get("launchType") == "FARGATE"
            if not buckets.take(buckets_of(call.operation, fargate=fargate), time.monotonic()):
                raise AwsError("ThrottlingException", "Rate exceeded")
        match call.operation:
            case "RegisterTaskDefinition":
                check_registration(call.parameters)
            case "DeregisterTaskDefinition" if ":" not in str(call.parameters.get("taskDefinition")):
                raise AwsError("ClientException", "Revision is missing.")
            case "ListTaskDefinitions":
                return self._list(request, call, place)
            case "DescribeTasks":
                check_described(call.parameters.get("tasks") or [])
            case "RunTask":
                return self._run(request, call, place)
        return json_answer(self._ask(request, call.operation, call.parameters))

    def _list(self, request: _Request, call: Call, place: _Place) -> Answer:
        """List by family and number, not by time; a prefix is a family's whole name."""
        family, status = call.parameters.get("familyPrefix"), call.parameters.get("status") or "ACTIVE"
        question = {"status": status, "maxResults": LONGEST_PAGE} | ({"familyPrefix": family} if family else {})
        found: dict[tuple[str, int], str] = {}
        token: dict[str, str] = {}
        while True:
            page = self._ask(request, call.operation, {**question, **token})
            for arn in page["taskDefinitionArns"]:
                name, _, number = arn.rpartition("/")[2].rpartition(":")
                if family in (None, "", name):
                    found[name, int(number)] = arn
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        asked = json.dumps(["definitions", family, status, call.parameters.get("sort")])
        with self._lock:
            pages = self._pages.setdefault(place, PageTokens())
            return json_answer(pages.page(asked, call.parameters, found, key="taskDefinitionArns"))

    def _run(self, request: _Request, call: Call, place: _Place) -> Answer:
        """Start tasks, or return those that a call with the same client token started."""
        check_run(call.parameters)
        token, cluster = str(call.parameters.get("clientToken") or ""), str(call.parameters.get("cluster") or "default")
        asked = json.dumps({**call.parameters, "clientToken": ""}, sort_keys=True)
        with self._lock:  # two calls with one token at a time start one task
            before, arns = self._started.get((place, cluster, token), (asked, [])) if token else (asked, [])
            if before != asked:
                raise AwsError(
                    "ConflictException",
                    "The specified client token is already in use with different parameters.",
                    resourceIds=arns,
                )
            if arns:
                return json_answer(self._ask(request, "DescribeTasks", {"cluster": cluster, "tasks": arns}))
            named = {"taskDefinition": call.parameters.get("taskDefinition")}
            check_start(self._ask(request, "DescribeTaskDefinition", named)["taskDefinition"], call.parameters)
            answer = self._ask(request, "RunTask", call.parameters)
            if token:
                self._started[place, cluster, token] = (asked, [task["taskArn"] for task in answer["tasks"]])
        return json_answer(answer)

    def _ask(self, request: _Request, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the emulator's answer to a call in the name of the one who made ``request``."""
        headers = {name: text for name, text in request.headers.items() if name.lower() != "x-amz-target"}
        headers["X-Amz-Target"] = f"{TARGET}{operation}"
        answer = self._forward(_Request("POST", "/", headers, json.dumps(parameters).encode()))
        if answer[0] != HTTPStatus.OK:
            raise _OtherAnswer(answer)
        content: dict[str, Any] = json.loads(answer[2])
        return content

    def _forward(self, request: _Request) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection(self.host, self.port, timeout=60)
        try:
            headers = {name: text for name, text in request.headers.items() if name.lower() not in _HOP}
            host = request.header("host")
            connection.request(request.method, request.path, request.body, headers | ({"Host": host} if host else {}))
            response = connection.getresponse()
            body = response.read()
            kept = [each for each in response.getheaders() if each[0].lower() not in _HOP]
            if request.method == "HEAD":
                kept.append(("Content-Length", response.getheader("Content-Length", "0")))
            return response.status, kept, body
        finally:
            connection.close()


class _OtherAnswer(Exception):  # noqa: N818 - it carries what the emulator says
    """The emulator refuses; its own words are the answer."""

    def __init__(self, answer: tuple[int, list[tuple[str, str]], bytes]) -> None:
        super().__init__(answer[0])
        self.answer = answer


@contextmanager
def in_front_of(emulator_url: str, *, rates: Mapping[str, Rate] = RATES) -> Iterator[str]:
    """Put the rules before the emulator at a URL; give the one to call instead."""
    parts = urlsplit(emulator_url)
    assert parts.hostname is not None
    assert parts.port is not None

    class Handler(_Handler):
        pass

    Handler.door = EmulatorDoor(parts.hostname, parts.port, rates)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class StrictLocalAws(LocalAws):
    """The emulator behind the door: whoever asks where it answers gets the door's URL."""

    _url: str | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        self._door = ExitStack()
        self._url = self._door.enter_context(in_front_of(super().endpoint_url, rates=RATES_OF_READERS))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.close()
        self._url = None
        super().__exit__(kind, error, trace)

    @property
    def endpoint_url(self) -> str:
        return self._url or super().endpoint_url


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    door: EmulatorDoor

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, content = self.door.answer(_Request(self.command, self.path, dict(self.headers), body))
        self.send_response_only(status)
        for name, text in headers:
            self.send_header(name, text)
        if self.command != "HEAD":  # which has the length of what it leaves out
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _handle  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: a test's output is for what it shows."""

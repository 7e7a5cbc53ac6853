"""As much of HTTP/1.1 as clients of the Docker Engine API use on a Unix socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from airflow_ecs_dag_cli.process_engine.errors import EngineError

MAX_BODY = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request.

    Attributes:
        method: in upper case.
        path: without the query, with escapes resolved.
        query: the first value of each parameter.
        body: the decoded JSON object, empty if there is none.
        keep_alive: whether the client may send another request on the same connection.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    keep_alive: bool = True

    def flag(self, name: str) -> bool:
        """A yes-or-no parameter, as Docker reads it: anything but nothing, 0, no, false and none is yes."""
        return self.query.get(name, "").lower() not in {"", "0", "no", "false", "none"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer: a body of known length, or a stream of pieces that may take as long as a container runs."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None


def json_answer(content: object, status: int = 200) -> Answer:
    """An answer with a JSON body."""
    return Answer(status=status, body=json.dumps(content).encode())


def error_answer(error: EngineError) -> Answer:
    """Docker's form of an error, which its clients show to their users."""
    if error.status == HTTPStatus.NOT_MODIFIED:
        return Answer(status=error.status)
    return json_answer({"message": error.message}, error.status)


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read the next request; None at the end of the connection.

    Raises:
        EngineError: 400, 411 or 413 for what is no request, or too long a one.
    """
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError as error:
        raise EngineError(400, "the head of the request is too long") from error
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    try:
        method, target, version = first.split(" ")
        length = int(headers.get("content-length", "0"))
    except ValueError as error:
        raise EngineError(400, f"this is not an HTTP request: {first[:80]!r}") from error
    if "transfer-encoding" in headers:
        raise EngineError(411, "the process engine needs a Content-Length with each request body")
    if not 0 <= length <= MAX_BODY:
        raise EngineError(413, f"a request body may have {MAX_BODY} bytes, got {length}")
    content = await reader.readexactly(length)
    url = urlsplit(target)
    return Request(
        method=method.upper(),
        path=unquote(url.path),
        query={name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()},
        body=_json_object(content),
        keep_alive=version == "HTTP/1.1" and headers.get("connection", "").lower() != "close",
    )


def _json_object(content: bytes) -> Mapping[str, Any]:
    if not content.strip():
        return {}
    try:
        decoded = json.loads(content)
    except ValueError as error:
        raise EngineError(400, f"the request body is not JSON: {error}") from error
    if decoded is None:
        return {}
    if not isinstance(decoded, dict):
        raise EngineError(400, f"the request body must be an object, got {type(decoded).__name__}")
    return decoded


async def write_answer(writer: asyncio.StreamWriter, answer: Answer, *, head_only: bool, api_version: str) -> None:
    """Send an answer; a stream goes out in chunks as its pieces come.

    Raises:
        ConnectionError: the client has gone.
    """
    headers = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Api-Version: {api_version}",
        f"Content-Type: {answer.content_type}",
        "Transfer-Encoding: chunked" if answer.stream else f"Content-Length: {len(answer.body)}",
    ]
    writer.write("\r\n".join([*headers, "", ""]).encode("latin-1"))
    if answer.stream is not None:
        async for piece in answer.stream:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    elif not head_only:
        writer.write(answer.body)
    await writer.drain()

"""Answers that AWS gives on a bad day and the emulator can't: put in place of the network, read by botocore itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.awsrequest import AWSPreparedRequest


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as it comes from the wire; ``None`` for the status is none at all (a timeout)."""

    status: int | None
    body: bytes = b""

    def response(self, request: AWSPreparedRequest) -> AWSResponse:
        if self.status is None:
            raise ConnectTimeoutError(endpoint_url=request.url)
        headers = HTTPHeaders()
        headers["Content-Type"] = "application/x-amz-json-1.1"
        return AWSResponse(request.url, self.status, headers, _Body(self.body))


def error(code: str, message: str = "no", status: int = 400) -> Answer:
    return Answer(status, json.dumps({"__type": code, "message": message}).encode())


UNUSABLE = {
    "empty": Answer(200, b""),
    "empty object": Answer(200, b"{}"),
    "truncated": Answer(200, b'{"taskDefinitionArns": ["arn:aws:ecs:eu-west-1:1234567'),
    "HTML": Answer(200, b"<html><body>proxy</body></html>"),
    "a list": Answer(200, b"[]"),
    "null": Answer(200, b"null"),
    "a number": Answer(200, b"5"),
    "no UTF-8": Answer(200, b"\xff\xfe\x00"),
    "throttled": error("ThrottlingException", "Rate exceeded"),
    "access denied": error("AccessDeniedException", "not authorized to perform: ecs"),
    "expired token": error("ExpiredTokenException", "The security token included in the request is expired"),
    "server error": error("ServerException", status=500),
    "server error in HTML": Answer(503, b"<html>busy</html>"),
    "timeout": Answer(None),
}
"""By what went wrong."""


@dataclass
class Interception:
    """What was sent for one operation, and what was answered instead.

    Attributes:
        requests: The JSON bodies that were sent.
        answers: Given in order, each instead of the network; ``None`` lets the call through. When all are used, so do
            the calls after.
    """

    answers: list[Answer | None] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        assert isinstance(request.body, bytes)
        self.requests.append(json.loads(request.body))
        answer = self.answers.pop(0) if self.answers else None
        return answer.response(request) if answer else None


def intercept(client: Any, operation: str, *answers: Answer | None) -> Interception:
    """Watch the calls of ``operation`` (``ListTaskDefinitions``) and answer the first of them so."""
    interception = Interception(list(answers))
    service = client.meta.service_model.service_name
    hook: Callable[..., AWSResponse | None] = interception
    client.meta.events.register(f"before-send.{service}.{operation}", hook)
    return interception

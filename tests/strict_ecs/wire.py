"""What goes over the wire, whichever door it comes through: a call, the answer to it, or AWS's word that it won't."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/x-amz-json-1.1"
XML = "text/xml"
TARGET = "AmazonEC2ContainerServiceV20141113."
LOGS_TARGET = "Logs_20140328."
_TARGETS = {"ecs": TARGET, "logs": LOGS_TARGET}
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


class AwsError(Exception):
    """AWS refuses a call.

    Attributes:
        code: Such as ``ClientException``.
        message: For a person.
        status: Of HTTP.
        more: What ECS says beside it, such as the ``resourceIds`` of a conflict.
    """

    def __init__(self, code: str, message: str, status: int = 400, **more: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.more = more
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Call:
    """One request, as far as it matters. Who signed it is believed; the signature isn't computed again.

    Attributes:
        service: ``ecs``, ``logs`` or ``sts``.
        operation: Such as ``RunTask``.
        access_key: Who calls.
        session_token: What goes with the key of a session; empty for others.
        region: That of the signature.
        parameters: What ECS and CloudWatch Logs get as JSON, STS as a form.
    """

    service: str
    operation: str
    access_key: str
    session_token: str
    region: str
    parameters: Mapping[str, Any]

    @classmethod
    def read(cls, headers: Mapping[str, str | bytes], body: bytes) -> Call:
        """Read a call from a request.

        Args:
            headers: Of the request, with names of any case.
            body: Of the request.

        Raises:
            AwsError: It is unsigned, or in a protocol that none of the services speaks.
        """
        texts = {name.lower(): value if isinstance(value, str) else value.decode() for name, value in headers.items()}
        signed = _CREDENTIAL.search(texts.get("authorization", ""))
        if signed is None:
            raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        target = texts.get("x-amz-target", "")
        try:
            prefix = _TARGETS.get(signed["service"])
            if prefix is not None and target.startswith(prefix):
                operation, parameters = target.removeprefix(prefix), json.loads(body)
            elif signed["service"] == "sts":
                parameters = dict(parse_qsl(body.decode(), strict_parsing=True))
                operation = parameters.pop("Action", "")
            else:
                raise AwsError("UnknownOperationException", f"no operation of {signed['service']}: {target!r}")
        except ValueError as error:
            raise AwsError("SerializationException", str(error)) from error
        if not isinstance(parameters, dict):
            raise AwsError("SerializationException", "the parameters are no object")
        token = texts.get("x-amz-security-token", "")
        return cls(signed["service"], operation, signed["key"], token, signed["region"], parameters)


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Attributes:
        status: Of HTTP.
        body: What arrives.
        content_type: Of the body.
    """

    status: int
    body: bytes
    content_type: str = JSON


def json_answer(content: Mapping[str, Any]) -> Answer:
    """Return what ECS says to a call that it took."""
    return Answer(200, json.dumps(content).encode())


def xml_answer(operation: str, content: str) -> Answer:
    """Return what STS says to a call that it took; ``content`` is XML."""
    body = (
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{operation}Result>{content}</{operation}Result>"
        f"<ResponseMetadata><RequestId>strict</RequestId></ResponseMetadata></{operation}Response>"
    )
    return Answer(200, body.encode(), XML)


def error_answer(service: str, error: AwsError) -> Answer:
    """Return what a service says to a call that it refuses."""
    if service == "sts":
        kind = "Sender" if error.status < 500 else "Receiver"
        body = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>strict</RequestId></ErrorResponse>"
        )
        return Answer(error.status, body.encode(), XML)
    return Answer(error.status, json.dumps({"__type": error.code, "message": error.message, **error.more}).encode())

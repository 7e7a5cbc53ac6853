"""A server on a loopback port that answers as it is told: an AWS or an Airflow in a state that no emulator has."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class HttpAnswers:
    """A running server.

    Attributes:
        url: Where it answers.
        headers: Those of each request, in order.
    """

    url: str
    headers: list[Mapping[str, str]] = field(default_factory=list)


@contextmanager
def http_answers(answers: Mapping[str, tuple[int, str]]) -> Iterator[HttpAnswers]:
    """Answer each path, or each operation of an AWS service, with a status and a body; any other one with 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).path)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(self.headers.get("X-Amz-Target", "").rpartition(".")[2])

        def _answer(self, asked: str) -> None:
            server.headers.append(dict(self.headers))
            status, body = answers.get(asked, (404, "{}"))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = HttpAnswers(f"http://127.0.0.1:{listening.server_port}")
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()

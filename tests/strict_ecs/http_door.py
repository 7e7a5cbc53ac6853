"""The door for other processes: a loopback server that speaks as AWS does, for ``AWS_ENDPOINT_URL``."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from strict_ecs.faults import Fault
from strict_ecs.strict_aws import NoAnswerError
from strict_ecs.wire import AwsError, Call, error_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strict_ecs.strict_aws import StrictAws
    from strict_ecs.wire import Answer

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@contextmanager
def on_loopback(aws: StrictAws) -> Iterator[str]:
    """Let ``aws`` answer on a free port of this machine; give its URL.

    Others wait in real time, so give ``aws`` a real clock. An account that is down resets each connection: a server
    that listens can't be one that nobody reaches.
    """
    closing = threading.Event()

    class Handler(_Handler):
        pass

    Handler.aws, Handler.closing = aws, closing
    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            closing.set()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a caller may be killed
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    aws: StrictAws
    closing: threading.Event

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            call = Call.read(dict(self.headers.items()), body)
        except AwsError as error:
            self._send(error_answer("ecs", error))
            return
        try:
            self._send(self.aws.answer(call))
        except NoAnswerError as none:
            self.close_connection = True
            if none.fault is Fault.TIMEOUT:
                self._wait_for_the_caller_to_give_up()
            else:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _wait_for_the_caller_to_give_up(self) -> None:
        self.connection.settimeout(0.1)
        while not self.closing.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: a test's output is for what it shows."""

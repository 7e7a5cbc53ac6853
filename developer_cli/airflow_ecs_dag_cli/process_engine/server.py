"""The socket, and the life of the engine around it."""

import asyncio
import contextlib
import logging
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from airflow_ecs_dag_cli.process_engine.containers import Containers
from airflow_ecs_dag_cli.process_engine.descriptions import API_VERSION
from airflow_ecs_dag_cli.process_engine.docker_api import DockerApi
from airflow_ecs_dag_cli.process_engine.errors import EngineError
from airflow_ecs_dag_cli.process_engine.http_messages import (
    Request,
    error_answer,
    read_request,
    write_answer,
)
from airflow_ecs_dag_cli.process_engine.images import ImageRegistry

# The path must fit, with a final zero, into 104 bytes on macOS and 108 on Linux (sys/un.h).
MAX_SOCKET_PATH = 103
_DRAIN_SECONDS = 2.0

_log = logging.getLogger(__name__)


class ProcessEngine:
    """A Docker Engine API server on a Unix socket, as an asynchronous context manager.

    On leaving, every container is stopped (SIGTERM, two seconds later SIGKILL), those who read a log get the
    rest of it, and the socket and all files are deleted.

    Args:
        socket_path: where to listen, at most 103 bytes; only the user may connect.
        images: the registry file, see `images.ImageRegistry`; it need not exist yet.
    """

    def __init__(self, socket_path: Path, images: Path) -> None:
        self._socket_path = socket_path
        self._images = images
        self._connections: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ValueError: the socket's path is too long, or another server listens there.
        """
        listener = _listener(self._socket_path)
        self._containers = Containers(ImageRegistry(self._images))
        self._api = DockerApi(self._containers)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything."""
        self._server.close()
        await self._containers.close()
        if self._busy:
            await asyncio.wait(set(self._busy), timeout=_DRAIN_SECONDS)
        for connection in set(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._socket_path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        if connection is None:  # never so: asyncio runs each connection as a task
            return
        self._connections.add(connection)
        try:
            await self._converse(reader, writer, connection)
        except (ConnectionError, asyncio.IncompleteReadError):
            _log.debug("a client has gone")
        except asyncio.CancelledError:
            _log.debug("a connection is ended with the engine")
        finally:
            self._connections.discard(connection)
            self._busy.discard(connection)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: asyncio.Task[None]
    ) -> None:
        keep_alive = True
        while keep_alive:
            request: Request | None = None
            try:
                request = await read_request(reader)
                if request is None:
                    return
                self._busy.add(connection)
                keep_alive = request.keep_alive
                answer = await self._api.answer(request)
            except EngineError as error:
                keep_alive = keep_alive and request is not None
                answer = error_answer(error)
            except Exception as error:  # noqa: BLE001 -- one bad request must not stay unanswered
                _log.exception("cannot answer %s", request.path if request else "a request")
                answer = error_answer(EngineError(500, f"the process engine failed: {error!r}"))
            head_only = request is not None and request.method == "HEAD"
            await write_answer(writer, answer, head_only=head_only, api_version=API_VERSION)
            self._busy.discard(connection)


def _listener(path: Path) -> socket.socket:
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH:
        raise ValueError(
            f"the socket path has {length} bytes: {path}; at most {MAX_SOCKET_PATH} are allowed, choose a shorter one"
        )
    listener = socket.socket(socket.AF_UNIX)
    try:
        if path.is_socket():
            _delete_unserved(path)
        previous = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(previous)
    except OSError as error:
        listener.close()
        raise ValueError(f"cannot listen on {path}: {error}; choose another path") from error
    except ValueError:
        listener.close()
        raise
    return listener


def _delete_unserved(path: Path) -> None:
    """Delete a socket that a killed engine has left; never one that someone serves."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ValueError(f"another server listens on {path}; choose another path, or stop it")

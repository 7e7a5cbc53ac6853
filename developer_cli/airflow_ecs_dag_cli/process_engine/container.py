"""One container: a process group, its log, and its life from created to exited."""

import asyncio
import datetime as dt
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from airflow_ecs_dag_cli.process_engine.errors import EngineError
from airflow_ecs_dag_cli.process_engine.images import ImageSource
from airflow_ecs_dag_cli.process_engine.log_stream import LogStream
from airflow_ecs_dag_cli.process_engine.orphan_guard import MARKER, end_processes, send_signal
from airflow_ecs_dag_cli.process_engine.process_spec import ContainerRequest, ProcessSpec, Scratch

_READ_BYTES = 256 * 1024
# How long output may still come, in seconds, when all processes that could write it have been killed.
_LAST_OUTPUT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class ContainerIdentity:
    """What never changes about a container.

    Attributes:
        id: 64 hexadecimal digits.
        name: its name, without a leading slash.
        marker: the value of `MARKER` in its processes' environment.
        created: when it was created, UTC.
    """

    id: str
    name: str
    marker: str
    created: dt.datetime


class Container:
    """A container and the process it stands for.

    Attributes:
        identity: its id, name and time of creation.
        source: the image it was made from.
        request: what the client asked for.
        spec: the process.
        log: its output.
        started: when its process started, UTC; None if it has not.
        finished: when its process ended, UTC; None if it has not.
        exit_code: the process's exit code, 128 + the signal's number if a signal ended it.
        process_id: id of the process while it runs, else 0.
        error: why it could not be started, else empty.
        log_was_read: whether anyone has asked for its log.
    """

    def __init__(
        self,
        identity: ContainerIdentity,
        source: ImageSource,
        request: ContainerRequest,
        spec: ProcessSpec,
        scratch: Scratch,
    ) -> None:
        self.identity = identity
        self.source = source
        self.request = request
        self.spec = spec
        self.log = LogStream(scratch.log)
        self.started: dt.datetime | None = None
        self.finished: dt.datetime | None = None
        self.exit_code = 0
        self.process_id = 0
        self.error = ""
        self.log_was_read = False
        self._scratch = scratch
        self._start_asked = False
        self._exited = asyncio.Event()
        self._attendant: asyncio.Task[None] | None = None

    @property
    def status(self) -> Literal["created", "running", "exited"]:
        """The container's state, in Docker's words."""
        if self.started is None:
            return "created"
        return "running" if self.finished is None else "exited"

    async def start(self, report: Callable[[str], None]) -> None:
        """Start the process.

        Args:
            report: told `+<group>` when the process group begins and `-<group>` when it has ended.

        Raises:
            EngineError: 304 if it was started before, 400 if there is no such program or it cannot be run.
        """
        if self._start_asked:
            raise EngineError(304, "the container is already started")
        program = self._program()
        self._start_asked = True
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *self.spec.argv,
                executable=program,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                cwd=self.spec.directory,
                env={**self.spec.environment, MARKER: self.identity.marker},
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            raise self._not_started(str(error)) from error
        finally:
            os.close(writing)
        self.process_id = process.pid
        report(f"+{process.pid}")
        self.started = dt.datetime.now(dt.UTC)
        output = asyncio.create_task(self._copy_output(reading))
        self._attendant = asyncio.create_task(self._attend(process, output, report))

    async def wait(self) -> int:
        """Wait until the process has ended and all its output is in the log; give its exit code."""
        await self._exited.wait()
        return self.exit_code

    async def stop(self, grace: float, *, first: int = signal.SIGTERM) -> None:
        """End the process group: a signal, and SIGKILL if it is still there after `grace` seconds."""
        if self.status != "running":
            return
        self.kill(first)
        try:
            await asyncio.wait_for(self._exited.wait(), timeout=grace if grace >= 0 else None)
        except TimeoutError:
            self.kill(signal.SIGKILL)
            await self._exited.wait()

    def kill(self, number: int) -> None:
        """Send a signal to the process group."""
        if self.process_id:
            send_signal(self.process_id, number)

    def close_log(self) -> None:
        """Let the followers of a container that never ran end."""
        self.log.finish()

    def delete_files(self) -> None:
        """Delete its log and its folders."""
        self._scratch.delete()

    def _program(self) -> str:
        name = self.spec.argv[0]
        if "/" in name:
            name = str(self.spec.directory / name)
        program = shutil.which(name, path=self.spec.environment["PATH"])
        if program is None:
            raise self._not_started(
                f"executable file not found in {self.spec.environment['PATH']}; the process engine runs "
                f"programs of this machine and of the folder {self.spec.directory}: install it there, or use "
                "Docker or Podman"
            )
        return program

    def _not_started(self, reason: str) -> EngineError:
        self.error = f"cannot start the container of image {self.source.name}: exec {self.spec.argv[0]!r}: {reason}"
        return EngineError(400, self.error)

    async def _copy_output(self, descriptor: int) -> None:
        reader = asyncio.StreamReader()
        pipe = os.fdopen(descriptor, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            while output := await reader.read(_READ_BYTES):
                self.log.write(output)
        finally:
            transport.close()

    async def _attend(
        self, process: asyncio.subprocess.Process, output: asyncio.Task[None], report: Callable[[str], None]
    ) -> None:
        """See the process to its end; as in a container, whatever it has forked ends with it."""
        code = await process.wait()
        end_processes([process.pid], self.identity.marker)
        await asyncio.wait([output], timeout=_LAST_OUTPUT_SECONDS)
        output.cancel()
        report(f"-{process.pid}")
        self.log.finish()
        self.exit_code = code if code >= 0 else 128 - code
        self.process_id = 0
        self.finished = dt.datetime.now(dt.UTC)
        self._exited.set()

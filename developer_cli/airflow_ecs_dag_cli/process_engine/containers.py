"""All containers of an engine."""

import asyncio
import datetime as dt
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from airflow_ecs_dag_cli.process_engine.container import Container, ContainerIdentity
from airflow_ecs_dag_cli.process_engine.errors import EngineError
from airflow_ecs_dag_cli.process_engine.images import ImageRegistry
from airflow_ecs_dag_cli.process_engine.process_spec import ContainerRequest, Scratch, process_spec

_LINGER_SECONDS = 10.0
_CLOSE_GRACE_SECONDS = 2.0
_GUARD_SECONDS = 10.0
_SHORTEST_ID = 4


class Containers:
    """Creates, finds and deletes containers, and ends them all when it is closed.

    A deleted container's log can be asked for ten more seconds by its full id. A client that follows a
    log asks for the container's description right after, and the AWS emulator may delete the container
    between the two; with Docker itself the log is then lost.
    """

    def __init__(self, images: ImageRegistry) -> None:
        self.images = images
        self._token = secrets.token_hex(16)
        self._containers: dict[str, Container] = {}
        self._deleted: dict[str, Container] = {}
        self._scratch = Path(tempfile.mkdtemp(prefix="process-engine-"))
        self._guard = subprocess.Popen(  # noqa: S603 -- this package's own module
            [
                sys.executable,
                "-m",
                "airflow_ecs_dag_cli.process_engine.orphan_guard",
                self._token,
                self._scratch,
            ],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C in the terminal is not for the guard
        )

    def all(self) -> tuple[Container, ...]:
        """The containers that are not deleted, the newest first."""
        return tuple(reversed(self._containers.values()))

    def create(self, request: ContainerRequest) -> Container:
        """Make a container that is ready to start.

        Raises:
            EngineError: 404 for an unknown image, 409 for a name in use, 400 for what cannot be run.
        """
        source = self.images.find(request.image)
        self._release_name(request.name)
        container_id = secrets.token_hex(32)
        scratch = Scratch(self._scratch / container_id)
        spec = process_spec(source, request, scratch)
        identity = ContainerIdentity(
            id=container_id,
            name=request.name or f"container-{container_id[:12]}",
            marker=f"{self._token}.{container_id}",
            created=dt.datetime.now(dt.UTC),
        )
        scratch.create()
        container = self._containers[container_id] = Container(identity, source, request, spec, scratch)
        return container

    async def start(self, container: Container) -> None:
        """Start a container's process; see `Container.start`."""
        await container.start(self._report)

    def find(self, reference: str) -> Container:
        """The container of this id, unambiguous beginning of an id, or name.

        Raises:
            EngineError: 404 in Docker's words.
        """
        if container := self._containers.get(reference):
            return container
        found = [
            container
            for container in self._containers.values()
            if container.identity.name == reference.removeprefix("/")
            or (len(reference) >= _SHORTEST_ID and container.identity.id.startswith(reference))
        ]
        if len(found) != 1:
            raise EngineError(404, f"No such container: {reference}")
        return found[0]

    def find_for_log(self, reference: str) -> Container:
        """Like `find`, and containers that were deleted a moment ago."""
        return self._deleted.get(reference) or self.find(reference)

    def find_for_inspection(self, reference: str) -> Container:
        """Like `find`, and those of a moment ago whose log someone reads."""
        deleted = self._deleted.get(reference)
        return deleted if deleted and deleted.log_was_read else self.find(reference)

    async def delete(self, container: Container, *, force: bool) -> None:
        """Delete a container; its files go when nobody can ask for its log any more.

        Raises:
            EngineError: 409 if it runs and `force` is not set.
        """
        if container.status == "running":
            if not force:
                raise EngineError(
                    409,
                    f"container {container.identity.id} is running: stop it first, or delete it with force",
                )
            await container.stop(0)
        container.close_log()
        if self._containers.pop(container.identity.id, None):
            self._deleted[container.identity.id] = container
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._forget, container)

    async def close(self) -> None:
        """End every process, and delete every file."""
        await asyncio.gather(*(container.stop(_CLOSE_GRACE_SECONDS) for container in self.all()))
        for container in self.all():
            container.close_log()
        if self._guard.stdin:
            self._guard.stdin.close()
        await asyncio.to_thread(self._guard.wait, _GUARD_SECONDS)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _report(self, change: str) -> None:
        if self._guard.stdin and self._guard.poll() is None:
            self._guard.stdin.write(f"{change}\n")
            self._guard.stdin.flush()

    def _forget(self, container: Container) -> None:
        del self._deleted[container.identity.id]
        container.delete_files()

    def _release_name(self, name: str) -> None:
        """Refuse a name in use; one whose container could not be started is free again."""
        for container in self.all():
            if name and container.identity.name == name:
                if not container.error:
                    raise EngineError(
                        409,
                        f'Conflict. The container name "/{name}" is already in use by container '
                        f'"{container.identity.id}": delete it, or choose another name',
                    )
                del self._containers[container.identity.id]
                container.close_log()
                container.delete_files()

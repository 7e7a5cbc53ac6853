"""The endpoints: which request does what.

Only what a client needs to run tasks is here; everything else is answered with 501 and its name. The
behaviour follows https://docs.docker.com/reference/api/engine/version/v1.43/.
"""

import re
import signal
from collections.abc import Awaitable, Callable

from airflow_ecs_dag_cli.process_engine.containers import Containers
from airflow_ecs_dag_cli.process_engine.descriptions import (
    NOTICE,
    container_description,
    container_filter,
    container_summary,
    engine_version,
    image_description,
)
from airflow_ecs_dag_cli.process_engine.errors import EngineError
from airflow_ecs_dag_cli.process_engine.http_messages import Answer, Request, json_answer
from airflow_ecs_dag_cli.process_engine.process_spec import container_request

_VERSION_PREFIX = re.compile(r"^/v\d+\.\d+(?=/)")
_DEFAULT_GRACE_SECONDS = 10
_Handler = Callable[[Request, str], Awaitable[Answer]]
_NO_CONTENT = Answer(status=204)


class DockerApi:
    """Answers requests about one set of containers."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers
        routes: list[tuple[str, str, _Handler]] = [
            ("GET", r"/_ping", self._ping),
            ("HEAD", r"/_ping", self._ping),
            ("GET", r"/version", self._version),
            ("GET", r"/info", self._info),
            ("GET", r"/networks", self._networks),
            ("GET", r"/images/json", self._list_images),
            ("POST", r"/images/create", self._pull_image),
            ("GET", r"/images/(.+)/json", self._inspect_image),
            ("GET", r"/containers/json", self._list),
            ("POST", r"/containers/create", self._create),
            ("GET", r"/containers/([^/]+)/json", self._inspect),
            ("GET", r"/containers/([^/]+)/logs", self._logs),
            ("POST", r"/containers/([^/]+)/start", self._start),
            ("POST", r"/containers/([^/]+)/wait", self._wait),
            ("POST", r"/containers/([^/]+)/stop", self._stop),
            ("POST", r"/containers/([^/]+)/kill", self._kill),
            ("DELETE", r"/containers/([^/]+)", self._delete),
        ]
        self._routes = [(method, re.compile(pattern), handler) for method, pattern, handler in routes]

    async def answer(self, request: Request) -> Answer:
        """Answer a request.

        Raises:
            EngineError: what the client gets instead.
        """
        path = _VERSION_PREFIX.sub("", request.path)
        for method, pattern, handler in self._routes:
            if method == request.method and (match := pattern.fullmatch(path)):
                return await handler(request, match[1] if match.groups() else "")
        raise EngineError(501, f"the process engine does not have {request.method} {path}; use Docker or Podman for it")

    async def _ping(self, _request: Request, _name: str) -> Answer:
        return Answer(content_type="text/plain", body=b"OK")

    async def _version(self, _request: Request, _name: str) -> Answer:
        return json_answer(engine_version())

    async def _info(self, _request: Request, _name: str) -> Answer:
        everything = self._containers.all()
        running = sum(container.status == "running" for container in everything)
        return json_answer(
            {
                "Name": "process-engine",
                "Warnings": [NOTICE],
                "ServerVersion": engine_version()["Version"],
                "Containers": len(everything),
                "ContainersRunning": running,
                "ContainersStopped": len(everything) - running,
                "Images": len(self._containers.images.sources()),
            }
        )

    async def _networks(self, _request: Request, _name: str) -> Answer:
        return json_answer([{"Name": "host", "Id": "host", "Driver": "host", "Scope": "local"}])

    async def _list_images(self, _request: Request, _name: str) -> Answer:
        return json_answer([image_description(source) for source in self._containers.images.sources()])

    async def _inspect_image(self, _request: Request, name: str) -> Answer:
        return json_answer(image_description(self._containers.images.find(name)))

    async def _pull_image(self, request: Request, _name: str) -> Answer:
        """There is no registry to pull from: an image is there, or it is unknown."""
        image, tag = request.query.get("fromImage", ""), request.query.get("tag", "")
        separator = "@" if ":" in tag else ":"
        source = self._containers.images.find(f"{image}{separator}{tag}" if tag else image)
        return json_answer({"status": f"Image is up to date for {source.name}"})

    async def _list(self, request: Request, _name: str) -> Answer:
        lets_through = container_filter(request.query.get("filters", ""))
        status_asked = '"status"' in request.query.get("filters", "")
        found = [
            container_summary(container)
            for container in self._containers.all()
            if lets_through(container) and (request.flag("all") or status_asked or container.status == "running")
        ]
        limit = _number(request, "limit", -1)
        return json_answer(found[:limit] if limit > 0 else found)

    async def _create(self, request: Request, _name: str) -> Answer:
        wanted = container_request(request.body, name=request.query.get("name", ""))
        container = self._containers.create(wanted)
        return json_answer({"Id": container.identity.id, "Warnings": [NOTICE]}, 201)

    async def _inspect(self, _request: Request, name: str) -> Answer:
        return json_answer(container_description(self._containers.find_for_inspection(name)))

    async def _start(self, _request: Request, name: str) -> Answer:
        await self._containers.start(self._containers.find(name))
        return _NO_CONTENT

    async def _logs(self, request: Request, name: str) -> Answer:
        container = self._containers.find_for_log(name)
        unsupported = [key for key in ("since", "until", "timestamps") if request.flag(key)]
        if unsupported:
            raise EngineError(400, f"the process engine's logs have no {unsupported}; ask for the whole log")
        if not request.flag("stdout") and not request.flag("stderr"):
            raise EngineError(400, "Bad parameters: you must choose at least one stream")
        container.log_was_read = True
        tail = request.query.get("tail") or "all"
        pieces = container.log.open(
            follow=request.flag("follow"), tail=None if tail == "all" else _number(request, "tail", 0)
        )
        return Answer(content_type="application/vnd.docker.multiplexed-stream", stream=pieces)

    async def _wait(self, request: Request, name: str) -> Answer:
        condition = request.query.get("condition") or "not-running"
        if condition not in {"not-running", "next-exit"}:
            raise EngineError(400, f"invalid condition {condition!r}: the process engine waits for not-running only")
        code = await self._containers.find(name).wait()
        return json_answer({"StatusCode": code})

    async def _stop(self, request: Request, name: str) -> Answer:
        container = self._containers.find(name)
        if container.status != "running":
            raise EngineError(304, "the container is already stopped")
        await container.stop(_number(request, "t", _DEFAULT_GRACE_SECONDS), first=_signal(request, signal.SIGTERM))
        return _NO_CONTENT

    async def _kill(self, request: Request, name: str) -> Answer:
        container = self._containers.find(name)
        if container.status != "running":
            raise EngineError(409, f"container {name} is not running: it is {container.status}")
        container.kill(_signal(request, signal.SIGKILL))
        return _NO_CONTENT

    async def _delete(self, request: Request, name: str) -> Answer:
        await self._containers.delete(self._containers.find(name), force=request.flag("force"))
        return _NO_CONTENT


def _number(request: Request, name: str, default: int) -> int:
    value = request.query.get(name) or str(default)
    try:
        return int(value)
    except ValueError as error:
        raise EngineError(400, f"{name} must be a whole number, got {value!r}") from error


def _signal(request: Request, default: int) -> int:
    """A signal by number or name, with or without `SIG`."""
    value = request.query.get("signal") or str(int(default))
    try:
        name = "SIG" + value.upper().removeprefix("SIG")
        return int(signal.Signals(int(value)) if value.isdecimal() else signal.Signals[name])
    except (ValueError, KeyError) as error:
        raise EngineError(400, f"invalid signal {value!r}: give a number, or a name such as SIGTERM") from error

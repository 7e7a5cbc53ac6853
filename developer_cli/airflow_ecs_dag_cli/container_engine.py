"""Find the Docker API of this machine, and make an app's images available to whatever runs its ECS tasks.

Two kinds of engine: a *real* one, Docker or Podman or what answers like them, which builds the images under
the very names the task definitions use; and the *process engine*, which runs their commands as host processes
and only needs to know which folder an image was to be built from.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import APIError, DockerException

from airflow_ecs_dag_cli.process_engine import images as process_engine_images
from airflow_ecs_dag_cli.processes import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airflow_ecs_dag_cli.cloud_assembly import ImageAsset

_PING_SECONDS = 3
_BUILD_SECONDS = 1_800  # between two signs of life of a build
_LAST_LINES = 20


class EngineError(LocalRunError):
    """The container engine refused something; the message has its words."""


@dataclass(frozen=True, kw_only=True)
class ContainerEngine:
    """A Docker API that answers.

    Attributes:
        kind: ``docker`` or ``podman``.
        url: Where it answers, as ``DOCKER_HOST`` takes it.
        version: Its own version, such as ``5.4.2``.
    """

    kind: str
    url: str
    version: str


@dataclass(frozen=True, kw_only=True)
class EngineSearch:
    """What a search for a container engine came to.

    Attributes:
        engine: The first that answered; None when none did.
        tried: Every place that was tried before, with why it was not used, in order.
    """

    engine: ContainerEngine | None
    tried: tuple[str, ...] = ()


def find_engine(environment: Mapping[str, str] | None = None) -> EngineSearch:
    """Look for a container engine at the usual places.

    ``DOCKER_HOST`` decides alone when it is set, as it does for Docker's own command line; otherwise it is the
    first of Docker's, Podman's, Docker Desktop's, Colima's and Rancher Desktop's sockets that answers.

    Args:
        environment: The environment to read; None takes this process' own.
    """
    environment = os.environ if environment is None else environment
    tried: list[str] = []
    for url in _places(environment):
        socket = Path(urlsplit(url).path)
        if url.startswith("unix://") and not socket.exists():
            tried.append(f"{url}: no such socket")
            continue
        try:
            return EngineSearch(engine=_ask(url), tried=tuple(tried))
        except (DockerException, requests.RequestException, OSError, ValueError) as error:
            tried.append(f"{url}: {_reason(error)}")
    return EngineSearch(engine=None, tried=tuple(tried))


def build_images(
    engine: ContainerEngine,
    images: Iterable[ImageAsset],
    *,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Build the images under the names that the task definitions use.

    One that is there already is not built again.

    Args:
        engine: The engine that is to run them.
        images: The images; the tag of each is the hash of its sources.
        on_line: Called with every line of the builds' output.

    Raises:
        EngineError: a build failed; with the end of its output.
    """
    client = _client(engine.url, timeout=_BUILD_SECONDS)
    try:
        for image in images:
            if not _has(client, image.uri):
                _build(client, image, on_line)
            if not _has(client, image.uri):
                raise EngineError(
                    f"{engine.kind} {engine.version} built the image {image.uri} but does not find it by that"
                    " name, so ECS tasks could not start it; try another container engine"
                )
    finally:
        client.close()


def write_images(images: Iterable[ImageAsset], path: Path) -> None:
    """Write the file that tells the process engine which folder each image is built from; it may be running."""
    path.parent.mkdir(parents=True, exist_ok=True)
    process_engine_images.write_images(
        path,
        (
            process_engine_images.ImageSource(
                name=image.uri,
                directory=image.folder,
                dockerfile=image.dockerfile,
                target=image.target,
                build_args=tuple(image.build_args.items()),
            )
            for image in images
        ),
    )


def _places(environment: Mapping[str, str]) -> Iterator[str]:
    if environment.get("DOCKER_HOST"):
        yield environment["DOCKER_HOST"]
        return
    home = Path(environment.get("HOME") or Path.home())
    runtime = environment.get("XDG_RUNTIME_DIR")
    sockets = [Path("/var/run/docker.sock")]
    if runtime:
        sockets += [Path(runtime) / "docker.sock", Path(runtime) / "podman" / "podman.sock"]
    sockets += [
        Path("/run/podman/podman.sock"),
        home / ".docker" / "run" / "docker.sock",
        home / ".docker" / "desktop" / "docker.sock",
        home / ".colima" / "default" / "docker.sock",
        home / ".rd" / "docker.sock",
        home / ".local" / "share" / "containers" / "podman" / "machine" / "podman.sock",
    ]
    for socket in sockets:
        yield f"unix://{socket}"


def _client(url: str, *, timeout: int) -> docker.DockerClient:
    """Connect to the Docker API at `url`; for TCP with the certificates that the environment names."""
    if url.startswith("unix://"):
        return docker.DockerClient(base_url=url, version="auto", timeout=timeout)
    return docker.from_env(environment=os.environ | {"DOCKER_HOST": url}, version="auto", timeout=timeout)


def _ask(url: str) -> ContainerEngine:
    client = _client(url, timeout=_PING_SECONDS)
    try:
        about: dict[str, Any] = client.version()
    finally:
        client.close()
    components = {str(part.get("Name", "")): part.get("Version") for part in about.get("Components") or ()}
    podman = next((name for name in components if "podman" in name.lower()), None)
    if podman is not None:
        return ContainerEngine(kind="podman", url=url, version=str(components[podman]))
    return ContainerEngine(kind="docker", url=url, version=str(about.get("Version", "unknown")))


def _has(client: docker.DockerClient, uri: str) -> bool:
    try:
        client.images.get(uri)
    except docker.errors.NotFound:
        return False
    except APIError as error:
        raise EngineError(f"the engine could not be asked for the image {uri}: {_reason(error)}") from error
    return True


def _build(client: docker.DockerClient, image: ImageAsset, on_line: Callable[[str], None] | None) -> None:
    printed: list[str] = []
    try:
        output = client.api.build(
            path=str(image.folder),
            dockerfile=image.dockerfile,
            tag=image.uri,
            buildargs=dict(image.build_args),
            target=image.target or "",
            platform=image.platform,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for message in output:
            if "error" in message:
                raise _failed(image, str(message["error"]), printed)
            for line in str(message.get("stream") or message.get("status") or "").splitlines():
                printed.append(line)
                if on_line is not None and line.strip():
                    on_line(line)
    except (DockerException, requests.RequestException, OSError, TypeError) as error:
        raise _failed(image, _reason(error), printed) from error


def _failed(image: ImageAsset, reason: str, printed: list[str]) -> EngineError:
    shown = "\n".join(line for line in printed if line.strip()).splitlines()[-_LAST_LINES:]
    if "buildkit" in reason.lower():  # Docker's API builds with the classic builder only
        dockerfile = str(image.folder / image.dockerfile)
        by_hand = ("docker", "build", "--tag", image.uri, "--file", dockerfile, str(image.folder))
        reason += f"; build it by hand: {shlex.join(by_hand)}"
    end = "; the end of its output:\n" + "\n".join(shown) if shown else ""
    return EngineError(f"the image of {image.folder / image.dockerfile} could not be built: {reason.strip()}{end}")


def _reason(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error) or type(error).__name__

"""From an image and a request to the exact process to start: words, environment, folder."""

import posixpath
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_ecs_dag_cli.process_engine.dockerfile import DockerfileError, ImageConfig, read_image_config
from airflow_ecs_dag_cli.process_engine.errors import EngineError
from airflow_ecs_dag_cli.process_engine.images import ImageSource

# What Docker gives a Linux container, and where Homebrew puts programs on a Mac.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"


@dataclass(frozen=True, kw_only=True)
class ContainerRequest:
    """What a client asked for when it created a container.

    Attributes:
        image: name of the image.
        name: name of the container, without a leading slash; empty lets the engine choose one.
        command: replaces the image's CMD; None leaves it.
        entrypoint: replaces the image's ENTRYPOINT, and drops its CMD; None leaves it.
        environment: `NAME=value`, which sets a variable, or `NAME`, which takes one away.
        labels: the container's labels.
        working_directory: a folder in the image; None is its WORKDIR.
        host_aliases: names that mean the machine itself, such as `host.docker.internal`.
    """

    image: str
    name: str = ""
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    working_directory: str | None = None
    host_aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """A process, ready to start but for its program, which is looked up on its `PATH` when it starts."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path


@dataclass(frozen=True)
class Scratch:
    """The folders that a container has to itself."""

    root: Path

    @property
    def home(self) -> Path:
        """Its `HOME`, so that no credentials file of the developer's is found."""
        return self.root / "home"

    @property
    def temporary(self) -> Path:
        """Its `TMPDIR`."""
        return self.root / "tmp"

    @property
    def programs(self) -> Path:
        """The last folder of its `PATH`: `python` and `python3`, if the machine has none of that name."""
        return self.root / "bin"

    @property
    def log(self) -> Path:
        """The file that its log is kept in."""
        return self.root / "log"

    def create(self) -> None:
        """Make the folders; only the user may look into them."""
        for folder in (self.root, self.home, self.temporary, self.programs):
            folder.mkdir(mode=0o700)
        for name in ("python", "python3"):
            program = self.programs / name
            program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
            program.chmod(0o700)

    def delete(self) -> None:
        """Delete everything; whoever still reads the log keeps it until closing it."""
        shutil.rmtree(self.root, ignore_errors=True)


def container_request(body: Mapping[str, Any], *, name: str) -> ContainerRequest:
    """Read the body of `POST /containers/create`.

    Raises:
        EngineError: 400 for a body that is no such request, or that asks for a mount.
    """
    host_config = body.get("HostConfig") or {}
    if host_config.get("Binds") or host_config.get("Mounts"):
        raise EngineError(
            400,
            "the process engine cannot mount volumes, got "
            f"{host_config.get('Binds') or host_config['Mounts']}; start Docker or Podman to run this task "
            "definition, or let the program take the path from an environment variable",
        )
    image = body.get("Image")
    if not isinstance(image, str) or not image:
        raise EngineError(400, f"Image must name an image, got {image!r}")
    aliases = (str(entry).partition(":") for entry in host_config.get("ExtraHosts") or ())
    return ContainerRequest(
        image=image,
        name=name,
        command=_argv(body, "Cmd"),
        entrypoint=_argv(body, "Entrypoint"),
        environment=tuple(str(entry) for entry in body.get("Env") or ()),
        labels=tuple((str(key), str(value)) for key, value in (body.get("Labels") or {}).items()),
        working_directory=body.get("WorkingDir") or None,
        host_aliases=tuple(alias for alias, _, address in aliases if address == "host-gateway"),
    )


def _argv(body: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    value = body.get(key)
    if value is None:
        return None
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise EngineError(400, f"{key} must be a list of strings, got {value!r}")
    return tuple(words)


def process_spec(source: ImageSource, request: ContainerRequest, scratch: Scratch) -> ProcessSpec:
    """Work out the process of a container.

    An absolute path at or below WORKDIR means the same path below the asset's folder, if that exists: in
    the command, and in each part, between colons, of a variable of the Dockerfile (`PYTHONPATH=/app/lib`).

    Raises:
        EngineError: 400 if there is nothing to run, 500 if the Dockerfile cannot be read.
    """
    path = ":".join([str(source.directory / ".venv" / "bin"), SYSTEM_PATH])
    config = _image_config(source, path)
    environment = {
        "HOME": str(scratch.home),
        "TMPDIR": str(scratch.temporary),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "AWS_EC2_METADATA_DISABLED": "true",  # a role of the machine is not the task's role
    }
    for name, value in config.environment:
        environment[name] = ":".join(_on_host(part, config, source.directory) for part in value.split(":"))
    environment = _with_request(environment, request)
    environment["PATH"] = f"{environment.get('PATH') or path}:{scratch.programs}"

    entrypoint = config.entrypoint if request.entrypoint is None else request.entrypoint
    default_command = config.command if request.entrypoint is None else ()
    words = (*entrypoint, *(default_command if request.command is None else request.command))
    if not words:
        raise EngineError(
            400,
            f"no command specified: neither {source.directory / source.dockerfile} nor the task definition "
            "says what to run, and the process engine does not know the ENTRYPOINT or CMD of a base image; "
            "write one of them into the Dockerfile",
        )
    return ProcessSpec(
        argv=tuple(_on_host(word, config, source.directory) for word in words),
        environment=environment,
        directory=_directory(request, config, source),
    )


def _image_config(source: ImageSource, path: str) -> ImageConfig:
    dockerfile = source.directory / source.dockerfile
    try:
        return read_image_config(
            dockerfile.read_text(encoding="utf-8"),
            target=source.target,
            build_args=dict(source.build_args),
            base_environment={"PATH": path},
        )
    except (OSError, UnicodeDecodeError, DockerfileError) as error:
        raise EngineError(500, f"cannot read {dockerfile} of image {source.name}: {error}") from error


def _with_request(environment: Mapping[str, str], request: ContainerRequest) -> dict[str, str]:
    changed = dict(environment)
    for name, has_value, value in _assignments(request.environment):
        if has_value:
            for alias in request.host_aliases:
                value = value.replace(alias, "127.0.0.1")  # noqa: PLW2901 -- each alias in turn
            changed[name] = value
        else:
            changed.pop(name, None)
    return changed


def _assignments(entries: Iterable[str]) -> Iterable[tuple[str, str, str]]:
    return (entry.partition("=") for entry in entries)


def _directory(request: ContainerRequest, config: ImageConfig, source: ImageSource) -> Path:
    wanted = request.working_directory
    if wanted is None or wanted == config.working_directory:
        return source.directory
    mapped = Path(_on_host(wanted, config, source.directory))
    if not mapped.is_dir():
        raise EngineError(
            400,
            f"there is no folder for the working directory {wanted!r}; the process engine knows the image's "
            f"WORKDIR {config.working_directory!r} and what lies below it in {source.directory}",
        )
    return mapped


def _on_host(path: str, config: ImageConfig, directory: Path) -> str:
    if not path.startswith("/"):
        return path
    relative = posixpath.relpath(posixpath.normpath(path), config.working_directory)
    if relative.startswith(".."):
        return path
    if relative == ".":
        return path if config.working_directory == "/" else str(directory)
    mapped = directory / relative
    return str(mapped) if mapped.exists() else path

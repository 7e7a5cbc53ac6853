"""Containers and images as the Docker Engine API describes them."""

import datetime as dt
import json
import platform
import sys
from collections.abc import Callable, Mapping
from typing import Any

from airflow_ecs_dag_cli.process_engine.container import Container
from airflow_ecs_dag_cli.process_engine.errors import EngineError
from airflow_ecs_dag_cli.process_engine.images import ImageSource
from airflow_ecs_dag_cli.process_engine.orphan_guard import MARKER

API_VERSION = "1.43"
NOTICE = "process engine: containers run as plain processes of your own user, without any isolation"
# Processes share the machine's network: what a container listens on is found there.
_ADDRESS = "127.0.0.1"
_NEVER = "0001-01-01T00:00:00Z"


def container_description(container: Container) -> dict[str, Any]:
    """The answer to `GET /containers/{id}/json`."""
    spec, identity = container.spec, container.identity
    return {
        "Id": identity.id,
        "Name": f"/{identity.name}",
        "Created": _time(identity.created),
        "Path": spec.argv[0],
        "Args": list(spec.argv[1:]),
        "Image": container.source.image_id,
        "State": {
            "Status": container.status,
            "Running": container.status == "running",
            "Paused": False,
            "Restarting": False,
            "OOMKilled": False,
            "Dead": False,
            "Pid": container.process_id,
            "ExitCode": container.exit_code,
            "Error": container.error,
            "StartedAt": _time(container.started),
            "FinishedAt": _time(container.finished),
        },
        "Config": {
            "Image": container.request.image,
            "Cmd": list(spec.argv),
            "Entrypoint": None,
            "Env": [f"{name}={value}" for name, value in spec.environment.items() if name != MARKER],
            "Labels": dict(container.request.labels),
            "Tty": False,
            "WorkingDir": str(spec.directory),
        },
        "HostConfig": {"NetworkMode": "host", "LogConfig": {"Type": "json-file", "Config": {}}},
        "NetworkSettings": _network(),
        "Mounts": [],
    }


def container_summary(container: Container) -> dict[str, Any]:
    """An entry of the answer to `GET /containers/json`."""
    return {
        "Id": container.identity.id,
        "Names": [f"/{container.identity.name}"],
        "Image": container.request.image,
        "ImageID": container.source.image_id,
        "Command": " ".join(container.spec.argv),
        "Created": int(container.identity.created.timestamp()),
        "State": container.status,
        "Status": container.status if container.status != "exited" else f"Exited ({container.exit_code})",
        "Labels": dict(container.request.labels),
        "Ports": [],
        "Mounts": [],
        "NetworkSettings": _network(),
    }


def image_description(source: ImageSource) -> dict[str, Any]:
    """The answer to `GET /images/{name}/json`, and an entry of `GET /images/json`."""
    return {
        "Id": source.image_id,
        "RepoTags": [source.name],
        "RepoDigests": [],
        "Created": 0,
        "Size": 0,
        "Os": sys.platform,
        "Architecture": platform.machine(),
        "Labels": {},
        "Config": {"Labels": {}},
    }


def engine_version() -> dict[str, Any]:
    """The answer to `GET /version`."""
    return {
        "Platform": {"Name": NOTICE},
        "Version": "process-engine",
        "ApiVersion": API_VERSION,
        "MinAPIVersion": "1.24",
        "Os": sys.platform,
        "Arch": platform.machine(),
        "KernelVersion": platform.release(),
    }


def container_filter(filters: str) -> Callable[[Container], bool]:
    """What the `filters` parameter lets through, such as `{"label": ["a=b"], "status": ["exited"]}`.

    The values of one kind are alternatives, but for labels, which must all be there.

    Raises:
        EngineError: 400 for a kind of filter that the engine doesn't have.
    """
    try:
        wanted = {kind: _values(values) for kind, values in json.loads(filters or "{}").items()}
    except (ValueError, AttributeError) as error:
        raise EngineError(400, f"filters must be a JSON object of lists, got {filters!r}") from error
    if unknown := sorted(set(wanted) - set(_FILTERS)):
        raise EngineError(400, f"invalid filter {unknown}; the process engine has {sorted(_FILTERS)}")
    return lambda container: all(_FILTERS[kind](container, values) for kind, values in wanted.items())


def _values(values: list[str] | Mapping[str, bool]) -> list[str]:
    """Older clients send `{"value": true}` for `["value"]`."""
    return [str(value) for value in values]


def _has_labels(container: Container, values: list[str]) -> bool:
    labels = dict(container.request.labels)
    pairs = (value.partition("=") for value in values)
    return all(key in labels and (not has_value or labels[key] == value) for key, has_value, value in pairs)


_FILTERS: dict[str, Callable[[Container, list[str]], bool]] = {
    "label": _has_labels,
    "status": lambda container, values: container.status in values,
    "name": lambda container, values: any(value.strip("/^$") in container.identity.name for value in values),
    "id": lambda container, values: any(container.identity.id.startswith(value) for value in values),
}


def _network() -> dict[str, Any]:
    return {"Networks": {"host": {"IPAddress": _ADDRESS}}}


def _time(moment: dt.datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else _NEVER

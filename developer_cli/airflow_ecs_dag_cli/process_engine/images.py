"""Which images the engine knows: a JSON file that may grow while the engine runs."""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_ecs_dag_cli.process_engine.errors import EngineError

_FIELDS = {"directory", "dockerfile", "target", "build_args"}


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """The folder that an image is built from.

    Attributes:
        name: the image URI as a task definition spells it, with its tag.
        directory: the build context; containers run in it.
        dockerfile: path of the Dockerfile, relative to `directory`.
        target: the stage to run; None is the last one.
        build_args: values for the Dockerfile's ARG lines, as (name, value) pairs.
    """

    name: str
    directory: Path
    dockerfile: str = "Dockerfile"
    target: str | None = None
    build_args: tuple[tuple[str, str], ...] = ()

    @property
    def image_id(self) -> str:
        """A stable id in Docker's form, `sha256:` and 64 hexadecimal digits."""
        return "sha256:" + hashlib.sha256(f"{self.name}\n{self.directory}".encode()).hexdigest()


def write_images(path: Path, sources: Iterable[ImageSource]) -> None:
    """Write the registry file in one step, so that a running engine never reads half of it."""
    content = {
        source.name: {
            "directory": str(source.directory.resolve()),
            "dockerfile": source.dockerfile,
            "target": source.target,
            "build_args": dict(source.build_args),
        }
        for source in sources
    }
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as partial:
        json.dump(content, partial, indent=2)
    Path(partial.name).replace(path)


class ImageRegistry:
    """The images of a registry file, read again whenever the file has changed.

    The file maps an image URI to `{"directory": ..., "dockerfile": ..., "target": ..., "build_args": {...}}`;
    only `directory` is required. A file that does not exist yet is an empty registry.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, int, int] | None = None
        self._sources: dict[str, ImageSource] = {}

    def sources(self) -> tuple[ImageSource, ...]:
        """All images, in the order of the file.

        Raises:
            EngineError: 500 if the file is not what it should be.
        """
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._version, self._sources = None, {}
            return ()
        version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if version != self._version:
            self._sources = _read_sources(self._path)
            self._version = version
        return tuple(self._sources.values())

    def find(self, reference: str) -> ImageSource:
        """The image of this name (`:latest` may be left out) or image id.

        Raises:
            EngineError: 404 in Docker's words for an image that it doesn't have; 500 for an unusable file.
        """
        for source in self.sources():
            if reference in {source.name, source.name.removesuffix(":latest"), source.image_id}:
                return source
            if reference.removesuffix(":latest") == source.name:
                return source
        raise EngineError(404, _unknown_image(reference))


def _unknown_image(reference: str) -> str:
    return (
        f"No such image: {reference}: the process engine only runs images that the CDK app builds from a "
        "folder; use ContainerImage.from_asset(folder) in the task definition, or start Docker or Podman to "
        "run an image from a registry"
    )


def _read_sources(path: Path) -> dict[str, ImageSource]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EngineError(500, f"the image registry {path} is not JSON: {error}; write it anew") from error
    if not isinstance(content, dict):
        raise EngineError(500, f"the image registry {path} must be an object, got {type(content).__name__}")
    return {name: _source(path, name, entry) for name, entry in content.items()}


def _source(path: Path, name: str, entry: Any) -> ImageSource:  # noqa: ANN401 -- any JSON value is checked here
    where = f"image {name!r} in the image registry {path}"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("directory"), str):
        raise EngineError(500, f'{where} must be an object with a "directory", got {entry!r}')
    if unknown := sorted(set(entry) - _FIELDS):
        raise EngineError(500, f"{where} has unknown fields {unknown}; allowed are {sorted(_FIELDS)}")
    build_args = entry.get("build_args") or {}
    if not isinstance(build_args, Mapping):
        raise EngineError(500, f"{where}: build_args must be an object of strings, got {build_args!r}")
    return ImageSource(
        name=name,
        directory=(path.parent / entry["directory"]).resolve(),
        dockerfile=str(entry.get("dockerfile") or "Dockerfile"),
        target=entry.get("target") or None,
        build_args=tuple((str(key), str(value)) for key, value in build_args.items()),
    )

"""What the last good scan of each place found, on disk in a file a place: where the next scan goes on."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.definition import Definition, TaskDefinitionArn
from airflow_ecs_dag_loader.file_names import file_name
from airflow_ecs_dag_loader.private_files import make_private_folder, read_private_file, replace_private_file

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

_FORMAT = 2


@dataclass(frozen=True)
class PlaceState:
    """The state of one place.

    Attributes:
        definitions: As in :class:`Registry`.
        identity: ``Place.identity`` of the scan.
        account: The account that was scanned; empty while it is not known.
        is_complete: Whether a scan has ever gone through all that there is.
    """

    definitions: Mapping[str, Definition | None] = field(default_factory=dict)
    identity: str = ""
    account: str = ""
    is_complete: bool = False


class PlaceStates:
    """The states of a bundle's places.

    A file is read and written again only where it is another one than before, also when another process did that.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, ...], PlaceState]] = {}

    def file(self, key: str) -> Path:
        """Return the path of a place's state."""
        source, _, region = key.rpartition("/")
        return self._folder / file_name(source) / f"{file_name(region)}.json"

    def read(self, key: str) -> PlaceState | None:
        """Return the state of a place; ``None`` for one that is absent, broken or of another format."""
        signature = self._signature(key)
        if key in self._read and self._read[key][0] == signature:
            return self._read[key][1]
        try:
            state = _state(json.loads(read_private_file(self.file(key)).decode("ascii")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        self._read[key] = (signature, state)
        return state

    def write(self, key: str, state: PlaceState) -> None:
        """Write the state of a place if it is another one; in any case, the file says that it is true now.

        Raises:
            OSError: It can't be written.
        """
        path = self.file(key)
        if self.read(key) == state:
            os.utime(path)
        else:
            make_private_folder(path.parent, within=self._folder)
            value = {
                "format": _FORMAT,
                "identity": state.identity,
                "account": state.account,
                "is_complete": state.is_complete,
                "definitions": {arn: each and each.to_json() for arn, each in state.definitions.items()},
            }
            replace_private_file(path, json.dumps(value, indent=1, sort_keys=True).encode("ascii"))
        self._read[key] = (self._signature(key), state)

    def age(self, key: str, now: float) -> float | None:
        """Return how many seconds ago a place was scanned well last; ``None`` if it never was.

        Args:
            key: The place.
            now: Seconds since 1970.
        """
        try:
            return max(0.0, now - self.file(key).stat().st_mtime)
        except OSError:
            return None

    def keep_only(self, keys: Collection[str]) -> None:
        """Remove the states of all other places, and what killed processes left."""
        kept = {self.file(key) for key in keys}
        for found in self._folder.glob("*/*"):
            if found not in kept:
                found.unlink()
        for folder in self._folder.glob("*/"):
            if not any(folder.iterdir()):
                folder.rmdir()

    def _signature(self, key: str) -> tuple[int, ...]:
        try:
            found = self.file(key).lstat()
        except OSError:
            return ()
        return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _state(value: dict[str, Any]) -> PlaceState:
    if value["format"] != _FORMAT:
        raise ValueError("another format")
    return PlaceState(
        definitions={arn: _definition(arn, each) for arn, each in value["definitions"].items()},
        identity=str(value["identity"]),
        account=str(value["account"]),
        is_complete=value["is_complete"] is True,
    )


def _definition(arn: str, value: Any) -> Definition | None:  # noqa: ANN401 - as json gives it
    if TaskDefinitionArn.parse(arn).text != arn:
        raise ValueError(f"not the ARN of a task definition: {arn}")
    if value is None:
        return None
    definition = Definition.from_json(value)
    if definition.parsed_arn.text != arn:
        raise ValueError(f"the definition of {definition.arn} is kept as {arn}")
    return definition

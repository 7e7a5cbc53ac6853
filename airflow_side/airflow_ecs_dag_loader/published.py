"""What the last refresh published: whole for the next refresh, and in parts for what asks for one DAG or the version.

::

    <folder>/state/published.json      all of it
    <folder>/published/summary.json    all but what there is for each DAG
    <folder>/published/<part>.json     the families of some dag ids
"""

from __future__ import annotations

import json
import os
import zlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.audit import Judgement
from airflow_ecs_dag_loader.private_files import (
    keep_only,
    make_private_folder,
    read_private_file,
    replace_private_file,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FORMAT = 2
FILE = "published.json"
_SUMMARY = "summary"
_PARTS = 64
"""So many that one is read in a millisecond where there are ten thousand DAGs."""
DEFAULT_REGION = "default"
"""The region in the key of a place that takes it from its connection or its environment."""


@dataclass(frozen=True)
class Published:
    """The outcome of the last refresh.

    Attributes:
        version: Hash over all that Airflow parses; empty if there was no refresh yet.
        owners: Dag id to the family key that has it, or keeps it while its author mends a definition that was refused.
        judgements: What became of each family, by its key.
        places: The account of each place that was looked at, by its key; empty where that is not known.
        proven_with: The versions that built each DAG there is; empty if one wasn't built yet.
    """

    version: str = ""
    owners: Mapping[str, str] = field(default_factory=dict)
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    proven_with: str = ""

    def family_of(self, dag_id: str) -> str | None:
        """Return the family key of a DAG; ``None`` if no family has it."""
        return self.owners.get(dag_id)

    def places_of(self, family_key: str) -> list[str]:
        """Return the keys of the places in which a family may have been found."""
        account, region, _ = family_key.split("/")
        return [
            key
            for key, found in self.places.items()
            if found == account and key.rpartition("/")[2] in {region, DEFAULT_REGION}
        ]

    @classmethod
    def read(cls, state: Path) -> Published:
        """Read what is in the folder ``state``; a file that is absent, broken or of another format counts as none."""
        return cls._of_files(state / FILE)

    @classmethod
    def read_one(cls, state: Path, dag_id: str | None) -> Published:
        """Read the same without judgements and with one owner at most, in a time that no number of DAGs stretches.

        Args:
            state: The folder.
            dag_id: The DAG whose family is wanted; ``None`` for none.
        """
        found = cls._of_files(_part_file(state, _SUMMARY))
        if dag_id is None:
            return found
        family = cls._of_files(_part_file(state, _part(dag_id))).owners.get(dag_id)
        return found if family is None else replace(found, owners={dag_id: family})

    @classmethod
    def _of_files(cls, file: Path) -> Published:
        try:
            value = json.loads(read_private_file(file).decode("ascii"))
            if value["format"] != _FORMAT:
                return cls()
            return cls(
                version=str(value["version"]),
                owners={str(dag_id): str(family) for dag_id, family in value["owners"].items()},
                judgements={str(key): Judgement.from_json(each) for key, each in value["judgements"].items()},
                places={str(key): str(account) for key, account in value["places"].items()},
                proven_with=str(value["proven_with"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls()

    def write(self, state: Path) -> None:
        """Write it to the folder ``state``, which is there, if it isn't yet; either way, the file's time is now.

        Raises:
            OSError: It can't be written.
        """
        make_private_folder(_parts_folder(state), within=state.parent)
        parts: dict[str, dict[str, str]] = defaultdict(dict)
        admitted = {each.dag_id: family for family, each in self.judgements.items() if each.admitted and each.dag_id}
        for dag_id, family in {**admitted, **self.owners}.items():
            parts[_part(dag_id)][dag_id] = family
        files = {_part_file(state, name): Published(owners=owners) for name, owners in parts.items()}
        files[_part_file(state, _SUMMARY)] = replace(self, owners={}, judgements={})
        for file, part in files.items():
            _write(file, part.to_json())
        keep_only(files.keys(), _parts_folder(state))
        _write(state / FILE, self.to_json())
        os.utime(state / FILE)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {
            "format": _FORMAT,
            "version": self.version,
            "owners": self.owners,
            "judgements": {family: each.to_json() for family, each in self.judgements.items()},
            "places": self.places,
            "proven_with": self.proven_with,
        }


def _part(dag_id: str) -> str:
    return f"{zlib.crc32(dag_id.encode()) % _PARTS:02}"


def _part_file(state: Path, name: str) -> Path:
    return _parts_folder(state) / f"{name}.json"


def _parts_folder(state: Path) -> Path:
    return state.parent / "published"


def _write(file: Path, value: dict[str, Any]) -> None:
    replace_private_file(file, json.dumps(value, indent=1, sort_keys=True).encode("ascii"))

"""What the last refresh published, on disk in one small file: enough for the version and for a worker's one DAG."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ecs_dag_loader.audit import Judgement
from airflow_ecs_dag_loader.private_files import read_private_file, replace_private_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FORMAT = 2
FILE = "published.json"
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
        if dag_id in self.owners:
            return self.owners[dag_id]
        return next((key for key, each in self.judgements.items() if each.admitted and each.dag_id == dag_id), None)

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
        try:
            value = json.loads(read_private_file(state / FILE).decode("ascii"))
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
        value = {
            "format": _FORMAT,
            "version": self.version,
            "owners": self.owners,
            "judgements": {family: each.to_json() for family, each in self.judgements.items()},
            "places": self.places,
            "proven_with": self.proven_with,
        }
        replace_private_file(state / FILE, json.dumps(value, indent=1, sort_keys=True).encode("ascii"))
        os.utime(state / FILE)

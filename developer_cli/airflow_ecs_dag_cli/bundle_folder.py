"""What a bundle last found, read from its folder on the machine where Airflow's DAG processor or a worker runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from airflow_ecs_dag_cli.next_runs import duration_words
from airflow_ecs_dag_loader.place_state import PlaceStates
from airflow_ecs_dag_loader.snapshot import Snapshot, state_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_STATES = ("state/published.json", "state.json")
"""Where the state is, by the loader's versions: newest first."""


class BundleFolderError(RuntimeError):
    """A folder that holds nothing a bundle found; the message says why, and what to give instead."""


@dataclass(frozen=True)
class BundleFolder:
    """A bundle's folder and what is in it.

    Attributes:
        path: The folder.
        snapshot: The bundle's last good scan.
        place_of: The key of the place in which each definition was found, by its ARN; none for one that several places
            reach, for the folder does not say which one of them is the bundle's first.
        refreshed_at: When its state was written or confirmed last.
    """

    path: Path
    snapshot: Snapshot
    place_of: Mapping[str, str]
    refreshed_at: datetime

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the folder of a bundle, or the one that Airflow parses within it.

        Raises:
            BundleFolderError: Nothing is in it that can be used.
        """
        for folder in (path, path.parent):
            states = [folder / state for state in _STATES if _is_there(folder / state)]
            if not states:
                continue
            snapshot = Snapshot.read(folder)
            if not snapshot.version:
                raise BundleFolderError(_unusable(states[0]))
            return cls(folder, snapshot, _place_of(folder), datetime.fromtimestamp(states[0].stat().st_mtime, tz=UTC))
        raise BundleFolderError(
            f"{path} holds no snapshot of an EcsDagBundle: give the folder that is named as the bundle is, below "
            "Airflow's dag_bundle_storage_path; if that is it, no refresh has succeeded yet, and the DAG processor's "
            "log says why"
        )

    @property
    def age(self) -> timedelta:
        """How long ago that was."""
        return max(datetime.now(UTC) - self.refreshed_at, timedelta())

    @property
    def age_words(self) -> str:
        """The same in words, to the second below a minute, to the minute above."""
        seconds = int(self.age.total_seconds())
        rounded = timedelta(seconds=seconds if seconds < 60 else seconds - seconds % 60)  # noqa: PLR2004 - a minute
        words = duration_words(rounded)
        if not words:
            return "just now"
        return f"{words if words[0].isdigit() else f'1 {words}'} ago"

    @property
    def places(self) -> tuple[str, ...]:
        """The accounts and regions of which it knows task definitions."""
        return tuple(sorted({"/".join(arn.split(":")[4:2:-1]) for arn in self.snapshot.definitions}))


def _is_there(state: Path) -> bool:
    try:
        return state.exists()
    except PermissionError:
        raise BundleFolderError(
            f"this user may not look into {state.parent}: run this command as the user that Airflow runs as, such as "
            "by sudo -u"
        ) from None


def _place_of(folder: Path) -> dict[str, str]:
    states = PlaceStates(state_folder(folder))
    found: dict[str, list[str]] = {}
    for key in Snapshot.read_published(folder).places:
        if state := states.read(key):
            for arn in state.definitions:
                found.setdefault(arn, []).append(key)
    return {arn: keys[0] for arn, keys in found.items() if len(keys) == 1}


def _unusable(state: Path) -> str:
    found = state.stat()
    if found.st_uid != os.geteuid():
        return (
            f"{state} belongs to the user id {found.st_uid}, and only that user may read it: run this command as the "
            "user that Airflow runs as, such as by sudo -u"
        )
    return f"{state} can't be read as a bundle's state: the next refresh writes it anew"

"""What the last good scan found, on disk: the files that Airflow parses, and the state for the next scan.

::

    <folder>/dags/<account>/<region>/<family>.py    one a family: its DAG, or its error
    <folder>/state.json                             definitions by ARN, owners of dag ids, judgements

Each file is replaced as a whole and only where it changed (its time of change makes Airflow parse it again); the state
is written last. A process that is killed in between leaves whole files, and the next refresh does the rest. All is
private to its user.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.admission import Admitted
from airflow_ecs_dag_loader.audit import Judgement, judgements
from airflow_ecs_dag_loader.dag_file import dag_file, refusal_file
from airflow_ecs_dag_loader.definition import Definition
from airflow_ecs_dag_loader.private_files import make_private_folder, read_private_file, replace_private_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ecs_dag_loader.admission import Verdict
    from airflow_ecs_dag_loader.registry import Registry
    from airflow_ecs_dag_loader.source import RegistrySource

_FORMAT = 1
_LONGEST_NAME = 200
_TEMPORARY = ".*.tmp"


@dataclass(frozen=True)
class Snapshot:
    """The state of the last good scan.

    Attributes:
        definitions: As in :class:`Registry`.
        owners: Dag id to the family key that has it, or keeps it while its author mends a definition that was refused.
        version: Hash over all that Airflow parses; empty if there was no scan yet.
        place: ``RegistrySource.place`` of the scan.
        judgements: What became of each family, by its key.
    """

    definitions: Mapping[str, Definition | None] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    place: str = ""
    judgements: Mapping[str, Judgement] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Snapshot:
        """Read the state in ``folder``; one that is absent, broken or of another format counts as none."""
        try:
            state = json.loads(read_private_file(folder / "state.json").decode("ascii"))
            if state["format"] != _FORMAT:
                return cls()
            return cls(
                definitions={arn: _definition(arn, value) for arn, value in state["definitions"].items()},
                owners={str(dag_id): str(family) for dag_id, family in state["owners"].items()},
                version=str(state["version"]),
                place=str(state["place"]),
                judgements={
                    str(family): Judgement.from_json(value) for family, value in state.get("judgements", {}).items()
                },
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls()


def _definition(arn: str, value: Any) -> Definition | None:  # noqa: ANN401 - as json gives it
    if value is None:
        return None
    definition = Definition.from_json(value)
    if definition.parsed_arn.text != arn:
        raise ValueError(f"the definition of {definition.arn} is kept as {arn}")
    return definition


def dags_folder(folder: Path) -> Path:
    """Return the folder that Airflow parses."""
    return folder / "dags"


def publish(folder: Path, *, registry: Registry, verdicts: Sequence[Verdict], source: RegistrySource) -> Snapshot:
    """Write what a scan found; return the new state.

    Raises:
        OSError: The folder can't be written.
    """
    files = {_file_of(verdict.definition): _content(verdict) for verdict in verdicts}
    root = dags_folder(folder)
    make_private_folder(root, within=folder)
    for path, content in files.items():
        make_private_folder((root / path).parent, within=root)
        replace_private_file(root / path, content.encode("ascii"))
    _keep_only({root / path for path in files}, root)
    for left_over in folder.glob(_TEMPORARY):  # by a process that was killed
        left_over.unlink()
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{content}\0".encode())
    snapshot = Snapshot(
        definitions=registry.definitions,
        owners={
            dag_id: each.definition.parsed_arn.family_key
            for each in verdicts
            for dag_id in ([each.spec.dag_id] if isinstance(each, Admitted) else each.keeps)
        },
        version=digest.hexdigest()[:40],
        place=source.place,
        judgements=judgements(verdicts),
    )
    state = {
        "format": _FORMAT,
        "version": snapshot.version,
        "place": snapshot.place,
        "owners": snapshot.owners,
        "judgements": {family: each.to_json() for family, each in snapshot.judgements.items()},
        "definitions": {arn: each and each.to_json() for arn, each in snapshot.definitions.items()},
    }
    replace_private_file(folder / "state.json", json.dumps(state, indent=1, sort_keys=True).encode("ascii"))
    return snapshot


def _content(verdict: Verdict) -> str:
    if isinstance(verdict, Admitted):
        return dag_file(verdict.definition, verdict.source)
    return refusal_file(verdict.definition, verdict.reason)


def _file_of(definition: Definition) -> Path:
    """Return the path of a family's file below the folder that Airflow parses; a file's name has at most 255 bytes."""
    arn = definition.parsed_arn
    name = arn.family
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return Path(arn.account, arn.region, f"{name}.py")


def _keep_only(files: set[Path], root: Path) -> None:
    """Remove from ``root`` all that is none of ``files`` nor above one: Airflow runs what it finds there."""
    folders = {folder for path in files for folder in path.parents}
    for found in root.iterdir():
        if found in folders and not found.is_symlink():
            _keep_only(files, found)
        elif found not in files:
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found)
            else:
                found.unlink()

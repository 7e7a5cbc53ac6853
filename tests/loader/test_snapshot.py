"""What a refresh leaves on disk: whole files, rewritten only where they changed, whatever ends the process."""

from __future__ import annotations

import itertools
import json
import os
import random
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_loader.admission import Verdict, admit
from airflow_ecs_dag_loader.family_files import FamilyFiles
from airflow_ecs_dag_loader.registry import Registry
from airflow_ecs_dag_loader.snapshot import Snapshot, dags_folder, publish
from loader.bundle_files import family_files
from loader.ecs_account import dag_labels
from loader.sources import SOURCE, found

if TYPE_CHECKING:
    from airflow_ecs_dag_loader.definition import Definition


def write(folder: Path, *definitions: Definition, archives: int = 0) -> Snapshot:
    registry = Registry({definition.arn: definition for definition in definitions})
    verdicts: list[Verdict] = admit(definitions, source=SOURCE, owners=Snapshot.read(folder).owners)
    return publish(folder, registry=registry, verdicts=verdicts, source=SOURCE, archives=archives)


def files(folder: Path, archives: int = 0) -> dict[str, str]:
    """Return all that Airflow may parse: the families' files, and those in archives as the DAG processor has them."""
    root = FamilyFiles(folder, archives).path
    found = {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}
    assert _unpacked(dags_folder(folder)) == found
    return found


def _unpacked(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.suffix == ".zip" and path.is_file():
            with zipfile.ZipFile(path) as archive:
                found |= {f"{name}/{each}": archive.read(each).decode() for each in archive.namelist()}
        elif path.is_file():
            found[name] = path.read_text()
    return found


def times(folder: Path) -> dict[str, int]:
    return {family: path.stat().st_mtime_ns for family, path in family_files(folder).items()}


def test_what_was_published_is_read_back(tmp_path: Path) -> None:
    good, bad = found("good"), found("bad", {"airflow.dag.oops": "1"})
    registry = Registry(
        {good.arn: good, bad.arn: bad, "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1": None}
    )
    verdicts = admit(registry.with_dags, source=SOURCE, owners={})
    published = publish(tmp_path, registry=registry, verdicts=verdicts, source=SOURCE)
    assert Snapshot.read(tmp_path) == published
    assert published.definitions == registry.definitions
    assert published.owners == {"good": "123456789012/eu-west-1/good"}
    assert list(files(tmp_path)) == ["123456789012/eu-west-1/bad.py", "123456789012/eu-west-1/good.py"]


def test_only_changed_files_are_rewritten(tmp_path: Path) -> None:
    definitions = [found(family) for family in ("a", "b", "c")]
    write(tmp_path, *definitions)
    before = times(tmp_path)
    changed = replace(definitions[1], labels=dag_labels("b", dag__owner="someone"))
    write(tmp_path, definitions[0], changed, definitions[2])
    after = times(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"b"}
    states = {path: path.stat().st_ino for path in (tmp_path / "state").rglob("*.json")}
    write(tmp_path, definitions[0], changed, definitions[2])
    assert times(tmp_path) == after
    assert len(states) == 2
    assert {path: path.stat().st_ino for path in states} == states


def test_the_file_of_a_family_that_left_goes(tmp_path: Path) -> None:
    write(tmp_path, found("a"), found("b"))
    write(tmp_path, found("b"))
    assert list(files(tmp_path)) == ["123456789012/eu-west-1/b.py"]
    write(tmp_path)
    assert files(tmp_path) == {}


def test_a_refused_definition_replaces_the_dag_by_its_error(tmp_path: Path) -> None:
    write(tmp_path, found("a"))
    write(tmp_path, found("a", dag_labels("a", tasks__build__retries="many")))
    (content,) = files(tmp_path).values()
    assert "DagRefusedError" in content
    assert "retries" in content


def test_all_of_it_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    write(folder, found("a"))
    assert dags_folder(folder).stat().st_mode & 0o777 == 0o700
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) == 5
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}


def test_the_version_changes_with_the_content_only(tmp_path: Path) -> None:
    definitions = [found(family) for family in "abcdef"]
    version = write(tmp_path / "one", *definitions).version
    shuffled = random.Random(7).sample(definitions, len(definitions))  # noqa: S311 - an order, no secret
    assert write(tmp_path / "two", *shuffled).version == version
    assert write(tmp_path / "one", *shuffled).version == version
    versions = {
        version,
        write(tmp_path / "less", *definitions[1:]).version,
        write(tmp_path / "revision", *definitions[1:], found("a", revision=2)).version,
        write(tmp_path / "label", *definitions[1:], found("a", dag_labels("a", dag__owner="x"))).version,
        write(tmp_path / "none").version,
    }
    assert len(versions) == 5
    assert all(versions)


def test_a_family_name_as_long_as_ecs_takes_has_a_file_of_its_own(tmp_path: Path) -> None:
    write(
        tmp_path,
        *(found("f" * 254 + last, dag_labels(f"dag-{last}")) for last in "ab"),
        found("f" * 200, dag_labels("short")),
    )
    names = [Path(name).name for name in files(tmp_path)]
    assert len(set(names)) == 3
    assert all(len(name) <= 255 for name in names)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"5", b"\xff\xfe", b"[" * 100_000, b'{"format": 0}', b'{"format": 2}',
        b'{"format": 2, "version": "x", "places": {}, "proven_with": "", "owners": [], "judgements": {}}',
        b'{"format": 2, "version": "x", "places": {}, "proven_with": "", "owners": {}, "judgements": []}',
        b'{"format": 2, "version": "x", "places": {}, "proven_with": "", "owners": {}, "judgements": {"a": {}}}',
        b'{"format": 2, "version": "x", "places": [], "proven_with": "", "owners": {}, "judgements": {}}',
    ],
)  # fmt: skip
def test_a_broken_state_counts_as_none_and_is_mended(tmp_path: Path, content: bytes) -> None:
    whole = write(tmp_path, found("a"))
    (tmp_path / "state" / "published.json").write_bytes(content)
    assert Snapshot.read(tmp_path) == Snapshot()
    assert write(tmp_path, found("a")) == whole
    assert Snapshot.read(tmp_path) == whole


@pytest.mark.parametrize(
    "spoil",
    [
        {"arn": "arn"},
        {"arn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/other:1"},
        {"labels": 5},
        {"containers": [5]},
        {"containers": [{"name": "main"}]},
        {"extra": 1},
    ],
)
def test_a_definition_in_a_state_that_is_none_makes_it_none(tmp_path: Path, spoil: dict[str, object]) -> None:
    whole = write(tmp_path, found("a"))
    (path,) = (tmp_path / "state").glob("*/*.json")
    state = json.loads(path.read_text())
    (definition,) = state["definitions"].values()
    definition.update(spoil)
    path.write_text(json.dumps(state))
    assert Snapshot.read(tmp_path) == replace(whole, definitions={})


def test_without_a_state_there_is_none(tmp_path: Path) -> None:
    assert Snapshot.read(tmp_path / "nowhere") == Snapshot()


def test_a_file_that_was_spoiled_is_written_anew(tmp_path: Path) -> None:
    write(tmp_path, found("a"))
    whole = files(tmp_path)
    (path,) = FamilyFiles(tmp_path).path.rglob("*.py")
    path.write_bytes(b"\xff\xfe spoiled")
    write(tmp_path, found("a"))
    assert files(tmp_path) == whole


class _KilledError(BaseException):
    """Stands for the end of the process: nothing in the loader may catch it."""


@pytest.mark.parametrize("archives", [0, 2])
@pytest.mark.parametrize(("where", "step"), [(Path, "replace"), (Path, "unlink"), (os, "fsync"), (os, "utime")])
def test_a_process_that_ends_at_any_point_leaves_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, step: str, archives: int
) -> None:
    before = [found(family) for family in ("a", "b", "c", "leaves-1", "leaves-2")]
    after = [found(family, revision=2) for family in ("a", "b", "c", "new")]
    old = {**_contents(tmp_path / "old", before, archives)}
    new = {**_contents(tmp_path / "new", after, archives)}
    points = 0
    for point in itertools.count():
        folder = tmp_path / f"{point}"
        write(folder, *before, archives=archives)
        with monkeypatch.context() as patched:
            steps = itertools.count()
            original = getattr(where, step)

            def ends(*args: object, number: int = point, done: Any = original) -> object:
                if next(steps) == number:  # noqa: B023 - called within this round of the loop only
                    raise _KilledError
                return done(*args)

            patched.setattr(where, step, ends)
            try:
                write(folder, *after, archives=archives)
            except _KilledError:
                points += 1
            else:
                break
        left = {
            (root, name): text
            for root in {"dags", FamilyFiles(folder, archives).path.name}
            for name, text in _unpacked(folder / root).items()
            if name.endswith(".py")
        }
        assert all(text in (old.get(name), new.get(name)) for (_, name), text in left.items())
        assert Snapshot.read(folder).version in {
            Snapshot.read(tmp_path / "old").version,
            Snapshot.read(tmp_path / "new").version,
        }
        write(folder, *after, archives=archives)
        assert files(folder, archives) == new
    assert points == {"replace": (8, 9), "unlink": (4, 3), "fsync": (8, 9), "utime": (1, 1)}[step][bool(archives)]


def _contents(folder: Path, definitions: list[Definition], archives: int) -> dict[str, str]:
    write(folder, *definitions, archives=archives)
    return files(folder, archives)


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    write(tmp_path, found("a"))
    (path,) = FamilyFiles(tmp_path).path.rglob("*.py")
    left_over = [path.parent / ".x1y2.tmp", tmp_path / ".x1y2.tmp"]
    for each in left_over:
        each.write_text("half")
    write(tmp_path, found("a"))
    assert not any(each.exists() for each in left_over)

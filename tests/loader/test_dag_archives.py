"""The archives that the DAG processor parses: a module a family, in few files, whole at each moment."""

from __future__ import annotations

import importlib
import io
import json
import sys
import zipfile
import zipimport
from random import Random
from typing import TYPE_CHECKING

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.dagcode import DagCode

from airflow_ecs_dag_loader import EcsDagBundle, dag_archives
from airflow_ecs_dag_loader.admission import Verdict, admit
from airflow_ecs_dag_loader.dag_archives import archive_of
from airflow_ecs_dag_loader.family_files import FamilyFiles
from airflow_ecs_dag_loader.file_names import dag_path
from airflow_ecs_dag_loader.registry import Registry
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.snapshot import Snapshot, dags_folder, publish
from loader.ecs_account import dag_labels
from loader.sources import SOURCE, found
from loader.task_runs import task_run

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_loader.definition import Definition


ARCHIVES = 8


@pytest.fixture(autouse=True)
def _import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))  # Airflow adds a bundle's folder and leaves it there


def write(folder: Path, *definitions: Definition, archives: int = ARCHIVES) -> None:
    registry = Registry({definition.arn: definition for definition in definitions})
    verdicts: list[Verdict] = admit(definitions, source=SOURCE, owners=Snapshot.read(folder).owners)
    publish(folder, registry=registry, verdicts=verdicts, source=SOURCE, archives=archives)


def bag(root: Path, path: str = "") -> BundleDagBag:
    found = BundleDagBag(dag_folder=root / path, bundle_path=root, bundle_name="ecs")
    assert not found.import_errors
    return found


def path_of(family: str) -> str:
    return str(dag_path(found(family).parsed_arn.family_key, ARCHIVES))


def modules(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def test_hundreds_of_families_are_a_few_files(tmp_path: Path) -> None:
    families = [f"family-{number}" for number in range(300)]
    write(tmp_path, *(found(family) for family in families))
    assert len([path for path in dags_folder(tmp_path).rglob("*") if path.is_file()]) == ARCHIVES
    assert sorted(bag(dags_folder(tmp_path)).dags) == sorted(families)


def test_a_dag_is_the_same_in_an_archive_and_in_its_own_file(tmp_path: Path) -> None:
    """Airflow's database has the path that the DAG processor found; a worker opens that path in its folder."""
    write(tmp_path, found("one"), found("two"))
    (parsed,) = (dag for dag in bag(dags_folder(tmp_path)).dags.values() if dag.dag_id == "one")
    ((dag_id, own),) = bag(FamilyFiles(tmp_path, ARCHIVES).path, path_of("one")).dags.items()
    assert dag_id == "one"
    assert own.relative_fileloc == parsed.relative_fileloc == path_of("one")
    assert [task.task_id for task in own.tasks] == [task.task_id for task in parsed.tasks]


@pytest.mark.parametrize(("archives", "is_ended_there"), [(0, True), (ARCHIVES, False)])
def test_a_worker_ends_what_is_in_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archives: int, *, is_ended_there: bool
) -> None:
    """Airflow asks its DAG processor for the file of a task that the triggerer ended; one in an archive is none."""
    monkeypatch.setenv("AIRFLOW__AIRFLOW_ECS_DAG__END_IN_TRIGGERER", "True")
    root = tmp_path / "of.zip"
    write(root, found("one"), archives=archives)
    for parsed in (bag(dags_folder(root)), bag(FamilyFiles(root, archives).path)):
        (task,) = parsed.dags["one"].tasks
        assert isinstance(task, EcsTaskOperator)
        assert (task._triggerer_verdict(task_run(task)) is not None) is is_ended_there


def test_the_code_tab_shows_the_one_definition(tmp_path: Path) -> None:
    families = [f"family-{number}" for number in range(40)]
    write(tmp_path, *(found(family) for family in families))
    for dag in bag(dags_folder(tmp_path)).dags.values():
        text = DagCode.get_code_from_file(dag.fileloc)  # type: ignore[no-untyped-call]
        assert f"task definition {dag.dag_id}, revision 1" in text
        assert not [each for each in families if each != dag.dag_id and f"'{each}'" in text]


@pytest.mark.parametrize("family", ["json", "airflow", "os", "dag", "1", "a-b_C", "boto3", "f" * 255])
def test_a_family_that_is_called_as_a_module_is_in_nobodys_way(tmp_path: Path, family: str) -> None:
    write(tmp_path, found(family, dag_labels("one")))
    assert list(bag(dags_folder(tmp_path)).dags) == ["one"]
    assert sys.modules["json"] is json
    assert importlib.import_module("json") is json


def test_a_process_that_parsed_before_finds_what_is_new(tmp_path: Path) -> None:
    for revision in (1, 2, 3):
        write(tmp_path, found("one", revision=revision), *(found(f"n-{number}") for number in range(revision * 10)))
        parsed = bag(dags_folder(tmp_path)).dags
        assert len(parsed) == 1 + revision * 10
        text = DagCode.get_code_from_file(parsed["one"].fileloc)  # type: ignore[no-untyped-call]
        assert f"revision {revision}," in text


def test_only_the_archive_of_what_changed_is_touched(tmp_path: Path) -> None:
    def times() -> dict[str, int]:
        root = dags_folder(tmp_path)
        return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in root.rglob("*.zip")}

    families = [found(f"family-{number}") for number in range(50)]
    write(tmp_path, *families)
    before = times()
    write(tmp_path, *families)
    assert times() == before
    write(tmp_path, *families[:-1], found("family-49", revision=2))
    after = times()
    assert {path for path in after if after[path] != before[path]} == {path_of("family-49").rpartition("/")[0]}


@pytest.mark.parametrize("cut", [0, 1, 22, 200, 1_000])
def test_an_archive_that_was_spoiled_is_written_anew(tmp_path: Path, cut: int) -> None:
    families = [found(f"family-{number}") for number in range(20)]
    write(tmp_path, *families)
    for path in dags_folder(tmp_path).rglob("*.zip"):
        path.write_bytes(path.read_bytes()[:-cut] if cut else b"\0" * path.stat().st_size)
    write(tmp_path, *families)
    assert len(bag(dags_folder(tmp_path)).dags) == 20


@pytest.mark.parametrize(("before", "after"), [(0, 8), (8, 0), (8, 3), (1, 256)])
def test_another_number_of_archives_leaves_nothing_behind(tmp_path: Path, before: int, after: int) -> None:
    families = [found(f"family-{number}") for number in range(20)]
    write(tmp_path / "one", *families, archives=before)
    write(tmp_path / "one", *families, archives=after)
    write(tmp_path / "other", *families, archives=after)
    trees = [{str(path.relative_to(root)) for path in root.rglob("*")} for root in tmp_path.iterdir()]
    assert trees[0] == trees[1]
    assert len(bag(dags_folder(tmp_path / "one")).dags) == 20


@pytest.mark.parametrize("archives", [-1, 257])
def test_a_number_of_archives_that_is_none(archives: int) -> None:
    with pytest.raises(ValueError, match=f"archives is {archives}: give a number up to 256"):
        EcsDagBundle(name="ecs", archives=archives)


def test_whoever_reads_an_archive_meanwhile_reads_what_it_was(tmp_path: Path) -> None:
    """Airflow opens an archive once for each module in it, and the bundle may replace it in between."""
    random = Random(3)  # noqa: S311 - sizes and names, no secret
    path = tmp_path / "0.zip"
    there: dict[str, bytes] = {}
    archive = b""
    for _ in range(60):
        before = dict(there)
        for name in random.sample(sorted(there), min(len(there), random.randrange(4))):
            del there[name]
        for _ in range(random.randrange(1, 5)):
            there[f"ecs-{random.randrange(20)}.py"] = b"# " + random.randbytes(random.randrange(3_000)).hex().encode()
        if before:
            path.write_bytes(archive)
            zipimport._zip_directory_cache.pop(str(path), None)  # type: ignore[attr-defined] # as in a new process
            reader = zipimport.zipimporter(str(path))
            archive = archive_of(there, archive)
            path.write_bytes(archive)
            for name, data in before.items():
                assert reader.get_data(f"{path}/{name}") == data
        else:
            archive = archive_of(there, archive)
        assert modules(archive) == there


def test_an_archive_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag_archives, "_MOST_DEAD", 50_000)
    archive, sizes = b"", []
    for revision in range(300):
        there = {"ecs-a.py": b"a" * 1_000, "ecs-b.py": f"{revision} {'b' * 1_000}".encode()}
        archive = archive_of(there, archive)
        sizes.append(len(archive))
        assert modules(archive) == there
    assert max(sizes) < 60_000
    assert sizes[-1] < max(sizes)


def test_what_did_not_change_is_the_same_archive() -> None:
    there = {"ecs-a.py": b"1", "ecs-b.py": b"2"}
    archive = archive_of(there)
    assert archive_of(dict(reversed(there.items())), archive) == archive
    assert modules(archive_of({"ecs-b.py": b"2"}, archive)) == {"ecs-b.py": b"2"}

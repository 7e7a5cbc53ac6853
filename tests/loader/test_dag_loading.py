"""``load_dags`` in a DAG file of three lines, as Airflow's own parser runs it: no bad day takes a good DAG away."""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_loader import dag_loading, load_dags
from airflow_ecs_dag_loader.admission import Admitted
from airflow_ecs_dag_loader.proof import PROVEN_WITH
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.shared_snapshot import Index, SharedDag, dag_record, digest_of, write_snapshot
from airflow_ecs_dag_loader.snapshot_stores import INDEX, FolderStore, S3Store, SnapshotError, open_store
from airflow_ecs_dag_schema import decode
from loader.ecs_account import REGION, dag_labels
from loader.sources import SOURCE, found

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_ecs_dag_loader.definition import Definition
    from airflow_ecs_dag_loader.snapshot_stores import Body
    from loader.ecs_account import EcsAccount

PAGE = Path(__file__).parents[2] / "docs" / "managed-airflow.md"
_buckets = itertools.count()


@dataclass
class Installation:
    """One Airflow with one DAG file, and the snapshot that the file names.

    Attributes:
        folder: Its DAG folder.
        address: Of the snapshot.
        reads: What was read of it, each with whether it was news.
    """

    folder: Path
    address: str
    reads: list[tuple[str, bool]] = field(default_factory=list)

    def sync(self, *definitions: Definition, revision: int = 1, proven_with: str = PROVEN_WITH, **named: str) -> None:
        """Write a snapshot of definitions, and of others by their dag id and an object as it is."""
        records, dags = {}, {}
        for definition in definitions:
            verdict = Admitted(definition, decode(definition.labels), SOURCE)
            records[verdict.spec.dag_id] = dag_record(verdict)
        records |= {dag_id: text.encode() for dag_id, text in named.items()}
        for dag_id, record in records.items():
            dags[dag_id] = SharedDag(f"123456789012/eu-west-1/{dag_id}", digest_of(record))
        objects = {digest_of(record): record for record in records.values()}
        write_snapshot(open_store(self.address), Index(dags, proven_with=proven_with), objects, now=float(revision))

    def parse(self) -> BundleDagBag:
        self.reads.clear()
        return BundleDagBag(dag_folder=self.folder, bundle_path=self.folder, bundle_name="dags")

    def revisions(self) -> dict[str, int]:
        """Return the revision that the task of each DAG runs, by dag id; there must be no error."""
        bag = self.parse()
        assert bag.import_errors == {}
        return {dag_id: revision_of(dag) for dag_id, dag in bag.dags.items()}


def revision_of(dag: DAG) -> int:
    task = dag.get_task("build")
    assert isinstance(task, EcsTaskOperator)
    return int(str(task.task_definition).rpartition(":")[2])


def install(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(code.splitlines()) <= 4
    (folder / "dags").mkdir()
    (folder / "tmp").mkdir()
    (folder / "dags" / "ecs.py").write_text(code.replace("s3://my-bucket/airflow-ecs-dags", address))
    made = Installation(folder / "dags", address)
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    monkeypatch.setattr(sys, "path", list(sys.path))  # Airflow adds a bundle's folder and leaves it there
    for kind in (FolderStore, S3Store):
        monkeypatch.setattr(kind, "read", noted(kind.read, made.reads))
    return made


def noted(read: Any, reads: list[tuple[str, bool]]) -> Any:
    def read_and_note(self: Any, name: str, *, limit: int, known: str = "") -> Body | None:
        body: Body | None = read(self, name, limit=limit, known=known)
        reads.append((name, body is not None))
        return body

    return read_and_note


@pytest.fixture
def airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    return install(tmp_path, str(tmp_path / "snapshot"), monkeypatch)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.emulator)])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    if request.param == "folder":
        return install(tmp_path, str(tmp_path / "snapshot"), monkeypatch)
    request.getfixturevalue("account")
    bucket = f"loaded-{next(_buckets)}"
    boto3.Session().client("s3").create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": REGION},  # type: ignore[typeddict-item] # a plain text
    )
    return install(tmp_path, f"s3://{bucket}/airflow-ecs-dags", monkeypatch)


def lose(airflow: Installation) -> None:
    """Take the whole snapshot away."""
    store = open_store(airflow.address)
    store.remove([INDEX, *store.written()])


def unbuildable() -> str:
    """Return the object of a DAG half of which can be built: the platform offers no such alert profile any more."""
    labels = dag_labels("half", tasks__build__kind="operator", tasks__build__operator="external_task_sensor")
    labels["airflow.tasks.build.arguments.external_dag_id"] = "other"
    definition = found("half", labels)
    verdict = Admitted(definition, decode(labels), SOURCE)
    return dag_record(verdict).decode()


def test_a_dag_file_of_three_lines_has_all_dags(anywhere: Installation) -> None:
    anywhere.sync(found("one"), found("two", revision=7))
    bag = anywhere.parse()
    assert bag.import_errors == {}
    assert {dag_id: revision_of(dag) for dag_id, dag in bag.dags.items()} == {"one": 1, "two": 7}
    assert {dag.relative_fileloc for dag in bag.dags.values()} == {"ecs.py"}


def test_a_parse_reads_what_is_new_and_nothing_else(anywhere: Installation) -> None:
    anywhere.sync(found("one"), found("two"))
    assert anywhere.revisions() == {"one": 1, "two": 1}
    assert len(anywhere.reads) == 3

    assert anywhere.revisions() == {"one": 1, "two": 1}
    assert anywhere.reads == [(INDEX, not anywhere.address.startswith("s3"))]  # a folder tells no tag

    anywhere.sync(found("one"), found("two", revision=2), revision=2)
    assert anywhere.revisions() == {"one": 1, "two": 2}
    assert [news for _, news in anywhere.reads] == [True, True]

    anywhere.sync(found("two", revision=2), revision=3)
    assert anywhere.revisions() == {"two": 2}
    assert anywhere.reads == [(INDEX, True)]


def test_a_worker_reads_its_one_dag(anywhere: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    anywhere.sync(*(found(f"dag-{number}") for number in range(5)))
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "dag-3")
    assert anywhere.revisions() == {"dag-3": 1}
    assert len(anywhere.reads) == 2
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "no-such-dag")
    assert anywhere.revisions() == {}
    monkeypatch.delenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID")
    assert len(anywhere.revisions()) == 5
    assert len(anywhere.reads) == 5


def test_a_worker_has_its_dag_while_the_snapshot_is_away(
    airflow: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow.sync(found("one"), found("two"))
    for dag_id in ("one", "two"):
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
        assert airflow.revisions() == {dag_id: 1}
    airflow.sync(found("one", revision=2), found("two", revision=2), revision=2)
    assert airflow.revisions() == {"two": 2}
    lose(airflow)
    assert airflow.revisions() == {"two": 2}


def test_the_dags_stay_while_the_snapshot_cant_be_read(
    anywhere: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    anywhere.sync(found("one"), found("two"))
    assert anywhere.revisions() == {"one": 1, "two": 1}
    lose(anywhere)
    assert anywhere.revisions() == {"one": 1, "two": 1}
    assert "the DAGs are those that it had at 1970-01-01T00:00:01+00:00" in caplog.text
    open_store(anywhere.address).write(INDEX, b"<html>busy</html>")
    assert anywhere.revisions() == {"one": 1, "two": 1}
    anywhere_else = open_store(anywhere.address)
    anywhere_else.remove([INDEX])
    anywhere.sync(found("one", revision=2), revision=2)
    assert anywhere.revisions() == {"one": 2}


@pytest.mark.parametrize("index", [None, b"", b'{"format": 1, "dags": {', b" " * (32 * 1024 * 1024 + 1)])
def test_a_snapshot_that_was_never_read_is_an_import_error(airflow: Installation, index: bytes | None) -> None:
    if index is not None:
        open_store(airflow.address).write(INDEX, index)
    bag = airflow.parse()
    assert list(bag.dags) == []
    (text,) = bag.import_errors.values()
    for part in (airflow.address, "this machine has no copy", "airflow-ecs-dag sync"):
        assert part.lower() in text.lower()


@pytest.mark.parametrize("damage", ["lost", "truncated", "foreign", "oversized", "unreadable"])
def test_an_object_that_cant_be_read_costs_its_own_dag_alone(
    airflow: Installation, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    airflow.sync(found("bad"), found("good"))
    digest = digest_of(dag_record(Admitted(found("bad"), decode(found("bad").labels), SOURCE)))
    path = Path(airflow.address) / "dags" / f"{digest}.json"
    whole = path.read_bytes()
    spoilt = {
        "truncated": whole[:-9],
        "foreign": b"import os",
        "oversized": whole + b" " * (1024 * 1024),
        "unreadable": whole,
    }
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(spoilt[damage])
    if damage == "unreadable":
        path.chmod(0o666)
    assert airflow.revisions() == {"good": 1}
    assert "the DAG bad is left out" in caplog.text
    path.write_bytes(whole)
    path.chmod(0o600)
    assert airflow.revisions() == {"bad": 1, "good": 1}


def test_a_new_object_that_cant_be_read_leaves_the_dag_as_it_was(
    airflow: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    airflow.sync(found("one"), found("two"))
    assert airflow.revisions() == {"one": 1, "two": 1}
    before = set(open_store(airflow.address).written())
    airflow.sync(found("one", revision=2), found("two"), revision=2)
    (new,) = set(open_store(airflow.address).written()) - before
    path = Path(airflow.address) / new
    whole = path.read_bytes()
    path.write_bytes(b"")
    for _ in range(2):
        assert airflow.revisions() == {"one": 1, "two": 1}
    assert "the DAG one stays as it was before" in caplog.text
    path.write_bytes(whole)
    assert airflow.revisions() == {"one": 2, "two": 1}


def test_a_dag_that_cant_be_built_is_left_out_and_so_is_its_half(
    airflow: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    other = dag_record(Admitted(found("other"), decode(found("other").labels), SOURCE)).decode()
    definition = found("bad").to_json()
    airflow.sync(
        found("good"),
        half=unbuildable(),
        takes=other,
        empty="{}",
        strange=json.dumps({"definition": definition, "source": {"shell": "id"}}),
        labels=json.dumps({"definition": {**definition, "labels": {"airflow.dag.dag_id": "x"}}, "source": {}}),
    )
    assert airflow.revisions() == {"good": 1}
    for dag_id in ("half", "takes", "empty", "strange", "labels"):
        assert f"the DAG {dag_id} of the ECS task definition 123456789012/eu-west-1/{dag_id} is left out" in caplog.text
    assert "the object is that of another DAG, other" in caplog.text


def test_what_other_versions_proved_is_proven_again(
    airflow: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    serialize = DagSerialization.to_dict

    def refuses_one(dag: DAG) -> Any:
        if dag.dag_id == "one":
            raise ValueError("this Airflow can't store it")
        return serialize(dag)

    monkeypatch.setattr(DagSerialization, "to_dict", refuses_one)
    airflow.sync(found("one"), found("two"), proven_with="airflow-2.0")
    assert airflow.revisions() == {"two": 1}
    assert "this Airflow can't store it" in caplog.text
    airflow.sync(found("one"), found("two"), revision=2)
    assert airflow.revisions() == {"one": 1, "two": 1}


def test_the_names_that_are_in_the_file_stay(airflow: Installation) -> None:
    airflow.sync(found("one"), found("two"))
    own = {"ecs_dag_1": "mine", "ecs_dag_3": "too", "dag": 7}
    namespace: dict[str, Any] = dict(own)
    load_dags(namespace, airflow.address)
    assert {name: namespace[name] for name in own} == own
    assert {namespace[name].dag_id for name in namespace.keys() - own.keys()} == {"one", "two"}


def test_the_copy_is_private_and_holds_no_more_than_the_snapshot(airflow: Installation) -> None:
    airflow.sync(found("one"), found("two"))
    airflow.revisions()
    airflow.sync(found("two"), revision=2)
    airflow.revisions()
    (top,) = Path(tempfile.gettempdir()).iterdir()
    paths = [top, *top.rglob("*")]
    assert {path.stat().st_mode & 0o077 for path in paths} == {0}
    assert len([path for path in paths if path.parent.name == "dags"]) == 1


def test_a_workers_copy_holds_no_more_than_the_snapshot_either(
    airflow: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "one")
    for revision in (1, 2, 3):
        airflow.sync(found("one", revision=revision), found("two"), revision=revision)
        assert airflow.revisions() == {"one": revision}
    (top,) = Path(tempfile.gettempdir()).iterdir()
    assert len(list(top.rglob("dags/*.json"))) == 1


def test_a_temporary_file_of_a_killed_parse_goes_after_an_hour(airflow: Installation) -> None:
    airflow.sync(found("one"))
    airflow.revisions()
    (copy,) = next(Path(tempfile.gettempdir()).iterdir()).iterdir()
    young, *old = [copy / ".c3.tmp", copy / ".a1.tmp", copy / "dags" / ".b2.tmp"]
    for path in (young, *old):
        path.write_bytes(b"half")
    for path in old:
        os.utime(path, times=(time.time() - 3_600,) * 2)
    airflow.sync(found("one", revision=2), revision=2)
    assert airflow.revisions() == {"one": 2}
    assert [path.name for path in copy.rglob("*.tmp")] == [young.name]


def test_what_was_loaded_beside_what_cant_be_read_is_kept(airflow: Installation) -> None:
    airflow.sync(found("bad"), found("good"))
    store = open_store(airflow.address)
    digest = digest_of(dag_record(Admitted(found("bad"), decode(found("bad").labels), SOURCE)))
    store.remove([f"dags/{digest}.json"])
    assert airflow.revisions() == {"good": 1}
    lose(airflow)
    assert airflow.revisions() == {"good": 1}


def test_a_copy_that_someone_changed_is_not_used(airflow: Installation) -> None:
    airflow.sync(found("one"))
    airflow.revisions()
    copies = [path for path in Path(tempfile.gettempdir()).rglob("*.json") if path.parent.name == "dags"]
    for path in copies:
        path.write_bytes(path.read_bytes().replace(b"reports", b"attack").replace(b"work", b"evil"))
    assert airflow.revisions() == {"one": 1}
    assert len(airflow.reads) == 2


@pytest.mark.parametrize("made_by", ["link", "file"])
def test_without_a_place_for_a_copy_the_dags_are_there(
    airflow: Installation, made_by: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    airflow.sync(found("one"))
    airflow.revisions()
    (top,) = Path(tempfile.gettempdir()).iterdir()
    shutil.rmtree(top)
    if made_by == "link":
        top.symlink_to(tmp_path)
    else:
        top.write_text("")
    with caplog.at_level(logging.WARNING):
        assert airflow.revisions() == {"one": 1}
    assert "each parse fetches all of them" in caplog.text
    assert not (tmp_path / "whole.json").exists()


def test_airflows_end_of_time_for_a_file_ends_the_fetching(
    airflow: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TimeIsOver(BaseException):
        pass

    airflow.sync(*(found(f"dag-{number}") for number in range(200)))
    fetched = []

    def interrupted(*_: object) -> bytes:
        fetched.append(1)
        raise TimeIsOver

    monkeypatch.setattr(dag_loading, "read_object", interrupted)
    with pytest.raises(TimeIsOver):
        load_dags({}, airflow.address)
    assert len(fetched) < 200


@pytest.mark.emulator
def test_what_the_command_finds_in_ecs_is_what_airflow_loads_from_s3(
    account: EcsAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = f"synced-{account.number}"
    boto3.Session().client("s3").create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": REGION},  # type: ignore[typeddict-item] # a plain text
    )
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")  # the command sets it
    airflow = install(tmp_path, f"s3://{bucket}", monkeypatch)
    for revision in (1, 2):
        account.register("reports", dag_labels("reports"))
        result = CliRunner().invoke(app, ["sync", "--to", airflow.address, "--state", str(tmp_path / "state")])
        assert result.exit_code == 0, result.output
        assert airflow.revisions() == {"reports": revision}


@pytest.mark.parametrize("address", ["dags/ecs", "gs://bucket/dags"])
def test_an_address_that_is_none_is_an_error(address: str) -> None:
    with pytest.raises(SnapshotError, match="give s3://bucket/prefix"):
        load_dags({}, address)

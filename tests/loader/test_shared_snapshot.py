"""The shared snapshot, in a folder and in S3: whole at any moment, written where it changed, read with distrust."""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from airflow_ecs_dag_loader.admission import Admitted, admit
from airflow_ecs_dag_loader.shared_snapshot import (
    LARGEST_INDEX,
    LARGEST_OBJECT,
    Index,
    SharedDag,
    SharedRefusal,
    dag_record,
    digest_of,
    read_index,
    read_object,
    read_record,
    write_snapshot,
)
from airflow_ecs_dag_loader.snapshot_stores import INDEX, AbsentError, Body, S3Store, SnapshotError, open_store
from loader.ecs_account import REGION
from loader.sources import SOURCE, found

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from airflow_ecs_dag_loader.snapshot_stores import Store

_buckets = itertools.count()
HOUR = 3600.0


class Watched:
    """A store that says what was written, and fails from the ``dies_at``-th write on, as if it were killed."""

    def __init__(self, store: Store, *, dies_at: int | None = None) -> None:
        self.address = store.address
        self.writes: list[str] = []
        self.removed: set[str] = set()
        self._store = store
        self._dies_at = dies_at

    def read(self, name: str, *, limit: int, known: str = "") -> Body | None:
        return self._store.read(name, limit=limit, known=known)

    def write(self, name: str, data: bytes) -> None:
        if len(self.writes) == self._dies_at:
            raise KeyboardInterrupt
        self.writes.append(name)
        self._store.write(name, data)

    def written(self) -> Mapping[str, float]:
        return self._store.written()

    def remove(self, names: Iterable[str]) -> None:
        gone = set(names)
        self.removed |= gone
        self._store.remove(gone)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.emulator)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return open_store(str(tmp_path / "snapshot"))
    request.getfixturevalue("account")
    bucket = f"snapshots-{next(_buckets)}"
    boto3.Session().client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})  # type: ignore[typeddict-item] # a plain text
    return open_store(f"s3://{bucket}/airflow/ecs dags")


def content(*families: str, revision: int = 1, **more: Any) -> tuple[Index, dict[str, bytes]]:
    """Return an index of a DAG a family, and its objects."""
    dags, records = {}, {}
    for verdict in admit([found(family, revision=revision) for family in families], source=SOURCE, owners={}):
        assert isinstance(verdict, Admitted)
        record = dag_record(verdict)
        dags[verdict.spec.dag_id] = SharedDag(verdict.definition.parsed_arn.family_key, digest_of(record))
        records[digest_of(record)] = record
    return Index(dags, proven_with="these", **more), records


def index_of(store: Store) -> Index:
    index = read_index(store)
    assert index is not None
    return index


def name_of(digest: str) -> str:
    return f"dags/{digest}.json"


def test_what_is_written_is_read(store: Store) -> None:
    refused = {
        "123456789012/eu-west-1/bad": SharedRefusal("retries is 'm\N{LATIN SMALL LETTER A WITH ACUTE}ny'", ("x",))
    }
    index, records = content("one", "two", refused=refused)
    assert read_index(store) is None
    assert write_snapshot(store, index, records, now=1000.5)
    again = index_of(store)
    assert again == Index(index.dags, refused, "these", written_at=1000.5)
    assert again.version == index.version
    assert again.owners == {
        "one": "123456789012/eu-west-1/one",
        "two": "123456789012/eu-west-1/two",
        "x": "123456789012/eu-west-1/bad",
    }
    for each in again.dags.values():
        definition, source = read_record(read_object(store, each.digest))
        assert definition["arn"].endswith(f"{each.family.rpartition('/')[2]}:1")
        assert source["cluster"] == "shared"


def test_nothing_changed_writes_nothing(store: Store) -> None:
    write_snapshot(store, *content("one", "two"), now=1.0)
    watched = Watched(store)
    assert not write_snapshot(watched, *content("one", "two"), now=2.0)
    assert (watched.writes, watched.removed) == ([], set())


def test_only_what_changed_is_written_and_the_index_last(store: Store) -> None:
    write_snapshot(store, *content("one", "two"), now=1.0)
    one, _ = content("one")
    two, records = content("two", revision=2)
    watched = Watched(store)
    assert write_snapshot(watched, Index({**one.dags, **two.dags}), records, now=2.0)
    assert watched.writes == [*map(name_of, records), INDEX]


@pytest.mark.parametrize("dies_at", [0, 1, 2])
def test_a_snapshot_whose_writer_is_killed_is_the_old_one_and_the_next_writer_goes_on(
    store: Store, dies_at: int
) -> None:
    write_snapshot(store, *content("one", "two"), now=1.0)
    before = index_of(store)
    after, records = content("one", "two", revision=2)
    with pytest.raises(KeyboardInterrupt):
        write_snapshot(Watched(store, dies_at=dies_at), after, records, now=2.0)
    assert index_of(store) == before
    assert all(read_object(store, digest) for digest in before.digests)
    assert write_snapshot(store, after, records, now=3.0)
    assert index_of(store).dags == after.dags


def test_an_object_stays_for_an_hour_after_the_index_spoke_of_it_last(store: Store) -> None:
    old, records = content("one")
    written = time.time()
    write_snapshot(store, old, records, now=written)
    replaced = written + 5 * HOUR
    for number, (revision, now) in enumerate([(2, replaced), (3, replaced + 0.5 * HOUR)]):
        watched = Watched(store)
        write_snapshot(watched, *content("one", revision=revision), now=now)
        assert watched.removed == set(), number
    latest = content("one", revision=3)
    watched = Watched(store)
    assert not write_snapshot(watched, *latest, now=replaced + HOUR)
    assert watched.removed == set(map(name_of, old.digests))
    watched = Watched(store)
    assert not write_snapshot(watched, *latest, now=replaced + 2 * HOUR)
    assert watched.removed == set(map(name_of, content("one", revision=2)[0].digests))
    assert list(store.written()) == [*map(name_of, latest[0].digests)]


def test_what_a_killed_writer_left_goes_after_an_hour_and_what_is_not_ours_stays(store: Store) -> None:
    write_snapshot(store, *content("one"), now=time.time())
    left_over = digest_of(b"{}")
    store.write(name_of(left_over), b"{}")
    store.write("dags/notes.txt", b"mine")
    watched = Watched(store)
    write_snapshot(watched, *content("one"), now=time.time())
    assert watched.removed == set()
    write_snapshot(watched, *content("one"), now=time.time() + 2 * HOUR)
    assert watched.removed == {name_of(left_over)}


def test_a_temporary_file_of_a_killed_writer_goes_after_an_hour(tmp_path: Path) -> None:
    folder = tmp_path / "snapshot"
    store = open_store(str(folder))
    write_snapshot(store, *content("one"), now=time.time())
    left_over = [folder / ".a1.tmp", folder / "dags" / ".b2.tmp"]
    for path in left_over:
        path.write_bytes(b"half")
    assert not write_snapshot(store, *content("one"), now=time.time())
    assert all(path.exists() for path in left_over)  # another process may be writing them
    for path in left_over:
        os.utime(path, times=(time.time() - HOUR,) * 2)
    assert not write_snapshot(store, *content("one"), now=time.time())
    assert not any(path.exists() for path in left_over)
    assert read_index(store) is not None


def test_what_cant_be_removed_is_a_warning(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    class Undying(Watched):
        def remove(self, names: Iterable[str]) -> None:
            raise SnapshotError(f"no right to remove {len(list(names))}")

    write_snapshot(store, *content("one"), now=time.time())
    store.write(name_of(digest_of(b"{}")), b"{}")
    assert write_snapshot(Undying(store), *content("two"), now=time.time() + 2 * HOUR)
    assert list(index_of(store).dags) == ["two"]
    assert "no right to remove 1" in caplog.text


def test_an_answer_that_says_that_nothing_was_removed_is_an_error() -> None:
    s3 = boto3.Session(region_name=REGION, aws_access_key_id="x", aws_secret_access_key="y").client("s3")  # noqa: S106 - none
    store = S3Store("bucket", "dags/", expected_bucket_owner="123456789012")
    store.__dict__["_s3"] = s3
    with Stubber(s3) as answers:
        asked = {"Bucket": "bucket", "Delete": ANY, "ExpectedBucketOwner": "123456789012"}
        answers.add_response("delete_objects", {"Errors": [{"Key": "dags/it", "Code": "AccessDenied"}]}, asked)
        with pytest.raises(SnapshotError, match="AccessDenied: dags/it"):
            store.remove(["it"])


def test_an_object_that_was_lost_is_written_again(store: Store) -> None:
    index, records = content("one")
    write_snapshot(store, index, records, now=1.0)
    store.remove(map(name_of, records))
    with pytest.raises(AbsentError):
        read_object(store, *records)
    assert not write_snapshot(store, index, records, now=2.0)
    assert [read_object(store, digest) for digest in records] == list(records.values())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[]", "no JSON"),
        (b"null", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"format": 2}', "same version"),
        (b"<html>proxy</html>", "no JSON"),
    ],
)
def test_an_index_that_is_none_is_an_error(store: Store, data: bytes, words: str) -> None:
    store.write(INDEX, data)
    with pytest.raises(SnapshotError, match=words):
        read_index(store)
    with pytest.raises(SnapshotError, match=words):
        write_snapshot(store, *content("one"), now=1.0)


def test_no_part_of_an_index_may_be_missing_or_changed() -> None:
    index, _ = content("one", refused={"a/b/c": SharedRefusal("no", ("x",))})
    whole = index.to_bytes()
    for end in range(0, len(whole), 7):
        with pytest.raises(SnapshotError):
            Index.from_bytes(whole[:end])
    value = json.loads(whole)
    changes: list[dict[str, Any]] = [
        {"dags": {}},
        {"refused": {}},
        {"proven_with": "others"},
        {"dags": {"one": {"family": "a/b/c", "object": "../../../etc/passwd"}}},
        {"dags": {"one": {"family": 5, "object": "0" * 64}}},
        {"dags": []},
        {"retired": {"..": 1.0}},
        {"written_at": "now"},
    ]
    for change in changes:
        with pytest.raises(SnapshotError):
            Index.from_bytes(json.dumps({**value, **change}).encode())


@pytest.mark.parametrize(("name", "limit"), [(INDEX, LARGEST_INDEX), (name_of("0" * 64), LARGEST_OBJECT)])
def test_what_is_too_large_is_not_read(store: Store, name: str, limit: int) -> None:
    store.write(name, b" " * (limit + 1))
    with pytest.raises(SnapshotError, match=f"{limit + 1} bytes"):
        read_index(store) if name == INDEX else read_object(store, "0" * 64)


def test_an_object_with_another_content_is_not_read(store: Store) -> None:
    store.write(name_of("0" * 64), b"{}")
    with pytest.raises(SnapshotError, match="does not match its hash"):
        read_object(store, "0" * 64)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"definition": [], "source": {}}', b"[" * 100_000])
def test_an_object_that_is_no_dag_is_an_error(data: bytes) -> None:
    with pytest.raises(SnapshotError, match="object"):
        read_record(data)


@pytest.mark.parametrize(
    "address",
    ["", "dags", "./dags", "gs://bucket/dags", "s3://", "s3:///dags", "S3://bucket", "s3://a\nb/c", "s3://b_c"],
)
def test_an_address_that_is_none_is_an_error(address: str) -> None:
    with pytest.raises(SnapshotError, match="give s3://bucket/prefix"):
        open_store(address)


@pytest.mark.parametrize("owner", ["", "12345678901", "1234567890123", "12345678901a", "123456789012\n", "\u0661" * 12])
def test_a_bucket_owner_that_is_no_account_is_an_error(owner: str) -> None:
    with pytest.raises(SnapshotError, match="give the 12 digits") as error:
        open_store("s3://bucket/dags", expected_bucket_owner=owner)
    assert repr(owner) in str(error.value)


def test_a_folder_has_no_bucket_owner(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="leave it out"):
        open_store(str(tmp_path), expected_bucket_owner="123456789012")


@pytest.mark.parametrize("address", ["s3://bucket", "s3://bucket/", "s3://bucket//"])
def test_a_bucket_without_a_prefix_is_an_address(address: str) -> None:
    assert open_store(address).address == "s3://bucket/"


@pytest.mark.emulator
@pytest.mark.usefixtures("account")
def test_a_bucket_that_is_not_there_is_an_error_and_not_an_empty_snapshot() -> None:
    absent = open_store("s3://no-such-bucket-here/dags")
    with pytest.raises(SnapshotError, match="NoSuchBucket"):
        read_index(absent)
    with pytest.raises(SnapshotError, match="NoSuchBucket"):
        absent.written()
    with pytest.raises(SnapshotError, match="NoSuchBucket"):
        absent.write(INDEX, b"")


def test_a_folder_with_other_things_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    mode = tmp_path.stat().st_mode
    with pytest.raises(SnapshotError, match=r"holds other things \(thesis.tex\)"):
        write_snapshot(open_store(str(tmp_path)), *content("one"), now=1.0)
    assert tmp_path.stat().st_mode == mode
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folders_files_are_its_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "snapshot"
    store = open_store(str(folder))
    write_snapshot(store, *content("one"), now=1.0)
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]} == {0}
    index = folder / INDEX
    index.chmod(0o644)
    with pytest.raises(SnapshotError, match="only this user"):
        read_index(store)
    index.unlink()
    index.symlink_to("/etc/hostname")
    with pytest.raises(SnapshotError):
        read_index(store)

"""Each fault of S3 against each call of ``sync`` and ``load_dags``: no DAG lost or frozen, right two runs later.

What is synced comes from a strict ECS, S3 is the emulator's behind a door that spoils calls, and the DAG file is that
of the documentation, parsed by Airflow. A fault hits one call, or all of two runs; meanwhile DAGs are deployed and
taken away. There are two machines: one has read the snapshot before, and one knows of nothing.

Not in the matrix, because they can't happen:

================================  ======================================================================
fault                             of
================================  ======================================================================
lost                              a list, a write: there is nothing to be lost
stale                             an object: it never changes, so it is there or lost; a write
cut, truncated                    a write: its answer has no body
================================  ======================================================================
"""

from __future__ import annotations

import itertools
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from botocore.loaders import JSONFileLoader
from typer.testing import CliRunner

from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_cli.sync_command import SyncOptions, sync_registry
from airflow_ecs_dag_loader.shared_snapshot import read_index
from airflow_ecs_dag_loader.snapshot_stores import open_store
from fleet.conftest import REGION, Parsed, _service_model, deploy
from fleet.s3_door import Call, S3Door, S3Fault
from strict_ecs.botocore_door import in_this_process
from strict_ecs.strict_aws import StrictAws
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.local_aws import LocalAws
    from airflow_ecs_dag_loader.shared_snapshot import Index
    from airflow_ecs_dag_loader.snapshot_stores import Store
    from strict_ecs.task_definitions import TaskDefinitions

pytestmark = pytest.mark.emulator

PAGE = Path(__file__).parents[2] / "docs" / "managed-airflow.md"
DAG_FILE_TIME = 30.0
"""Airflow's own limit for parsing a file, over which all its DAGs freeze."""
MANY = 18
"""DAGs that nothing happens to: more than are fetched at once."""
_accounts = itertools.count(300_000_000_001)

OF_READS = {S3Fault.CUT, S3Fault.TRUNCATED}
NOT_OF = {
    Call.READ_OBJECT: {S3Fault.STALE},
    Call.LIST: {S3Fault.LOST},
    Call.WRITE_OBJECT: {S3Fault.LOST, S3Fault.STALE, *OF_READS},
    Call.WRITE_INDEX: {S3Fault.LOST, S3Fault.STALE, *OF_READS},
}
HARMLESS = {
    (S3Fault.LOST, Call.READ_INDEX),  # the state on disk has it all
    (S3Fault.STALE, Call.READ_INDEX),
    (S3Fault.STALE, Call.LIST),
    (S3Fault.EMPTY, Call.LIST),  # all objects are written again
    (S3Fault.HTML, Call.LIST),
}
"""What a sync does right nevertheless."""
CARRIED_OUT = {S3Fault.RESET, S3Fault.TIMEOUT}
"""After which the next sync finds that what it wants to write is there."""


def cells(*calls: Call) -> list[object]:
    return [
        pytest.param(fault, call, count, id=f"{fault.value}, {call.value}, {'once' if count else 'always'}")
        for fault in S3Fault
        for call in calls
        for count in (1, None)
        if fault not in NOT_OF.get(call, set())
    ]


@dataclass
class Machine:
    """One that parses the DAG file.

    Attributes:
        folder: With its DAG folder and its folder for temporary files.
        clock: By which it waits.
    """

    folder: Path
    clock: VirtualClock
    patched: pytest.MonkeyPatch

    def parse(self) -> Parsed:
        """Parse as the DAG processor does, within its time."""
        self.patched.setattr("tempfile.tempdir", str(self.folder / "tmp"))
        began = self.clock.settle()
        bag = BundleDagBag(dag_folder=self.folder / "dags", bundle_path=self.folder / "dags", bundle_name="dags")
        assert self.clock.settle() - began < DAG_FILE_TIME
        revisions = {
            dag_id: int(str(getattr(dag.get_task("build"), "task_definition", "")).rpartition(":")[2])
            for dag_id, dag in bag.dags.items()
        }
        return Parsed(revisions, dict(bag.import_errors))


@dataclass
class Shared:
    """An account whose DAGs are synced to a bucket, and the machines of an Airflow without bundles.

    Attributes:
        ecs: Its task definitions.
        s3: The way to its bucket.
        address: The snapshot's.
        known: A machine that has read the snapshot before.
        new: One that has not.
    """

    ecs: TaskDefinitions
    s3: S3Door
    address: str
    known: Machine
    new: Machine
    state: Path

    def sync(self, *more: str) -> tuple[int, str]:
        """Return the exit status and what it printed."""
        where = ("--to", self.address, "--region", REGION, "--state", str(self.state))
        result = CliRunner().invoke(app, ["sync", *where, *more])
        return result.exit_code, result.output

    def right(self) -> Parsed:
        return Parsed(self.ecs.newest(), {})

    def change_everything(self) -> None:
        deploy(self.ecs, "changes")
        for gone in ("changes:1", "goes:1"):
            found = self.ecs.find(gone)
            assert found
            self.ecs.deregister(found.arn)
        deploy(self.ecs, "comes")


@pytest.fixture
def account() -> str:
    return str(next(_accounts))


@pytest.fixture
def shared(emulator: LocalAws, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shared]:
    """All is synced, and one machine has read it."""
    clock = VirtualClock()
    aws, door = StrictAws(clock=clock.now, rates={}), S3Door(clock)
    own = {
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "not-aws",
        "AWS_DEFAULT_REGION": REGION,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",  # the command sets it, and no other test shall have it
    }
    for variable, value in (isolated_environment({}, endpoint_url=emulator.endpoint_url) | own).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(JSONFileLoader, "load_file", _service_model)
    monkeypatch.setattr(sys, "path", list(sys.path))  # Airflow adds a DAG folder and leaves it there
    bucket = f"faults-{account}"
    boto3.Session().client("s3").create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": REGION},  # type: ignore[typeddict-item] # a plain text
    )
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    address = f"s3://{bucket}/airflow-ecs-dags"
    machines = []
    for name in ("known", "new"):
        for part in ("dags", "tmp"):
            (tmp_path / name / part).mkdir(parents=True)
        (tmp_path / name / "dags" / "ecs.py").write_text(code.replace("s3://my-bucket/airflow-ecs-dags", address))
        machines.append(Machine(tmp_path / name, clock, monkeypatch))
    known, new = machines
    made = Shared(aws.region(account, REGION).definitions, door, address, known, new, tmp_path / "state")
    for family in ("stays", "changes", "goes", *(f"many-{number}" for number in range(MANY))):
        deploy(made.ecs, family)
    with in_this_process(aws, clock), door.open():
        assert made.sync()[0] == 0
        assert made.known.parse() == made.right()
        door.made.clear()
        yield made


def assert_nothing_lost(found: Parsed) -> None:
    """What is deployed is there, at a revision that it has had."""
    assert found.errors == {}
    assert found.revisions["stays"] == 1
    assert found.revisions["changes"] in (1, 2)
    assert {f"many-{number}" for number in range(MANY)} <= found.revisions.keys()


@pytest.mark.parametrize(("fault", "call", "count"), cells(Call.READ_INDEX, Call.READ_OBJECT))
def test_a_fault_takes_no_dag_from_a_machine_that_has_read_before(
    shared: Shared, fault: S3Fault, call: Call, count: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    shared.s3.grow_old()
    shared.change_everything()
    assert shared.sync()[0] == 0
    shared.s3.made.clear()
    shared.s3.fail(call, fault, count=count)
    for _ in range(2):
        found = shared.known.parse()
        assert_nothing_lost(found)
    assert shared.s3.seen(fault)
    if count:
        assert found == shared.right()
        return
    if fault is not S3Fault.STALE:  # the answer is the one that the machine has
        assert (
            "the DAGs are those that it had at" in caplog.text
            or "the DAG changes stays as it was before" in caplog.text
        )
    shared.s3.end()
    assert shared.right() in (shared.known.parse(), shared.known.parse())


@pytest.mark.parametrize(("fault", "call", "count"), cells(Call.READ_INDEX, Call.READ_OBJECT))
def test_a_fault_on_a_machine_that_knows_of_nothing_is_an_error_and_ends_with_it(
    shared: Shared, fault: S3Fault, call: Call, count: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    shared.s3.fail(call, fault, count=count)
    found = [shared.new.parse(), shared.new.parse()]
    assert shared.s3.seen(fault)
    if count:
        assert found[1] == shared.right()
        return
    for each in found:
        assert each.revisions == {}
        if call is Call.READ_INDEX:
            (text,) = each.errors.values()
            assert shared.address in text
            assert "s3:GetObject" in text
        else:
            assert each.errors == {}
            assert "the DAG stays is left out" in caplog.text
    shared.s3.end()
    assert shared.right() in (shared.new.parse(), shared.new.parse())


@pytest.mark.parametrize(
    ("fault", "call", "count"), cells(Call.READ_INDEX, Call.LIST, Call.WRITE_OBJECT, Call.WRITE_INDEX)
)
def test_a_fault_of_a_sync_leaves_a_whole_snapshot(
    shared: Shared, fault: S3Fault, call: Call, count: int | None
) -> None:
    read_index(open_store(shared.address))
    open_store(shared.address).written()
    shared.s3.grow_old()
    shared.s3.made.clear()
    shared.change_everything()
    shared.s3.fail(call, fault, count=count)
    for number in range(2):
        status, output = shared.sync()
        if count is None:
            is_stored = number > 0 and fault in CARRIED_OUT and call in {Call.WRITE_OBJECT, Call.WRITE_INDEX}
            assert status == (0 if is_stored or (fault, call) in HARMLESS else 2), output
        assert status == 0 or (shared.address in output and "Traceback" not in output)
        with shared.s3.well():
            for machine in (shared.known, shared.new):
                assert_nothing_lost(found := machine.parse())
    assert shared.s3.seen(fault)
    if count:
        assert (status, found) == (0, shared.right())
    shared.s3.end()
    assert shared.sync()[0] == 0
    for machine in (shared.known, shared.new):
        assert machine.parse() == shared.right()


@pytest.mark.parametrize("fault", S3Fault)
def test_what_cant_be_cleaned_away_harms_nothing(shared: Shared, fault: S3Fault) -> None:
    left_over = "dags/" + "0" * 64 + ".json"
    open_store(shared.address).write(left_over, b"{}")
    shared.s3.grow_old()
    shared.s3.fail(Call.CLEAN, fault, count=None)
    shared.change_everything()
    status, output = shared.sync()
    assert status == 0, output
    for machine in (shared.known, shared.new):
        assert machine.parse() == shared.right()


@pytest.mark.parametrize("part", ["some", "all"])
def test_an_index_without_its_objects_keeps_the_dags_until_they_are_there(shared: Shared, part: str) -> None:
    before = set(open_store(shared.address).written())
    shared.change_everything()
    assert shared.sync()[0] == 0
    store = open_store(shared.address)
    lost = sorted(set(store.written()) - before)[: 1 if part == "some" else None]
    objects = {name: body.data for name in lost if (body := store.read(name, limit=10_000_000))}
    store.remove(lost)
    for _ in range(2):
        found = shared.known.parse()
        assert_nothing_lost(found)
        assert "goes" not in found.revisions
        assert shared.new.parse().errors == {}
    if part == "some":  # what could be had is kept, whatever comes next
        shared.s3.fail(Call.READ_INDEX, S3Fault.ACCOUNT_DOWN, count=None)
        assert shared.known.parse() == found
        assert shared.new.parse().revisions.keys() >= {"stays", "many-1"}
        shared.s3.end()
    for name, data in objects.items():
        store.write(name, data)
    for machine in (shared.known, shared.new):
        assert machine.parse() == shared.right()


def test_a_sync_writes_again_what_was_lost(shared: Shared) -> None:
    store = open_store(shared.address)
    store.remove(list(store.written())[:5])
    assert len(shared.new.parse().revisions) == MANY + 3 - 5
    assert shared.sync()[0] == 0
    assert shared.new.parse() == shared.right()


def test_an_earlier_index_whose_objects_are_gone_takes_no_dag_away(shared: Shared) -> None:
    """The reverse of a torn update: the index is behind, and what it speaks of was cleaned away."""
    before = set(open_store(shared.address).written())
    shared.s3.grow_old()
    shared.change_everything()
    assert shared.sync()[0] == 0
    assert shared.known.parse() == shared.right()
    store = open_store(shared.address)
    store.remove(before - {f"dags/{digest}.json" for digest in index_of(store).digests})
    shared.s3.fail(Call.READ_INDEX, S3Fault.STALE, count=None)
    for _ in range(2):
        assert shared.known.parse() == shared.right()
    found = shared.new.parse()
    assert found.errors == {}
    assert "stays" in found.revisions
    assert {"changes", "goes"}.isdisjoint(found.revisions)
    shared.s3.end()
    assert shared.new.parse() == shared.right()


def test_an_index_that_somebody_puts_back_is_taken(shared: Shared) -> None:
    old = open_store(shared.address).read("index.json", limit=10_000_000)
    assert old is not None
    shared.change_everything()
    right_before = {**shared.known.parse().revisions}
    assert shared.sync()[0] == 0
    assert shared.known.parse() == shared.right()
    open_store(shared.address).write("index.json", old.data)
    assert shared.known.parse().revisions == right_before


def test_a_sync_in_the_middle_of_a_load_is_followed(shared: Shared) -> None:
    shared.change_everything()
    assert shared.sync()[0] == 0

    def syncs_again() -> None:
        deploy(shared.ecs, "changes")
        assert sync_registry(SyncOptions(to=shared.address, region=REGION, state=shared.state)) == 0

    shared.s3.before(Call.READ_OBJECT, syncs_again)
    found = shared.known.parse()
    assert found.errors == {}
    assert found.revisions == {**shared.right().revisions, "changes": 2}
    assert shared.known.parse() == shared.right()


def index_of(store: Store) -> Index:
    found = read_index(store)
    assert found is not None
    return found


def test_a_slow_s3_costs_a_part_of_airflows_time_for_the_file(shared: Shared, caplog: pytest.LogCaptureFixture) -> None:
    """Each answer comes late: what there is no time for comes with the next parse."""
    shared.s3.latency = DAG_FILE_TIME / 3 + 1
    found = shared.new.parse()
    assert found.errors == {}
    assert 0 < len(found.revisions) < MANY + 3
    assert "is left for the next parse" in caplog.text
    shared.s3.latency = 0.0
    assert shared.new.parse() == shared.right()


def test_the_bucket_is_read_and_written_only_of_the_account_that_is_expected(shared: Shared, account: str) -> None:
    file = shared.known.folder / "dags" / "ecs.py"
    own = file.read_text().replace('-dags")', f'-dags", expected_bucket_owner="{account}")')
    file.write_text(own)
    shared.change_everything()
    assert shared.sync("--expected-bucket-owner", account)[0] == 0
    assert shared.known.parse() == shared.right()
    assert {made.call for made in shared.s3.made} > {Call.READ_INDEX, Call.READ_OBJECT, Call.LIST, Call.WRITE_INDEX}
    assert {made.headers.get("x-amz-expected-bucket-owner") for made in shared.s3.made} == {account}

    shared.s3.fail(Call.READ_INDEX, S3Fault.ACCESS_DENIED, count=None)  # what S3 answers if it is another one's
    status, output = shared.sync("--expected-bucket-owner", "999999999999")
    assert status == 2
    assert "not account 999999999999's" in " ".join(output.split())
    file.write_text(own.replace(account, "999999999999"))
    found = shared.known.parse()
    assert found.revisions == {}  # what was read of another account's bucket is no copy of this one's
    assert "not account 999999999999's" in " ".join(found.errors.values())

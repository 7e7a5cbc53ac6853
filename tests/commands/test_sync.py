"""``airflow-ecs-dag sync``: what the registry holds is in the snapshot, and what AWS does not tell changes nothing."""

from __future__ import annotations

import fcntl
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli import sync_command
from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_loader import load_dags
from airflow_ecs_dag_loader.shared_snapshot import Index, read_index
from airflow_ecs_dag_loader.snapshot_stores import open_store
from loader.ecs_account import dag_labels
from strict_ecs.botocore_door import in_this_process
from strict_ecs.faults import Fault
from strict_ecs.strict_aws import StrictAws
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from strict_ecs.task_definitions import TaskDefinitions

REGION, OTHER = "eu-west-1", "eu-central-1"
ACCOUNT = "100000000001"
REFUSED = dag_labels("bad", tasks__build__retries="many")


@dataclass
class Platform:
    """A machine that runs sync, and AWS.

    Attributes:
        aws: One account with two regions.
        snapshot: The folder that is synced to.
        state: That of the state.
    """

    aws: StrictAws
    snapshot: Path
    state: Path

    @property
    def ecs(self) -> TaskDefinitions:
        return self.aws.region(ACCOUNT, REGION).definitions

    def sync(self, *arguments: str, status: int = 0) -> Result:
        where = () if "--to" in arguments else ("--to", str(self.snapshot))
        result = CliRunner().invoke(app, ["sync", *where, "--state", str(self.state), *arguments])
        assert result.exit_code == status, result.output
        return result

    def described(self) -> int:
        return len(self.aws.made("DescribeTaskDefinition"))

    @property
    def index(self) -> Index:
        found = read_index(open_store(str(self.snapshot)))
        assert found is not None
        return found

    def files(self) -> dict[str, tuple[bytes, int]]:
        paths = [path for path in self.snapshot.rglob("*") if path.is_file()]
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}

    def dag_ids(self) -> list[str]:
        namespace: dict[str, object] = {}
        load_dags(namespace, str(self.snapshot))
        return sorted(getattr(dag, "dag_id", "") for dag in namespace.values())


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    clock = VirtualClock()
    made = Platform(StrictAws(clock=clock.now), tmp_path / "snapshot", tmp_path / "state")
    for region in (REGION, OTHER):
        made.aws.region(ACCOUNT, region)
    own = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "not-aws", "AWS_DEFAULT_REGION": REGION}
    own["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"  # the command sets it, and no other test shall have it
    for variable, value in (isolated_environment({}) | own).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_PROFILE", "")
    monkeypatch.delenv("AWS_PROFILE")  # what the command sets is gone after the test
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with in_this_process(made.aws, clock):
        yield made


def write_sources(folder: Path) -> Path:
    path = folder / "sources.yaml"
    path.write_text(
        f"sources:\n  - {{name: near, regions: [{REGION}], cluster: work, shared_dag_ids: true}}\n"
        f"  - {{name: far, regions: [{OTHER}], cluster: work, shared_dag_ids: true}}\n"
    )
    return path


def test_what_is_found_is_what_airflow_loads(platform: Platform) -> None:
    for family in ("one", "two"):
        platform.ecs.register(family, dag_labels(family))
    platform.ecs.register("web")
    result = platform.sync()
    assert "+ one" in result.stdout
    assert "2 DAGs, 0 refused" in result.stdout
    assert platform.dag_ids() == ["one", "two"]
    assert {name.rpartition(".")[2] for name in platform.files()} == {"json"}


def test_nothing_changed_writes_and_describes_nothing(platform: Platform) -> None:
    platform.ecs.register("one", dag_labels("one"))
    platform.ecs.register("bad", REFUSED)
    platform.sync()
    before, described = platform.files(), platform.described()
    assert "nothing changed" in platform.sync().stdout
    assert (platform.files(), platform.described()) == (before, described)


def test_changes_are_followed_and_shown(platform: Platform) -> None:
    gone = platform.ecs.register("goes", dag_labels("goes"))
    platform.ecs.register("changes", dag_labels("changes"))
    platform.sync()
    platform.ecs.deregister(gone)
    platform.ecs.register("changes", dag_labels("changes", dag__owner="someone"))
    platform.ecs.register("comes", dag_labels("comes"))
    shown = [line.split()[:2] for line in platform.sync().stdout.splitlines()]
    assert [words for words in shown if words[0] in {"+", "-", "~"}] == [
        ["~", "changes"],
        ["+", "comes"],
        ["-", "goes"],
    ]
    assert platform.dag_ids() == ["changes", "comes"]


def test_a_profile_comes_before_the_keys_in_the_environment(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "100000000002"
    (tmp_path / "credentials").write_text(
        f"[other]\naws_access_key_id = {other}\naws_secret_access_key = not-aws-either\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    platform.aws.region(other, REGION).definitions.register("theirs", dag_labels("theirs"))
    platform.sync("--profile", "other")
    assert platform.dag_ids() == ["theirs"]


def test_a_refusal_is_in_the_output_and_in_the_index(platform: Platform) -> None:
    platform.ecs.register("good", dag_labels("good"))
    platform.ecs.register("bad", REFUSED)
    for _ in range(2):
        assert "airflow.tasks.build.retries" in platform.sync().stdout
    (refusal,) = platform.index.refused.values()
    assert "task definition bad, revision 1" in refusal.reason
    assert platform.dag_ids() == ["good"]


def test_the_policy_and_the_prefix_hold(platform: Platform, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("mode: enforce\nmax_dags: 1\n")
    platform.ecs.register("hr-one", dag_labels("hr-one"))
    platform.ecs.register("hr-two", dag_labels("hr-two"))
    platform.ecs.register("other", dag_labels("other"))
    platform.sync("--policy", str(policy), "--dag-id-prefix", "hr-", "--cluster", "shared")
    assert platform.dag_ids() == ["hr-one"]
    reasons = " ".join(refusal.reason for refusal in platform.index.refused.values())
    assert "1 DAGs in this Airflow at most" in reasons
    assert "begin with hr-" in reasons
    policy.write_text("max_dogs: 1\n")
    before = platform.files()
    assert "max_dogs" in platform.sync("--policy", str(policy), status=2).stderr
    assert platform.files() == before


@pytest.mark.parametrize("operation", ["ListTaskDefinitions", "DescribeTaskDefinition"])
@pytest.mark.parametrize("fault", [Fault.ACCESS_DENIED, Fault.TRUNCATED, Fault.EXPIRED_TOKEN, Fault.TIMEOUT])
def test_a_scan_that_fails_changes_nothing(platform: Platform, operation: str, fault: Fault) -> None:
    platform.ecs.register("one", dag_labels("one"))
    platform.sync()
    before = platform.files()
    platform.ecs.register("one", dag_labels("one", dag__owner="someone"))
    platform.aws.faults.add(fault, operation=operation, count=None)
    result = platform.sync(status=2)
    assert "nothing is changed, for no source can be read" in result.stderr
    assert len(result.stderr.splitlines()) == 2  # and where it is told of
    assert platform.files() == before
    platform.aws.faults.clear()
    platform.sync()
    assert platform.files() != before


def test_a_scan_that_fails_at_first_changes_nothing(platform: Platform) -> None:
    platform.aws.faults.add(Fault.ACCESS_DENIED, operation="ListTaskDefinitions", count=None)
    platform.sync(status=2)
    assert not platform.snapshot.exists()


def test_a_scan_that_fails_once_goes_on(platform: Platform) -> None:
    for family in ("one", "two", "three"):
        platform.ecs.register(family, dag_labels(family))
    platform.aws.faults.add(Fault.ACCESS_DENIED, operation="DescribeTaskDefinition", first=3)
    platform.sync()
    assert platform.dag_ids() == ["one", "three", "two"]
    assert platform.described() == 4


@pytest.mark.parametrize("is_state_lost", [False, True])
def test_a_source_that_cant_be_read_keeps_its_dags(platform: Platform, tmp_path: Path, *, is_state_lost: bool) -> None:
    sources = ("--sources-file", str(write_sources(tmp_path)))
    far = platform.aws.region(ACCOUNT, OTHER).definitions
    platform.ecs.register("near", dag_labels("near"))
    far.register("far", dag_labels("far"))
    far.register("bad", REFUSED)
    platform.sync(*sources)
    if is_state_lost:
        shutil.rmtree(platform.state)
    platform.ecs.register("new", dag_labels("new"))
    platform.ecs.register("thief", dag_labels("far"))
    platform.aws.faults.add(Fault.ACCESS_DENIED, region=OTHER, count=None)
    result = platform.sync(*sources, status=1)
    assert f"far/{OTHER}" in result.stdout
    assert "its DAGs stay as they were" in result.stdout
    assert platform.dag_ids() == ["far", "near", "new"]
    assert platform.index.dags["far"].family == f"{ACCOUNT}/{OTHER}/far"
    assert f"{ACCOUNT}/{OTHER}/bad" in platform.index.refused


def test_a_state_that_is_lost_is_made_of_the_snapshot(platform: Platform) -> None:
    for number in range(6):
        platform.ecs.register(f"f{number}", dag_labels(f"f{number}"))
    platform.sync()
    before, described = platform.files(), platform.described()
    shutil.rmtree(platform.state)
    platform.sync()
    assert (platform.files(), platform.described()) == (before, described)


def test_who_had_a_dag_id_first_keeps_it_when_the_state_is_lost(platform: Platform) -> None:
    platform.ecs.register("zzz", dag_labels("reports"))
    platform.sync()
    shutil.rmtree(platform.state)
    platform.ecs.register("aaa", dag_labels("reports"))
    platform.sync()
    assert platform.index.dags["reports"].family.endswith("/zzz")
    assert "had it first" in platform.index.refused[f"{ACCOUNT}/{REGION}/aaa"].reason


def test_a_death_before_the_index_leaves_the_old_snapshot_whole(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.ecs.register("one", dag_labels("one"))
    platform.sync()
    before = platform.index
    platform.ecs.register("two", dag_labels("two"))

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sync_command, "write_snapshot", dies)
        platform.sync(status=130)
    assert platform.index == before
    assert platform.dag_ids() == ["one"]
    platform.sync()
    assert platform.dag_ids() == ["one", "two"]


def test_two_syncs_of_one_state_are_not_at_once(platform: Platform) -> None:
    platform.ecs.register("one", dag_labels("one"))
    platform.sync()
    (lock,) = platform.state.glob("*/.lock")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another sync" in platform.sync(status=2).stderr
    platform.sync()


def test_an_index_of_somebody_else_is_not_replaced(platform: Platform) -> None:
    platform.ecs.register("one", dag_labels("one"))
    platform.snapshot.mkdir(mode=0o700)
    foreign = platform.snapshot / "index.json"
    foreign.write_text(json.dumps({"mine": True}))
    foreign.chmod(0o600)
    assert "no JSON that sync wrote" in platform.sync(status=2).stderr
    assert foreign.read_text() == '{"mine": true}'


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sources-file", "SOURCES", "--region", REGION), "leave out --region"),
        (("--to", "gs://bucket/dags"), "give s3://bucket/prefix"),
        (("--profile", "no-such-profile"), "no-such-profile"),
    ],
)
def test_what_is_called_wrongly_is_an_error(
    platform: Platform, tmp_path: Path, arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    given = [str(write_sources(tmp_path)) if each == "SOURCES" else each for each in arguments]
    assert words in platform.sync(*given, status=2).stderr
    assert not platform.snapshot.exists()

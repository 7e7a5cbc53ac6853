"""The bundle as Airflow makes and calls it: from its configuration, in the DAG processor and in a worker."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.sdk.definitions.context import get_parsing_context

from airflow_ecs_dag_loader import EcsDagBundle, aws_clients
from airflow_ecs_dag_loader.scan_error import ScanError
from loader.bad_answers import UNUSABLE, Answer, intercept
from loader.bundle_files import bundle_config, family_files
from loader.ecs_account import REGION, dag_labels

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_ecs import ECSClient

from loader.ecs_account import EcsAccount

pytestmark = pytest.mark.emulator

NOWHERE = "http://127.0.0.1:9"
_names = itertools.count()


class Airflow:
    """Airflow's configuration with one bundle; each :meth:`bundle` is that of another process of the same Airflow."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> None:
        self.name = f"ecs-{next(_names)}"
        self._monkeypatch = monkeypatch
        self.configure(**{"region_name": REGION, "cluster": "shared", **arguments})

    def configure(self, **arguments: Any) -> None:
        self._monkeypatch.setenv(
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST",
            bundle_config(self.name, **{"refresh_interval": 5, **arguments}),
        )

    def bundle(self) -> EcsDagBundle:
        made = DagBundlesManager().get_bundle(self.name)  # type: ignore[no-untyped-call] # Airflow's
        assert isinstance(made, EcsDagBundle)
        return made


@pytest.fixture
def airflow(account: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    assert account.number
    return Airflow(monkeypatch)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Any:
    def runs(dag_id: str) -> None:
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "build")
        assert get_parsing_context().dag_id == dag_id

    return runs


def files(bundle: EcsDagBundle) -> dict[str, tuple[str, int]]:
    return {
        family: (path.read_text(), path.stat().st_mtime_ns) for family, path in family_files(bundle.base_dir).items()
    }


def ecs_of(bundle: EcsDagBundle) -> ECSClient:
    """Return the client with which the bundle scans its one place."""
    (place,) = bundle._places.read()
    return bundle._scans.client(place).get()


def version(bundle: EcsDagBundle) -> str:
    return bundle.get_current_version().version


def test_airflow_makes_it_from_its_configuration(account: EcsAccount, airflow: Airflow) -> None:
    account.register("reports", dag_labels())
    bundle = airflow.bundle()
    assert (bundle.refresh_interval, bundle.supports_versioning) == (5, True)
    assert version(bundle) == ""
    bundle.initialize()
    assert bundle.is_initialized
    assert list(files(bundle)) == ["reports"]
    assert version(bundle)


def test_a_refresh_follows_the_registry_and_touches_nothing_else(account: EcsAccount, airflow: Airflow) -> None:
    account.register("stays", dag_labels("stays"))
    gone = account.register("goes", dag_labels("goes"))
    account.register("changes", dag_labels("changes"))
    bundle = airflow.bundle()
    bundle.initialize()
    before, first = files(bundle), version(bundle)

    bundle.refresh()
    assert files(bundle) == before
    assert version(bundle) == first

    account.deregister(gone)
    account.register("changes", dag_labels("changes", dag__owner="someone"))
    account.register("comes", dag_labels("comes"))
    bundle.refresh()
    after = files(bundle)
    assert sorted(after) == ["changes", "comes", "stays"]
    assert after["stays"] == before["stays"]
    assert after["changes"] != before["changes"]
    assert version(bundle) != first


def test_a_bad_label_costs_its_family_alone(account: EcsAccount, airflow: Airflow) -> None:
    account.register("good", dag_labels("good"))
    bundle = airflow.bundle()
    bundle.initialize()
    before = files(bundle)
    account.register("bad", dag_labels("bad", tasks__build__retries="many"))
    bundle.refresh()
    after = files(bundle)
    assert after["good"] == before["good"]
    assert "DagRefusedError" in after["bad"][0]


def test_two_processes_see_the_same_version(account: EcsAccount, airflow: Airflow) -> None:
    account.register("reports", dag_labels())
    one, other = airflow.bundle(), airflow.bundle()
    one.initialize()
    assert version(other) == version(one)
    before = files(one)
    other.initialize()
    assert files(one) == before


def test_a_worker_that_has_the_dag_asks_aws_nothing(account: EcsAccount, airflow: Airflow, worker: Any) -> None:
    account.register("reports", dag_labels())
    airflow.bundle().initialize()
    worker("reports")
    bundle = airflow.bundle()
    asked = [intercept(ecs_of(bundle), name) for name in ("ListTaskDefinitions", "DescribeTaskDefinition")]
    bundle.initialize()
    assert [each.requests for each in asked] == [[], []]
    assert bundle.is_initialized
    assert list(files(bundle)) == ["reports"]


def test_a_worker_without_the_dag_fetches_it(account: EcsAccount, airflow: Airflow, worker: Any) -> None:
    airflow.bundle().initialize()
    account.register("reports", dag_labels())
    worker("reports")
    bundle = airflow.bundle()
    bundle.initialize()
    assert list(files(bundle)) == ["reports"]


def test_with_aws_down_and_nothing_on_disk_it_can_not_start(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    bundle = airflow.bundle()
    with pytest.raises(ScanError, match="ListTaskDefinitions failed"):
        bundle.initialize()
    assert not bundle.is_initialized
    assert version(bundle) == ""


@pytest.mark.parametrize("dag_id", [None, "reports", "unknown"])
def test_with_aws_down_it_goes_on_with_the_last_good_scan(
    account: EcsAccount, airflow: Airflow, monkeypatch: pytest.MonkeyPatch, worker: Any, dag_id: str | None
) -> None:
    account.register("reports", dag_labels())
    airflow.bundle().initialize()
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    if dag_id:
        worker(dag_id)
    bundle = airflow.bundle()
    before = files(bundle)
    bundle.initialize()
    assert bundle.is_initialized
    assert files(bundle) == before


@pytest.mark.parametrize("kind", UNUSABLE)
@pytest.mark.parametrize("operation", ["ListTaskDefinitions", "DescribeTaskDefinition"])
def test_a_failed_refresh_changes_nothing_and_the_next_one_recovers(
    account: EcsAccount, airflow: Airflow, monkeypatch: pytest.MonkeyPatch, operation: str, kind: str
) -> None:
    monkeypatch.setattr(aws_clients, "RETRIES", aws_clients.RETRIES.merge(_once()))
    account.register("reports", dag_labels())
    bundle = airflow.bundle()
    bundle.initialize()
    before, first = files(bundle), version(bundle)
    account.register("comes", dag_labels("comes"))
    intercept(ecs_of(bundle), operation, UNUSABLE[kind])
    with pytest.raises(ScanError):
        bundle.refresh()
    assert files(bundle) == before
    assert version(bundle) == first
    bundle.refresh()
    assert sorted(files(bundle)) == ["comes", "reports"]


def _once() -> Any:
    from botocore.config import Config  # noqa: PLC0415 - only here

    return Config(retries={"total_max_attempts": 1, "mode": "standard"})


def test_an_empty_list_takes_no_dag_away(account: EcsAccount, airflow: Airflow) -> None:
    account.register("reports", dag_labels())
    bundle = airflow.bundle()
    bundle.initialize()
    before = files(bundle)
    intercept(ecs_of(bundle), "ListTaskDefinitions", Answer(200, b'{"taskDefinitionArns": []}'))
    bundle.refresh()
    assert files(bundle) == before


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b'{"format": 2}', b"null"])
def test_a_broken_state_harms_nothing_that_airflow_calls_outside_a_try(
    account: EcsAccount, airflow: Airflow, content: bytes
) -> None:
    account.register("reports", dag_labels())
    bundle = airflow.bundle()
    bundle.initialize()
    whole, first = files(bundle), version(bundle)
    for path in ("state/published.json", "published/summary.json"):
        (bundle.base_dir / path).write_bytes(content)
    assert version(bundle) == ""
    assert bundle.path.is_dir()
    bundle.refresh()
    assert files(bundle) == whole
    assert version(bundle) == first


def test_a_state_that_can_not_be_read_harms_nothing(account: EcsAccount, airflow: Airflow) -> None:
    account.register("reports", dag_labels())
    bundle = airflow.bundle()
    bundle.initialize()
    for path in ("state/published.json", "published/summary.json"):
        (bundle.base_dir / path).unlink()
        (bundle.base_dir / path).mkdir()
    assert version(bundle) == ""
    assert bundle.path.is_dir()


def test_what_another_region_held_says_nothing_about_this_one(account: EcsAccount, airflow: Airflow) -> None:
    account.register("reports", dag_labels())
    airflow.bundle().initialize()
    airflow.configure(region_name="eu-central-1")
    bundle = airflow.bundle()
    described = intercept(ecs_of(bundle), "DescribeTaskDefinition")
    bundle.refresh()
    assert files(bundle) == {}
    assert described.requests == []


def test_a_refresh_of_101_families_without_a_change_asks_for_the_list_alone(
    account: EcsAccount, airflow: Airflow
) -> None:
    airflow.configure(region_name=REGION, call_share=1, refresh_budget=60)
    for number in range(101):
        account.register(f"family-{number}", dag_labels(f"dag-{number}"))
    bundle = airflow.bundle()
    bundle.initialize()
    lists, describes = (intercept(ecs_of(bundle), name) for name in ("ListTaskDefinitions", "DescribeTaskDefinition"))
    before = files(bundle)
    start = time.process_time()
    bundle.refresh()
    print(f"refresh of 101 families: {time.process_time() - start:.3f} s of CPU")  # noqa: T201 - shown with pytest -rP
    assert files(bundle) == before
    assert len(before) == 101
    assert (len(lists.requests), len(describes.requests)) == (2, 0)


DRIVER = """
import sys
from datetime import UTC, datetime
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag

manager = DagBundlesManager()
manager.sync_bundles_to_db()
bundle = manager.get_bundle("ecs")
bundle.initialize()
bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name="ecs")
assert not bag.import_errors, bag.import_errors
for logical_date in (datetime(2019, 12, 4, tzinfo=UTC), None):
    run = bag.dags[sys.argv[1]].test(logical_date=logical_date, run_after=datetime(2026, 2, 28, tzinfo=UTC))
    print("ended", logical_date, run.state)
"""


@pytest.mark.airflow
def test_airflow_runs_the_dag_that_it_found(account: EcsAccount, tmp_path: Path) -> None:
    """With Airflow's own task runner and database: for a date, and without one."""
    account.ecs().create_cluster(clusterName="work")
    logs = {
        "logDriver": "awslogs",
        "options": {"awslogs-group": "/ecs/work", "awslogs-stream-prefix": "airflow", "awslogs-create-group": "true"},
    }
    command = {"tasks__build__args__0": "{{ macros.ds_add(ds, 1) }}", "tasks__build__args__1": "{{ ts_nodash }}"}
    account.register("reports", dag_labels(**command), logConfiguration=logs)
    account.register("fails", dag_labels("fails", tasks__build__command__0="exit", tasks__build__command__1="3"))
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "bundles"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundle_config("ecs", region_name=REGION),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path / 'airflow.db'}",
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    run("-m", "airflow", "db", "migrate")
    said = run("-c", DRIVER, "reports")
    assert "did build 2019-12-05 20191204T000000" in said
    assert "did build 2026-03-01 20260228T000000" in said
    assert said.count("ended") == 2
    assert "ended 2019-12-04 00:00:00+00:00 success" in said
    assert "ended None success" in said
    said = run("-c", DRIVER, "fails")
    assert "container main exited with code 3" in said
    assert "ended None failed" in said

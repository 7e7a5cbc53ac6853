"""A worker's bundle, before one task: what it asks AWS, and what it has on its disk then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import DagResult, GetDag
from structlog.testing import capture_logs

from airflow_ecs_dag_loader.file_names import dag_path
from airflow_ecs_dag_loader.scan_error import ScanError
from loader.bundle_files import family_files
from sources.conftest import ORDERS, PLATFORM, REGION, STOCK, published, sources
from strict_ecs.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from sources.conftest import Fleet


_WORKER = """
import json, sys
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag

bundle = DagBundlesManager().get_bundle(sys.argv[1])
bundle.initialize()
(file,) = bundle.path.rglob("orders.py")
bag = BundleDagBag(dag_folder=file, bundle_path=bundle.path, bundle_name=bundle.name, safe_mode=False)
operators = [type(task).__name__ for dag in bag.dags.values() for task in dag.tasks]
print(json.dumps({"operators": operators, "errors": bag.import_errors, "modules": sorted(sys.modules)}))
"""
"""What Airflow's task runner does before a task, in a process of its own."""
_NOT_BEFORE_A_TASK = ("aiobotocore", "boto3", "botocore", "airflow.providers.amazon.aws")


@pytest.fixture
def worker(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Start a task of a DAG; return the bundle that its process made."""

    def start(dag_id: str, **arguments: Any) -> Any:
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "build")
        bundle = fleet.bundle(**arguments)
        bundle.initialize()
        assert bundle.is_initialized
        return bundle

    return start


@pytest.fixture
def known(fleet: Fleet) -> Fleet:
    """A fleet whose DAGs are on this disk."""
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    bundle = fleet.bundle()
    bundle.refresh()
    fleet.calls()
    return fleet


@pytest.fixture
def api_server(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let Airflow's API server know where a DAG's file is; return the dag ids that it is asked for."""

    def knows(family: str | None, *, account: str = ORDERS, bundle: str | None = None) -> list[str]:
        asked: list[str] = []

        class Comms:
            def send(self, msg: GetDag) -> DagResult:
                asked.append(msg.dag_id)
                if family is None:
                    raise RuntimeError("404: the DAG is not there")
                return DagResult(
                    dag_id=msg.dag_id,
                    is_paused=False,
                    bundle_name=bundle or fleet.name,
                    bundle_version=None,
                    relative_fileloc=str(dag_path(f"{account}/{REGION}/{family}")),
                    owners=None,
                    tags=[],
                    next_dagrun=None,
                )

        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Comms(), raising=False)
        return asked

    return knows


def test_a_fresh_process_parses_a_file_without_boto3(known: Fleet) -> None:
    """Importing it and the provider's operators takes longer than all else that is done before a task."""
    bundle = known.bundle()
    for path in (bundle.base_dir / "state").rglob("*.json"):
        os.utime(path)
    queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/airflow-wake-up"
    kwargs = {"sources": sources(), "refresh_interval": 30, "wake_up_queue": queue}
    config = {"name": bundle.name, "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": kwargs}
    of_a_task = {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([config]),
        "_AIRFLOW_PARSING_CONTEXT_DAG_ID": "orders",
        "_AIRFLOW_PARSING_CONTEXT_TASK_ID": "build",
    }
    process = subprocess.run(
        [sys.executable, "-c", _WORKER, bundle.name],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **of_a_task},
    )
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout.splitlines()[-1])
    assert (found["operators"], found["errors"]) == (["EcsTaskOperator"], {})
    assert [name for name in found["modules"] if name.startswith(_NOT_BEFORE_A_TASK)] == []


def test_what_is_fresh_is_taken_as_it_is(known: Fleet, worker: Callable[..., Any]) -> None:
    known.deploy(ORDERS, "orders")
    known.age_disk(0)
    assert "orders:1" in published(worker("orders"))["orders"]
    assert known.calls() == []


@pytest.mark.parametrize(
    ("seconds", "interval", "is_fresh"), [(59, 5, True), (61, 5, False), (199, 100, True), (201, 100, False)]
)
def test_how_long_it_is_fresh(
    known: Fleet, worker: Callable[..., Any], seconds: float, interval: int, *, is_fresh: bool
) -> None:
    known.age_disk(seconds)
    worker("orders", refresh_interval=interval)
    assert (known.calls() == []) is is_fresh


def test_of_what_is_not_fresh_one_family_is_asked_for(known: Fleet, worker: Callable[..., Any]) -> None:
    known.age_disk(1_000)
    version = known.bundle().get_current_version()
    worker("orders")
    assert known.calls() == ["AssumeRole", "DescribeTaskDefinition"]
    known.deploy(ORDERS, "orders")
    known.deploy(STOCK, "stock")
    found = published(worker("orders"))
    assert "orders:2" in found["orders"]
    assert "stock:1" in found["stock"]
    assert known.calls() == ["AssumeRole", "DescribeTaskDefinition"]
    assert known.bundle().get_current_version() == version


def test_a_newer_revision_that_is_no_dag_is_the_error_that_the_processor_would_give(
    known: Fleet, worker: Callable[..., Any]
) -> None:
    known.age_disk(1_000)
    known.deploy(ORDERS, "orders", tasks__build__retries="many")
    found = published(worker("orders"))
    assert "DagRefusedError" in found["orders"]
    assert "DagRefusedError" not in found["stock"]


def test_a_newer_revision_that_is_another_dag_writes_no_file(known: Fleet, worker: Callable[..., Any]) -> None:
    known.age_disk(1_000)
    before = published(known.bundle())
    known.deploy(ORDERS, "orders", dag__dag_id="stock")
    assert published(worker("orders")) == before


def test_a_worker_with_a_disk_of_its_own_settles_no_claims(fleet: Fleet, worker: Callable[..., Any]) -> None:
    fleet.deploy(STOCK, "stock")
    fleet.deploy(ORDERS, "thief", dag__dag_id="stock")
    fleet.deploy(ORDERS, "orders")
    for dag_id in ("stock", "unknown"):
        found = published(worker(dag_id))
        assert "DagRefusedError" not in found["stock"]
        assert fleet.bundle().get_current_version().version


@pytest.mark.parametrize(
    "fault", [Fault.ACCESS_DENIED, Fault.ACCOUNT_DOWN, Fault.EMPTY, Fault.HTML, Fault.EXPIRED_TOKEN, Fault.THROTTLED]
)
@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeTaskDefinition"])
def test_whatever_aws_says_it_goes_on_with_what_is_there(
    known: Fleet, worker: Callable[..., Any], fault: Fault, operation: str
) -> None:
    known.age_disk(1_000)
    before = published(known.bundle())
    known.aws.faults.add(fault, operation, count=None)
    with capture_logs() as logs:
        bundle = worker("orders")
    assert published(bundle) == before
    assert [each["event"] for each in logs if "going on with the last good scan" in each["event"]]


def test_a_stack_that_is_gone_by_now_leaves_what_is_there(known: Fleet, worker: Callable[..., Any]) -> None:
    known.age_disk(1_000)
    found = known.account(ORDERS).find("orders:1")
    assert found
    known.account(ORDERS).deregister(found.arn)
    assert "orders:1" in published(worker("orders"))["orders"]


def test_an_empty_disk_is_filled_by_a_scan_without_a_budget(fleet: Fleet, worker: Callable[..., Any]) -> None:
    for number in range(60):
        fleet.deploy(ORDERS, f"family-{number:02}")
    bundle = worker("family-59", refresh_budget=0.0001)
    assert len(published(bundle)) == 60


def test_a_file_that_is_missing_is_fetched(known: Fleet, worker: Callable[..., Any]) -> None:
    family_files(known.bundle().base_dir)["orders"].unlink()
    assert "orders:1" in published(worker("orders"))["orders"]
    assert known.calls() == ["AssumeRole", "DescribeTaskDefinition"]


def test_where_dags_are_packed_a_worker_has_the_path_that_airflow_knows(
    fleet: Fleet, worker: Callable[..., Any]
) -> None:
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    bundle = fleet.bundle(archives=4)
    bundle.refresh()
    packed = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    file = packed.dags["orders"].relative_fileloc
    assert file == str(dag_path(f"{ORDERS}/{REGION}/orders", 4))
    fleet.calls()
    fleet.age_disk(1)
    path = worker("orders", archives=4).path
    own = BundleDagBag(dag_folder=path / file, bundle_path=path, bundle_name=bundle.name)
    assert [(dag.dag_id, dag.relative_fileloc) for dag in own.dags.values()] == [("orders", file)]
    assert fleet.calls() == []


def test_an_empty_disk_costs_one_call_for_the_family_that_airflow_knows(
    fleet: Fleet, worker: Callable[..., Any], api_server: Callable[..., list[str]]
) -> None:
    for number in range(300):
        fleet.deploy(ORDERS, f"family-{number:03}")
    asked = api_server("family-299")
    bundle = worker("family-299")
    assert set(published(bundle)) == {"family-299"}
    assert fleet.calls() == ["AssumeRole", "DescribeTaskDefinition"]
    assert asked == ["family-299"]
    fleet.age_disk(59)
    fleet.deploy(ORDERS, "family-299")
    assert "family-299:1" in published(worker("family-299"))["family-299"]
    assert fleet.calls() == []


def test_on_a_disk_of_its_own_an_old_file_is_asked_for_again(
    fleet: Fleet, worker: Callable[..., Any], api_server: Callable[..., list[str]]
) -> None:
    fleet.deploy(ORDERS, "orders")
    api_server("orders")
    (path,) = worker("orders").path.rglob("*.py")
    fleet.age_disk(61)
    fleet.deploy(ORDERS, "orders")
    assert "orders:2" in published(worker("orders"))["orders"]
    fleet.age_disk(61)
    before = path.stat().st_mtime
    worker("orders")
    assert path.stat().st_mtime != before, "what AWS confirmed is fresh"


@pytest.mark.parametrize("fault", [Fault.ACCESS_DENIED, Fault.ACCOUNT_DOWN, Fault.HTML])
def test_on_a_disk_of_its_own_it_goes_on_with_an_old_file_while_aws_is_down(
    fleet: Fleet, worker: Callable[..., Any], api_server: Callable[..., list[str]], fault: Fault
) -> None:
    fleet.deploy(ORDERS, "orders")
    api_server("orders")
    (path,) = worker("orders").path.rglob("*.py")
    fleet.age_disk(61)
    fleet.aws.faults.add(fault, "DescribeTaskDefinition", count=None)
    assert "orders:1" in published(worker("orders"))["orders"]
    path.unlink()
    with pytest.raises(ScanError, match="DescribeTaskDefinition of orders"):
        worker("orders")


def test_a_family_of_another_account_does_not_stand_in(
    fleet: Fleet, worker: Callable[..., Any], api_server: Callable[..., list[str]]
) -> None:
    """Each account has a family of this name; the worker gets that of the account that Airflow names, or none."""
    fleet.deploy(ORDERS, "same")
    fleet.deploy(STOCK, "same", dag__dag_id="same")
    api_server("same", account=STOCK)
    (path,) = worker("same").path.rglob("*.py")
    assert path.parts[-3] == STOCK
    path.unlink()
    api_server("same", account=PLATFORM)
    with pytest.raises(ScanError, match="no source of the bundle"):
        worker("same")


def test_a_family_that_is_another_dag_by_now_is_not_run(
    fleet: Fleet, worker: Callable[..., Any], api_server: Callable[..., list[str]]
) -> None:
    fleet.deploy(ORDERS, "orders", dag__dag_id="other")
    api_server("orders")
    with pytest.raises(ScanError, match="is the DAG other, not orders"):
        worker("orders")


@pytest.mark.parametrize(
    "place", [{"family": None}, {"family": "orders", "bundle": "other"}, {"family": "../../orders"}]
)
def test_where_airflow_does_not_know_the_family_a_scan_finds_it(
    fleet: Fleet, worker: Callable[..., Any], api_server: Callable[..., list[str]], place: dict[str, Any]
) -> None:
    fleet.deploy(ORDERS, "orders")
    api_server(**place)
    assert "orders:1" in published(worker("orders"))["orders"]
    assert "ListTaskDefinitions" in fleet.calls()


def test_a_process_without_a_task_takes_what_is_fresh_as_it_is(known: Fleet) -> None:
    """As that of a callback, of which Airflow may start a thousand."""
    known.age_disk(59)
    known.bundle().initialize()
    assert known.calls() == []
    known.age_disk(61)
    known.bundle().initialize()
    assert "ListTaskDefinitions" in known.calls()
    known.bundle(sources=sources("orders")).initialize()
    assert "ListTaskDefinitions" in known.calls()

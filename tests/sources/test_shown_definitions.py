"""A DAG processor that has lost its disk while AWS does not answer: what Airflow shows stays."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagcode import DagCode
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from structlog.testing import capture_logs

from airflow_ecs_dag_loader.scan_error import ScanError
from sources.conftest import ORDERS, STOCK, published, role, sources
from strict_ecs.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sources.conftest import Fleet


@pytest.fixture(scope="module", autouse=True)
def database() -> None:
    initdb()


@pytest.fixture
def show(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Let Airflow show a text as a DAG's; this process is a DAG processor."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with create_session() as session:
        session.add(DagBundleModel(name=fleet.name))
    shown: list[str] = []

    def one(dag_id: str, text: str, *, is_stale: bool = False, number: int = 1) -> None:
        with create_session() as session:
            if dag_id not in shown:
                dag = DagModel(dag_id=dag_id)  # type: ignore[no-untyped-call] # Airflow leaves it out
                dag.bundle_name, dag.fileloc, dag.is_stale = fleet.name, f"{dag_id}.py", is_stale
                session.add(dag)
                session.flush()
                shown.append(dag_id)
            version = DagVersion(dag_id=dag_id, version_number=number, bundle_name=fleet.name)
            session.add(version)
            session.flush()
            session.add(DagCode(version, f"{dag_id}.py", text))

    yield one
    with create_session() as session:
        for table in (DagCode, DagVersion, DagModel):
            session.query(table).filter(table.dag_id.in_(shown)).delete(synchronize_session=False)


def texts(fleet: Fleet) -> dict[str, str]:
    """Return the files of a good refresh; the disk is empty again afterwards."""
    bundle = fleet.bundle()
    bundle.refresh()
    files = published(bundle)
    shutil.rmtree(bundle.base_dir)
    return files


def test_a_silent_account_loses_no_dag_on_a_new_disk(fleet: Fleet, show: Callable[..., None]) -> None:
    fleet.deploy(ORDERS, "order")
    fleet.deploy(STOCK, "shelf")
    before = texts(fleet)
    for dag_id, text in before.items():
        show(dag_id, text)
    fleet.deploy(STOCK, "new")
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    bundle = fleet.bundle()
    for _ in range(2):
        bundle.refresh()
        assert {"order": before["order"], "shelf": before["shelf"]}.items() <= published(bundle).items()
        assert published(bundle).keys() == {"order", "shelf", "new"}
    other = fleet.bundle()
    other.initialize()
    assert published(other).keys() == {"order", "shelf", "new"}


def test_when_no_account_answers_nothing_is_lost_either(fleet: Fleet, show: Callable[..., None]) -> None:
    fleet.deploy(ORDERS, "order")
    before = texts(fleet)
    show("order", before["order"])
    fleet.aws.faults.add(Fault.ACCESS_DENIED, count=None)
    bundle = fleet.bundle()
    with pytest.raises(ScanError, match="none of the 2 places"):
        bundle.initialize()
    assert published(bundle) == before
    bundle.initialize()


def test_what_aws_says_counts_as_soon_as_it_answers(fleet: Fleet, show: Callable[..., None]) -> None:
    fleet.deploy(ORDERS, "order")
    fleet.deploy(ORDERS, "gone")
    for dag_id, text in texts(fleet).items():
        show(dag_id, text)
    fleet.deploy(ORDERS, "order", dag__description="newer")
    fleet.account(ORDERS).deregister_task_definition({"taskDefinition": "gone:1"})
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    bundle = fleet.bundle()
    bundle.refresh()
    assert published(bundle).keys() == {"order", "gone"}
    fleet.aws.faults.clear()
    bundle.refresh()
    assert published(bundle).keys() == {"order"}
    assert "newer" in published(bundle)["order"]


def test_the_policy_of_now_judges_what_airflow_shows(fleet: Fleet, show: Callable[..., None]) -> None:
    fleet.deploy(ORDERS, "order")
    show("order", texts(fleet)["order"])
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    bundle = fleet.bundle(sources=[*sources("orders", dag_id_prefix="other-"), *sources("stock")])
    bundle.refresh()
    assert "DagRefusedError" in published(bundle)["order"]


def test_the_newest_text_of_what_is_shown_counts(fleet: Fleet, show: Callable[..., None]) -> None:
    fleet.deploy(ORDERS, "order")
    fleet.deploy(ORDERS, "hidden")
    older = texts(fleet)
    fleet.deploy(ORDERS, "order", dag__description="newer")
    show("order", older["order"])
    show("order", texts(fleet)["order"], number=2)
    show("hidden", older["hidden"], is_stale=True)
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    bundle = fleet.bundle()
    bundle.refresh()
    assert published(bundle).keys() == {"order"}
    assert "newer" in published(bundle)["order"]


@pytest.mark.parametrize(
    "place",
    [
        {"family_prefix": "x-"},
        {"role_arn": role(STOCK)},
        {"regions": ["us-east-1"]},
        {"name": "others"},
    ],
    ids=lambda place: next(iter(place)),
)
def test_what_another_place_showed_is_not_taken(
    fleet: Fleet, show: Callable[..., None], place: dict[str, object]
) -> None:
    fleet.deploy(ORDERS, "order")
    show("order", texts(fleet)["order"])
    fleet.aws.faults.add(Fault.ACCESS_DENIED, count=None)
    bundle = fleet.bundle(sources=[{**source, **place} for source in sources("orders")])
    with pytest.raises(ScanError):
        bundle.refresh()
    assert published(bundle) == {}


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        "x" * 100,
        "(" * 5_000,
        "raise SystemExit",
        "DEFINITION = SOURCE = __import__('os')._exit(3)",
        "DEFINITION = SOURCE = 3",
        "DEFINITION = SOURCE = {}",
        "DEFINITION = {'arn': 'x', 'labels': {}, 'labelled_container': '', 'containers': []}\nSOURCE = {}",
    ],
    ids=range(8),
)
def test_a_text_that_is_none_of_ours_is_left_aside(fleet: Fleet, show: Callable[..., None], text: str) -> None:
    fleet.deploy(ORDERS, "order")
    show("order", texts(fleet)["order"])
    show("other", text)
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    bundle = fleet.bundle()
    with capture_logs() as logs:
        bundle.refresh()
    assert published(bundle).keys() == {"order"}
    assert [line["dag"] for line in logs if line["event"] == "Airflow's database has another text of a DAG"] == [
        "other"
    ]


def test_a_process_that_may_not_ask_the_database_asks_nothing(
    fleet: Fleet, show: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.deploy(ORDERS, "order")
    show("order", texts(fleet)["order"])
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    bundle = fleet.bundle()
    bundle.refresh()
    assert published(bundle) == {}


def test_a_database_that_does_not_answer_stops_no_refresh(
    fleet: Fleet, show: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.deploy(ORDERS, "order")
    fleet.deploy(STOCK, "shelf")
    show("order", texts(fleet)["order"])
    fleet.aws.faults.add(Fault.ACCOUNT_DOWN, account=ORDERS, count=None)
    bundle = fleet.bundle()
    with capture_logs() as logs, monkeypatch.context() as patch:
        patch.setattr("airflow.settings.Session", None)
        bundle.refresh()
    assert published(bundle).keys() == {"shelf"}
    assert "Airflow's database does not say which DAGs it shows" in [line["event"] for line in logs]
    bundle.refresh()
    assert published(bundle).keys() == {"order", "shelf"}

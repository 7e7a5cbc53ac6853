"""Whose a dag id is, where Airflow's database knows more than this disk: a new one, or another DAG processor's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from structlog.testing import capture_logs

from airflow_ecs_dag_loader.dag_owners import owners_in_airflow
from airflow_ecs_dag_loader.file_names import dag_path
from sources.conftest import ORDERS, REGION, published, sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sources.conftest import Fleet


@pytest.fixture(scope="module", autouse=True)
def database() -> None:
    initdb()


@pytest.fixture
def in_airflow(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Let Airflow's database have a DAG of the fleet's bundle; this process is a DAG processor."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with create_session() as session:
        session.add(DagBundleModel(name=fleet.name))

    def have(dag_id: str, file: str | None, *, is_stale: bool = False) -> None:
        dag = DagModel(dag_id=dag_id)  # type: ignore[no-untyped-call] # Airflow leaves it out
        dag.bundle_name, dag.relative_fileloc, dag.fileloc, dag.is_stale = fleet.name, file, file or "", is_stale
        with create_session() as session:
            session.merge(dag)

    yield have
    with create_session() as session:
        # By SQL, and its own only: other tests' DAGs have runs, and a session would take these along.
        session.query(DagModel).filter(DagModel.bundle_name == fleet.name).delete(synchronize_session=False)


def file(family: str) -> str:
    return str(dag_path(f"{ORDERS}/{REGION}/{family}"))


def refused(fleet: Fleet) -> set[str]:
    """Return the families that a bundle of the fleet refuses after one more refresh."""
    bundle = fleet.bundle(sources=sources("orders"))
    bundle.refresh()
    return {family for family, text in published(bundle).items() if "DagRefusedError" in text}


@pytest.mark.parametrize("is_stale", [False, True])
def test_on_a_new_disk_a_dag_id_stays_with_the_family_that_airflow_has_it_of(
    fleet: Fleet, in_airflow: Callable[..., None], *, is_stale: bool
) -> None:
    in_airflow("same", file("same"), is_stale=is_stale)
    fleet.deploy(ORDERS, "0-thief", dag__dag_id="same")
    fleet.deploy(ORDERS, "same")
    assert refused(fleet) == {"0-thief"}


def test_a_broken_owner_keeps_its_dag_id_on_a_new_disk(fleet: Fleet, in_airflow: Callable[..., None]) -> None:
    in_airflow("same", file("same"), is_stale=True)
    fleet.deploy(ORDERS, "0-thief", dag__dag_id="same")
    fleet.deploy(ORDERS, "same", dag__retires="3")
    assert refused(fleet) == {"0-thief", "same"}


def test_processors_that_saw_claims_in_another_order_agree_when_airflow_has_the_dag(
    fleet: Fleet, in_airflow: Callable[..., None]
) -> None:
    fleet.deploy(ORDERS, "one", dag__dag_id="same")
    fleet.deploy(ORDERS, "two", dag__dag_id="same")
    assert refused(fleet) == {"one", "two"}
    in_airflow("same", file("two"))
    assert refused(fleet) == {"one"}


def test_a_family_that_has_another_dag_by_now_does_not_keep_its_old_dag_id(
    fleet: Fleet, in_airflow: Callable[..., None]
) -> None:
    fleet.deploy(ORDERS, "one", dag__dag_id="new")
    bundle = fleet.bundle(sources=sources("orders"))
    bundle.refresh()
    in_airflow("old", file("one"), is_stale=True)
    in_airflow("new", file("one"))
    fleet.deploy(ORDERS, "one", dag__dag_id="new", dag__retires="3")
    fleet.deploy(ORDERS, "two", dag__dag_id="old")
    bundle.refresh()
    assert "DagRefusedError" in published(bundle)["one"]
    assert "DagRefusedError" not in published(bundle)["two"]


def test_whose_a_dag_is_follows_from_its_file(fleet: Fleet, in_airflow: Callable[..., None]) -> None:
    in_airflow("plain", file("plain"))
    in_airflow("gone", file("gone"), is_stale=True)
    in_airflow("hashed", f"{ORDERS}/{REGION}/long_name.0123456789abcdef.py")
    in_airflow("of-2.x", None)
    plain = {"plain": f"{ORDERS}/{REGION}/plain"}
    assert owners_in_airflow(fleet.name, with_stale=False) == plain
    assert owners_in_airflow(fleet.name, with_stale=True) == plain | {"gone": f"{ORDERS}/{REGION}/gone"}
    assert owners_in_airflow("another-bundle", with_stale=True) == {}


def test_only_a_process_that_may_ask_asks(
    fleet: Fleet, in_airflow: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_airflow("same", file("same"))
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    assert owners_in_airflow(fleet.name, with_stale=True) == {}


def test_a_database_that_does_not_answer_stops_no_refresh(
    fleet: Fleet, in_airflow: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_airflow("same", file("same"))
    with capture_logs() as logs, monkeypatch.context() as patch:
        patch.setattr("airflow.settings.Session", None)
        assert owners_in_airflow(fleet.name, with_stale=True) == {}
    assert [line["event"] for line in logs] == ["Airflow's database does not say whose DAGs these are"]

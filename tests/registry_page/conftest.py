"""Airflow's own API server application with the page in it, and users who look at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest
from airflow.api_fastapi.app import create_app, get_auth_manager, purge_cached_app
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.variable import Variable
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from fastapi.testclient import TestClient

from sources.conftest import fleet as fleet  # noqa: PLC0414 - a fixture of this folder, too

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from httpx import Response
    from sqlalchemy.orm import Session

    from sources.conftest import Fleet


@pytest.fixture(scope="module")
def server() -> Iterator[FastAPI]:
    """Airflow's API server, with plugins, log-in and all."""
    initdb()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "registry_page.narrow_auth_manager.NarrowAuthManager")
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "for-tests-only-" * 5)
        patch.setenv("AIRFLOW__API__SECRET_KEY", "for-tests-only-" * 5)
        patch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
        purge_cached_app()
        yield create_app("core")
        purge_cached_app()


@dataclass
class Site:
    """The page of one bundle, as users see it."""

    app: FastAPI
    fleet: Fleet

    def get(self, path: str = "", user: str | None = "admin", **query: Any) -> Response:
        """Return the answer to a request, as a browser with a session makes it."""
        with TestClient(self.app, follow_redirects=False, base_url="http://localhost") as client:
            if user is not None:
                token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=user, role="VIEWER"))
                client.cookies.set(COOKIE_NAME_JWT_TOKEN, token)
            answer: Response = client.get(urljoin("/ecs-registry/", path), params=query or None)
            return answer

    def page(self, user: str = "admin", **query: Any) -> str:
        answer = self.get(user=user, **query)
        assert answer.status_code == 200, answer.text
        return answer.text

    def json(self, user: str = "admin", **query: Any) -> dict[str, Any]:
        answer = self.get("definitions.json", user=user, **query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def states(self, user: str = "admin", **query: Any) -> dict[str, str]:
        """Return the state of each family that a user sees."""
        found = self.json(user=user, **{"state": "all", **query})
        return {each["family"]: each["state"] for each in found["definitions"]}

    def parse(self, *dag_ids: str, **values: Any) -> None:
        """Let Airflow have parsed these DAGs of the fleet's bundle."""
        with create_session() as session:
            for dag_id in dag_ids:
                dag = DagModel(dag_id=dag_id)  # type: ignore[no-untyped-call] # Airflow leaves it out
                fields = {
                    "bundle_name": self.fleet.name,
                    "fileloc": "",
                    "is_stale": False,
                    "is_paused": False,
                    **values,
                }
                for name, value in fields.items():
                    setattr(dag, name, value)
                session.merge(dag)


@pytest.fixture
def site(server: FastAPI, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The page of the fleet's bundle; this process is a DAG processor, too, which shares nothing but the database."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with create_session() as session:
        _forget_reports(session)  # those of other modules' bundles, which share the database
        session.add(DagBundleModel(name=fleet.name))
    yield Site(server, fleet)
    with create_session() as session:
        session.query(DagModel).filter(DagModel.bundle_name == fleet.name).delete(synchronize_session=False)
        _forget_reports(session)
        session.query(DagBundleModel).filter(DagBundleModel.name == fleet.name).delete(synchronize_session=False)


def _forget_reports(session: Session) -> None:
    session.query(Variable).filter(Variable.key.like("airflow_ecs_dag.%")).delete(synchronize_session=False)

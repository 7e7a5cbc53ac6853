"""Airflow's database in a local run: which one, what is said where there is none, and that nothing is left of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from airflow_ecs_dag_cli import local_database as module
from airflow_ecs_dag_cli.local_database import check_choice, local_database
from airflow_ecs_dag_cli.local_project import LocalProject
from airflow_ecs_dag_cli.postgres_server import PostgresServer, server_programs
from airflow_ecs_dag_cli.processes import LocalRunError
from airflow_ecs_dag_cli.terminal import Terminal
from required import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "tiger-in-the-tank"  # noqa: S105 - what no message may have in it


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    programs = server_programs()
    if programs is None:
        missing("postgresql", "no PostgreSQL server is installed; install Debian's package postgresql")
    with PostgresServer(programs, logs=tmp_path_factory.mktemp("postgres")) as running:
        yield running


def databases(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return set(connection.execute(text("SELECT datname FROM pg_database")).scalars())
    finally:
        engine.dispose()


def test_sqlite_needs_nothing(tmp_path: Path) -> None:
    with local_database("sqlite", folder=tmp_path) as url:
        assert url is None


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("mysql", "neither a database's name nor a URL; allowed are sqlite, postgresql"),
        (f"{PASSWORD}", "neither a database's name nor a URL"),
        (f"mysql://me:{PASSWORD}@localhost/airflow", "names 'mysql'; allowed are"),
        (f"postgresql+asyncpg://me:{PASSWORD}@localhost/airflow", "names 'postgresql+asyncpg'"),
        (f"postgresql://me:{PASSWORD}@localhost:port/airflow", "neither a database's name nor a URL"),
        ("", "neither a database's name nor a URL"),
    ],
)
def test_what_is_no_database(choice: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(LocalRunError) as raised, LocalProject(tmp_path, terminal=Terminal(), database=choice):
        pass
    assert said in str(raised.value)
    assert PASSWORD not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    url = f"postgresql://me:{PASSWORD}@127.0.0.1:1/postgres"
    with pytest.raises(LocalRunError, match="does not make a database") as raised, local_database(url, folder=tmp_path):
        pass
    assert PASSWORD not in str(raised.value)
    assert "127.0.0.1:1" in str(raised.value)


def test_no_server_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "server_programs", lambda: None)
    with pytest.raises(LocalRunError, match=r"no PostgreSQL server is installed: .* install it"):
        check_choice("postgresql")


def test_no_driver_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NEEDED", ("psycopg2", "no_such_driver"))
    with pytest.raises(LocalRunError, match=re.escape("pip install 'airflow-ecs-dag[postgresql]'")):
        check_choice("postgresql")


@pytest.mark.postgresql
def test_a_given_servers_own_databases_are_left_alone(server: PostgresServer, tmp_path: Path) -> None:
    before = databases(server.url)
    with local_database(server.url.replace("+psycopg2", ""), folder=tmp_path) as url:
        assert url is not None
        (made,) = databases(server.url) - before
        assert url.endswith(f"/{made}")
        engine = create_engine(url)
        with engine.connect() as open_meanwhile:
            open_meanwhile.execute(text("CREATE TABLE a (b int)"))
    assert databases(server.url) == before
    engine.dispose()


@pytest.mark.postgresql
def test_a_user_who_may_not(server: PostgresServer, tmp_path: Path) -> None:
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'"))
    engine.dispose()
    url = re.sub(r"//.*@", f"//reader:{PASSWORD}@", server.url)
    with pytest.raises(LocalRunError, match="permission denied") as raised, local_database(url, folder=tmp_path):
        pass
    assert PASSWORD not in str(raised.value)


@pytest.mark.postgresql
def test_a_server_of_its_own_is_gone_afterwards(server: PostgresServer, tmp_path: Path) -> None:
    assert server.url  # there is one on this machine
    with local_database("postgresql", folder=tmp_path) as url:
        assert url is not None
        assert "postgres" in databases(url)
    with pytest.raises(LocalRunError, match="refused"), local_database(url, folder=tmp_path):
        pass
    assert not list(tmp_path.glob("airflow-ecs-dag-pg-*"))

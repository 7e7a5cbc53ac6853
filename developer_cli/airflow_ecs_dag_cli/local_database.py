"""The database of a local Airflow: SQLite, a PostgreSQL server of the run's own, or a database on a given server.

Whichever it is, it is new at each start and gone at the end; no database that was there before is touched.
"""

from __future__ import annotations

import importlib.util
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.postgres_server import PROGRAMS, PostgresServer, server_programs
from airflow_ecs_dag_cli.processes import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import URL, Engine

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_DRIVERS = ("postgresql", "postgresql+psycopg2")
_NEEDED = ("psycopg2", "asyncpg")
"""What Airflow speaks to PostgreSQL with: its scheduler and, beside that, its API server."""


def check_choice(choice: str) -> None:
    """Say early that a database can't be had.

    Args:
        choice: ``sqlite``, ``postgresql``, or the URL of a PostgreSQL server.

    Raises:
        LocalRunError: It is none of these, or something of it is not installed.
    """
    if choice == SQLITE:
        return
    if choice != POSTGRESQL:
        _url(choice)
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise LocalRunError(
            f"{' and '.join(missing)} is not installed: Airflow on PostgreSQL needs the extra, "
            "pip install 'airflow-ecs-dag[postgresql]'"
        )
    if choice == POSTGRESQL and server_programs() is None:
        raise LocalRunError(
            f"no PostgreSQL server is installed: there is no initdb below {PROGRAMS} and none on the PATH; install it "
            "(Debian's package postgresql), give the URL of a server, such as "
            "--database postgresql://user:password@host:5432/postgres, or leave --database out"
        )


@contextmanager
def local_database(choice: str, *, folder: Path) -> Iterator[str | None]:
    """Have a database for the time of the block.

    Args:
        choice: As in :func:`check_choice`.
        folder: Where the server's output goes, and its data where that can be.

    Yields:
        Its URL, as Airflow takes it; ``None`` for SQLite, whose file Airflow's folder has.

    Raises:
        LocalRunError: It can't be had.
    """
    if choice == SQLITE:
        yield None
        return
    check_choice(choice)
    if choice != POSTGRESQL:
        with _database_on(_url(choice)) as url:
            yield url
        return
    programs = server_programs()
    if programs is None:
        raise LocalRunError("PostgreSQL's server programs are gone: install them again")
    with PostgresServer(programs, logs=folder, folder=folder) as server:
        yield server.url


def _url(text: str) -> URL:
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - Airflow's; takes its time, and only a URL needs it
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - as above

    wanted = "sqlite, postgresql, or the URL of a PostgreSQL server (postgresql://user:password@host:5432/postgres)"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # What was given may have a password in it, in a place that only its author knows.
        raise LocalRunError(f"--database is neither a database's name nor a URL; allowed are {wanted}") from None
    if url.drivername not in _DRIVERS:
        raise LocalRunError(f"--database names {url.drivername[:50]!r}; allowed are {wanted}")
    return url.set(drivername=_DRIVERS[1])


@contextmanager
def _database_on(url: URL) -> Iterator[str]:
    """Make a database of its own on the server of ``url``, and drop it at the end."""
    from sqlalchemy import create_engine  # noqa: PLC0415 - as above

    name = f"airflow_ecs_dag_{secrets.token_hex(6)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    try:
        _execute(engine, f'CREATE DATABASE "{name}"', url, doing="make")
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            _execute(engine, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', url, doing="drop")
    finally:
        engine.dispose()


def _execute(engine: Engine, statement: str, url: URL, *, doing: str) -> None:
    from sqlalchemy import text  # noqa: PLC0415 - as above
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - as above

    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines() or [""]
        raise LocalRunError(
            f"the PostgreSQL server at {url.render_as_string(hide_password=True)} does not {doing} a database for this "
            f"run: {said[0][:500]}; it must be version 13 or newer, and its user have the right to make databases"
        ) from None

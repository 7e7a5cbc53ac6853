"""What these tests need of the machine: PostgreSQL's own programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.postgres_server import PROGRAMS, PostgresServer, newest_programs
from required import missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of the module's own, for Airflow shows what is in its database: empty, or the reason for a skip."""
    programs = newest_programs()
    if programs is None:
        missing("postgresql", f"no PostgreSQL server below {PROGRAMS}; install Debian's package postgresql")
    with PostgresServer(programs, logs=tmp_path_factory.mktemp("postgres")) as server:
        yield server

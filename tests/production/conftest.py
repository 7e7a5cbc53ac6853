"""What these tests need of the machine: PostgreSQL's own programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from production.postgres import PROGRAMS, PostgresServer, newest_programs
from required import missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """An empty server, or the reason why its tests are skipped."""
    programs = newest_programs()
    if programs is None:
        missing("postgresql", f"no PostgreSQL server below {PROGRAMS}; install Debian's package postgresql")
    with PostgresServer(programs, logs=tmp_path_factory.mktemp("postgres")) as server:
        yield server

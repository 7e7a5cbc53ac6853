"""Which PostgreSQL is taken; that it works, each test that needs a database shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.postgres_server import newest_programs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        ({}, None),
        ({"15": ["initdb"]}, None),
        ({"15": ["psql"]}, None),
        ({"15": ["initdb", "postgres"]}, "15"),
        ({"9.6": ["initdb", "postgres"], "15": ["initdb", "postgres"], "17": ["initdb"]}, "15"),
    ],
    ids=str,
)
def test_the_newest_server_is_taken(tmp_path: Path, versions: dict[str, list[str]], newest: str | None) -> None:
    for version, programs in versions.items():
        (tmp_path / version / "bin").mkdir(parents=True)
        for program in programs:
            (tmp_path / version / "bin" / program).touch()
    assert newest_programs(tmp_path) == (None if newest is None else tmp_path / newest / "bin")

"""What makes a local run impossible is said at once: a port that something else has, a folder without an app."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.local_project import LocalProject
from airflow_ecs_dag_cli.processes import LOOPBACK, LocalRunError, check_port, free_port
from airflow_ecs_dag_cli.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(LocalRunError, match=f"can't have port {port} .* another one with --port, 0 for any"),
            LocalProject(tmp_path, terminal=Terminal(), port=port),
        ):
            pytest.fail("it began")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_free() -> None:
    check_port(free_port())
    check_port(0)


def test_a_folder_without_an_app_stays_as_it_is(tmp_path: Path) -> None:
    with (
        pytest.raises(LocalRunError, match=r"has no cdk\.json: name a CDK project's folder with --project"),
        LocalProject(tmp_path, terminal=Terminal()),
    ):
        pytest.fail("it began")
    assert list(tmp_path.iterdir()) == []

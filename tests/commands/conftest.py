"""Fixtures of the commands that ask AWS: one emulator for all, an account of its own for each test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.local_aws import isolated_environment
from loader.ecs_account import EcsAccount
from strict_ecs.emulator_door import StrictLocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.local_aws import LocalAws

_numbers = itertools.count(200_000_000_001)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with StrictLocalAws(tmp_path_factory.mktemp("commands-aws")) as aws:
        yield aws


@pytest.fixture
def account(emulator: LocalAws, monkeypatch: pytest.MonkeyPatch) -> EcsAccount:
    """An empty account; the process's own credentials are its."""
    empty = EcsAccount(str(next(_numbers)), emulator.endpoint_url)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (isolated_environment({}) | empty.environment).items():
        monkeypatch.setenv(name, value)
    return empty

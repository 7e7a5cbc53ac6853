"""Fixtures of the loader's tests: one emulator with the process engine for all, an account of its own for each."""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_cli.process_engine.__main__ import READY
from airflow_ecs_dag_cli.process_engine.images import ImageSource, write_images
from airflow_ecs_dag_cli.processes import BackgroundProcess
from airflow_ecs_dag_loader.runner import container_lines, ecs_task_operator, ecs_task_start, ecs_task_watch
from loader.ecs_account import IMAGE, EcsAccount
from strict_ecs.emulator_door import StrictLocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.local_aws import LocalAws

IMAGE_FOLDER = Path(__file__).parent / "image"
_numbers = itertools.count(100_000_000_001)


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("loader-aws")
    images = folder / "images.json"
    source = Path(shutil.copytree(IMAGE_FOLDER, folder / "image"))
    (source / ".venv").symlink_to(sys.prefix)  # where the engine finds the boto3 that the image installs
    write_images(images, [ImageSource(name=IMAGE, directory=source)])
    with tempfile.TemporaryDirectory(prefix="loader-") as short:  # a socket's path has at most 103 bytes
        socket = Path(short) / "docker.sock"
        command = (sys.executable, "-m", "airflow_ecs_dag_cli.process_engine")
        engine = BackgroundProcess(
            "the process engine",
            (*command, "--socket", str(socket), "--images", str(images)),
            log=folder / "engine.log",
        )
        with engine:
            engine.wait_for_line(READY, within=60)
            with StrictLocalAws(folder / "aws", docker_host=f"unix://{socket}") as aws:
                yield aws


@pytest.fixture
def account(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> EcsAccount:
    """An empty account; the process's own credentials are its."""
    empty = EcsAccount(str(next(_numbers)), local_aws.endpoint_url)
    for name, value in (isolated_environment({}) | empty.environment).items():
        monkeypatch.setenv(name, value)
    return empty


@pytest.fixture
def work(account: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> EcsAccount:
    """An account with a cluster, in which no test waits as long as a worker does.

    Clients try a call once, so that what a test answers is what the operator gets.
    """
    monkeypatch.setattr(ecs_task_watch, "_FIRST_POLL", 0.05)
    monkeypatch.setattr(ecs_task_watch, "_LONGEST_POLL", 0.1)
    monkeypatch.setattr(container_lines, "_LAST_LINES_WAIT", 0.3)
    monkeypatch.setattr(ecs_task_operator, "_STOP_WITHIN", 0.0)
    monkeypatch.setattr(ecs_task_start, "_FIRST_WAIT", 0.05)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    account.ecs().create_cluster(clusterName="work")
    return account

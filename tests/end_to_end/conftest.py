"""One local AWS and one real Airflow for all tests of this folder: the sample project, as a user runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli import local_project
from airflow_ecs_dag_cli.local_project import LocalProject
from airflow_ecs_dag_cli.terminal import Terminal
from end_to_end.stacks import REPOSITORY, copy_sample
from required import missing
from strict_ecs.emulator_door import StrictLocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProject]:
    """The sample project, deployed, with Airflow running; its containers are host processes, its ECS the strict one."""
    project = copy_sample(tmp_path_factory.mktemp("sample"))
    with (
        pytest.MonkeyPatch.context() as patch,
        LocalProject(project, terminal=Terminal(), engine="process") as project_run,
    ):
        patch.setattr(local_project, "LocalAws", StrictLocalAws)
        project_run.start()
        yield project_run


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser, or the reason why its tests are skipped."""
    if not CHROMIUM.exists():
        missing("browser", f"no Chromium at {CHROMIUM}; install Debian's package chromium")
    return CHROMIUM


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots go; CI keeps them, git ignores them."""
    folder = REPOSITORY / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder

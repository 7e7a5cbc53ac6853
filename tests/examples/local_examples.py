"""An example as a user runs it: on this machine, with a real Airflow, its containers as host processes."""

from __future__ import annotations

import shlex
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.local_project import LocalProject
from airflow_ecs_dag_cli.terminal import Terminal
from examples.example_apps import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USES_BOTO3 = {"large_data": ("container",), "two_projects": ("ingest", "train")}
"""The folders of images that install boto3."""


@contextmanager
def started(name: str, folder: Path, *, follow_schedules: bool = False) -> Iterator[LocalProject]:
    """Copy an example into a folder, deploy it, and keep Airflow running."""
    project = folder / "project"
    shutil.copytree(FOLDER / name, project, ignore=shutil.ignore_patterns(".airflow-ecs-dag", ".venv", "__pycache__"))
    for image in USES_BOTO3.get(name, ()):
        _provide_boto3(project / image)
    with LocalProject(project, terminal=Terminal(), engine="process", follow_schedules=follow_schedules) as running:
        running.start()
        yield running


def _provide_boto3(container: Path) -> None:
    """Give the process engine a Python for a container that has what its image installs: this one."""
    program = container / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    program.chmod(0o755)


def states(local: LocalProject, dag_id: str, run_id: str) -> dict[str, str | None]:
    return {task.name: task.state for task in local.airflow.api.tasks(dag_id, run_id)}

"""``airflow-ecs-dag init``: the project works as it is, and what is there already stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli.local_project import LocalProject
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_cli.terminal import Terminal
from end_to_end.stacks import log_text, run_to_end, task_ids, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

FILES = [
    ".github/workflows/test.yml",
    ".gitignore",
    "README.md",
    "app.py",
    "cdk.json",
    "container/Dockerfile",
    "container/run.py",
    "pyproject.toml",
    "requirements.txt",
    "tests/test_daily_sales.py",
]


def init(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["init", *map(str, arguments)])


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "some" / "where"
    assert init("daily-sales", "--folder", folder).exit_code == 0
    return folder


def test_all_has_the_name(project: Path) -> None:
    assert files(project) == FILES
    texts = "\n".join((project / name).read_text() for name in FILES)
    assert not re.search("new.?project", texts, re.IGNORECASE)
    assert 'ProjectStack(app, "DailySales")' in texts
    assert 'family="airflow-daily-sales"' in texts
    assert {path.name for path in project.iterdir()} == {name.partition("/")[0] for name in FILES}


def test_a_folder_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "daily-sales").mkdir()  # empty, as of a repository that was just made
    result = init("daily-sales")
    assert result.exit_code == 0
    assert files(tmp_path / "daily-sales") == FILES
    assert "daily-sales/app.py" in result.stderr
    assert "Next: cd daily-sales" in result.stderr


def test_the_folder_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert init("daily-sales", "--folder", ".").exit_code == 0
    assert files(tmp_path) == FILES


@pytest.mark.parametrize("name", ["", "Daily", "daily_sales", "2020", "a--b", "a-", "../a", "a\n", "a" * 51])
def test_a_name_that_is_none(name: str, tmp_path: Path) -> None:
    result = init(name, "--folder", tmp_path / "made")
    assert result.exit_code == 2
    assert repr(name) in result.stderr.replace("\n", "")
    assert "such as daily-sales" in " ".join(result.stderr.split())
    assert files(tmp_path) == []


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("mine")
    result = init("daily-sales", "--folder", tmp_path)
    assert result.exit_code == 2
    assert "has app.py in it, and nothing was written" in " ".join(result.stderr.split())
    assert files(tmp_path) == ["app.py"]


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        result = init("daily-sales", "--folder", folder)
        assert result.exit_code == 2
        assert "can't be made a project" in " ".join(result.stderr.split())
    assert files(tmp_path) == ["file"]


def test_its_own_tests_pass_and_can_fail(project: Path) -> None:
    def tests() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            cwd=project,
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    assert "2 passed" in tests().stdout
    program = project / "app.py"
    program.write_text(program.read_text().replace('EcsTask("load"', 'EcsTask("store"'))
    assert tests().returncode == 1


@pytest.mark.airflow
@pytest.mark.emulator
def test_it_runs_as_it_is(project: Path) -> None:
    with LocalProject(project, terminal=Terminal(), engine="process") as local:
        local.start()
        wait_for(lambda: task_ids(local, "daily-sales"), "the DAG", local=local)
        run_id, state = run_to_end(local, "daily-sales", logical_date=datetime(2026, 1, 31, tzinfo=UTC))
        assert state == "success"
        assert "Read 3 rows of 2026-01-31" in log_text(local, "daily-sales", run_id, "extract")
        assert "Wrote 3 rows" in log_text(local, "daily-sales", run_id, "load")

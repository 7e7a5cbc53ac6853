"""What counts as a change of a project's sources: saved content, and nothing that tools write by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.source_watch import SourceWatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 30.0
"""Seconds for which the operating system may take to tell; not what it should take."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "container").mkdir()
    (tmp_path / "app.py").write_text("first")
    return tmp_path


@pytest.fixture
def watch(project: Path) -> Iterator[SourceWatch]:
    with SourceWatch(project) as running:
        yield running


def all_until(watch: SourceWatch, last: Path) -> list[Path]:
    """Return what changed, up to and including ``last``."""
    found: list[Path] = []
    while last not in found:
        more = watch.changed(within=PATIENCE)
        assert more, f"nothing more was noticed; so far {found}"
        found += more
    return found


def test_a_saved_file_is_noticed(watch: SourceWatch, project: Path) -> None:
    (project / "app.py").write_text("second")
    assert all_until(watch, project / "app.py") == [project / "app.py"]
    assert watch.shown(project / "app.py") == "app.py"


def test_an_editor_that_replaces_the_file_is_noticed(watch: SourceWatch, project: Path) -> None:
    for text in ("second", "third"):
        (project / "app.py~").write_text(text)
        (project / "app.py~").rename(project / "app.py")
        assert all_until(watch, project / "app.py") == [project / "app.py"]


def test_a_new_file_and_one_that_is_gone(watch: SourceWatch, project: Path) -> None:
    new = project / "container" / "Dockerfile"
    new.write_text("FROM scratch")
    assert new in all_until(watch, new)
    new.unlink()
    assert all_until(watch, new) == [new]


def test_a_file_in_a_new_folder(watch: SourceWatch, project: Path) -> None:
    folder = project / "new"
    folder.mkdir()
    all_until(watch, folder)
    (folder / "run.py").write_text("x")
    all_until(watch, folder / "run.py")


@pytest.mark.parametrize(
    "name",
    [
        ".airflow-ecs-dag/airflow/airflow.db",
        ".git/index",
        ".mypy_cache/x.json",
        ".venv/bin/python",
        "cdk.out/manifest.json",
        "container/.venv/lib/x.py",
        "container/__pycache__/run.cpython-312.pyc",
        "node_modules/a/b.js",
        "app.pyc",
        "app.py~",
        ".app.py.swp",
    ],
)
def test_what_tools_write_is_nothing(name: str, watch: SourceWatch, project: Path) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("written by a tool")
    (project / "app.py").write_text("written by a person")
    assert all_until(watch, project / "app.py") == [project / "app.py"]


def test_the_same_content_again_is_nothing(watch: SourceWatch, project: Path) -> None:
    built = project / "built.js"
    built.write_text("const a = 1")
    all_until(watch, built)
    built.write_text("const a = 1")
    (project / "app.py").write_text("second")
    assert all_until(watch, project / "app.py") == [project / "app.py"]


def test_a_program_that_may_now_be_run_is_changed(watch: SourceWatch, project: Path) -> None:
    script = project / "container" / "run.sh"
    script.write_text("#!/bin/sh")
    all_until(watch, script)
    script.chmod(0o755)
    assert all_until(watch, script) == [script]


def test_a_project_below_a_folder_with_a_tools_name(tmp_path: Path) -> None:
    project = tmp_path / "venv" / "project"
    project.mkdir(parents=True)
    with SourceWatch(project) as watch:
        (project / "app.py").write_text("first")
        assert all_until(watch, project / "app.py") == [project / "app.py"]


def test_another_folder_beside_the_project(tmp_path: Path) -> None:
    project, shared = tmp_path / "project", tmp_path / "shared"
    project.mkdir()
    shared.mkdir()
    with SourceWatch(project, shared) as watch:
        (shared / "lib.py").write_text("first")
        assert all_until(watch, shared / "lib.py") == [shared / "lib.py"]

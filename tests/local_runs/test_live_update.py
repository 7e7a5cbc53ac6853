"""``up`` follows the project's sources: saved, deployed, shown; and a mistake leaves what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from local_runs.up_command import Up

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_cli.airflow_api import AirflowApi


def task_ids(api: AirflowApi) -> set[str]:
    return {task["task_id"] for task in api.dag_tasks("daily-sales")}


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.airflow
@pytest.mark.emulator
def test_a_saved_source_is_in_airflow_and_a_mistake_is_not(tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert CliRunner().invoke(app, ["init", "daily-sales", "--folder", str(project)]).exit_code == 0
    source, container = project / "app.py", project / "container" / "run.py"
    with Up(project) as up:
        api = up.api()
        replace(source, 'load = EcsTask("load"', 'load = EcsTask("store"')
        up.line_with("changed: app.py")
        up.line_with("DAG daily-sales in Airflow: revision 2")
        up.line_with("up to date after")
        assert task_ids(api) == {"extract", "store"}

        replace(source, 'EcsTask("store"', 'EcsTask("no such id!"')
        assert "'no such id!'" in up.line_with("no such id!")
        up.line_with("what was deployed before stays")
        assert task_ids(api) == {"extract", "store"}

        replace(source, "family=", "no_such_argument=1, family=")
        up.line_with("no_such_argument")
        up.line_with("what was deployed before stays")

        replace(source, "no_such_argument=1, family=", "family=")
        replace(source, 'EcsTask("no such id!"', 'EcsTask("load"')
        up.line_with("DAG daily-sales in Airflow: revision 3")
        assert task_ids(api) == {"extract", "load"}

        replace(container, "Read {len(rows)}", "Have read {len(rows)}")
        up.line_with("changed: container/run.py")
        up.line_with("DAG daily-sales in Airflow: revision 4")
        up.line_with("up to date after")
        api.close()
    assert up.returncode == 130


def test_to_watch_and_not_to_watch(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["up", "--no-watch", "--watch", str(tmp_path)])
    assert result.exit_code == 2
    assert "leave out --no-watch, or --watch" in " ".join(result.stderr.replace("│", " ").split())

"""What the container does, and the DAG as Airflow has it."""

import runpy
from pathlib import Path

import pytest
from aws_cdk import App

from airflow_ecs_dag_cli.testing import DagLoader
from app import ProjectStack

RUN = Path(__file__).parents[1] / "container" / "run.py"


def test_extract_puts_out_how_many_rows_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(RUN))["extract"]("2026-01-31")
    assert 'airflow-output: {"rows": 3}' in capsys.readouterr().out.splitlines()


def test_load_waits_for_extract(ecs_dags: DagLoader) -> None:
    dag = ecs_dags(ProjectStack(App(), "NewProject"))["new-project"]
    assert dag.get_task("load").upstream_task_ids == {"extract"}

"""What the container does, and the DAG as its labels have it."""

import runpy
from pathlib import Path

import pytest
from aws_cdk import App
from aws_cdk.assertions import Match, Template

from app import ProjectStack

RUN = Path(__file__).parents[1] / "container" / "run.py"


def test_extract_puts_out_how_many_rows_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(RUN))["extract"]("2026-01-31")
    assert 'airflow-output: {"rows": 3}' in capsys.readouterr().out.splitlines()


def test_load_waits_for_extract() -> None:
    template = Template.from_stack(ProjectStack(App(), "NewProject"))
    labels = Match.object_like({"airflow.dag.dag_id": "new-project", "airflow.tasks.load.upstream.0": "extract"})
    container = Match.object_like({"DockerLabels": labels})
    template.has_resource_properties("AWS::ECS::TaskDefinition", {"ContainerDefinitions": [container]})

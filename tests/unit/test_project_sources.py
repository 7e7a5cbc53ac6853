"""An app's output is older than its sources: said for what is a CDK project's, and for nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_cli.project_sources import newer_source, policy_beside

SYNTHESIZED = 1_000_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, saved in {
        "app.py": -5,
        "stacks/reports.py": -3,
        "stacks/data.csv": 9,
        ".venv/lib/new.py": 9,
        "cdk.out/asset.1/run.py": 9,
        "cdk.json": 9,
        "cdk.out/manifest.json": 0,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
        os.utime(path, (SYNTHESIZED + saved, SYNTHESIZED + saved))
    return tmp_path


def save(project: Path, name: str, at: int) -> None:
    os.utime(project / name, (SYNTHESIZED + at, SYNTHESIZED + at))


def test_newer_sources(project: Path) -> None:
    assert newer_source(project / "cdk.out") is None
    save(project, "app.py", 1)
    assert newer_source(project / "cdk.out") == Path("app.py")
    save(project, "stacks/reports.py", 2)
    assert newer_source(project / "cdk.out") == Path("stacks/reports.py")


@pytest.mark.parametrize("missing", ["cdk.json", "cdk.out/manifest.json"])
def test_what_is_no_projects_is_not_compared(project: Path, missing: str) -> None:
    save(project, "app.py", 1)
    (project / missing).unlink()
    assert newer_source(project / "cdk.out") is None


@pytest.mark.parametrize("command", [["validate"], ["show"], ["graph"], ["plan", "--against", "cdk.out"]])
def test_commands_warn(project: Path, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    warning = "! cdk.out is older than app.py: synthesize the app again to see what it says now"
    assert warning not in CliRunner().invoke(app, [*command, "cdk.out"]).stderr
    save(project, "app.py", 1)
    result = CliRunner().invoke(app, [*command, "cdk.out"])
    assert warning in result.stderr.splitlines()
    assert warning not in result.stdout
    assert "older" not in CliRunner().invoke(app, [*command, "-"], input="{}").output


def test_the_policy_beside_counts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = project / "airflow-policy.yaml"
    assert policy_beside(project / "cdk.out") is None
    policy.write_text("not-a-rule: 1")
    assert policy_beside(project / "cdk.out") == policy
    assert policy_beside(project / "stacks") is None
    monkeypatch.chdir(project)
    result = CliRunner().invoke(app, ["validate", "cdk.out"])
    assert result.exit_code == 2
    assert f"policy: {policy}" in result.stderr
    assert "not-a-rule" in result.stderr
    other = CliRunner().invoke(app, ["validate", "cdk.out", "-"], input="{}")
    assert "policy: " not in other.stderr

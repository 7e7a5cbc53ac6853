"""Whole apps with the platform's policy, `python app.py`: the exit code, and what an author reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ecs_dag.policy_plugin import AirflowPolicyPlugin
from airflow_ecs_dag_schema import PolicyError

APP = Path(__file__).parent / "apps" / "stages.py"
PLACES = ["Main/Nested/Deep/Task", "Main/Nested/Task", "Main/Task", "Prod/Stack/Task"]


def synthesize(folder: Path, policy: str) -> subprocess.CompletedProcess[str]:
    (folder / "policy.yaml").write_text(policy)
    return subprocess.run(
        [sys.executable, APP, folder / "policy.yaml"],
        env=os.environ | {"CDK_OUTDIR": str(folder / "out"), "CDK_VALIDATION": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_violation_ends_the_synthesis_wherever_the_dag_is(tmp_path: Path) -> None:
    ran = synthesize(tmp_path, "min_schedule_interval: PT15M\nclusters: [work]\n")
    assert ran.returncode == 1
    assert [place for place in PLACES if f"{place}/Resource (" in ran.stderr] == PLACES
    assert "schedule.cron: runs here are PT15M apart at least, these PT5M (got '*/5 * * * *')" in ran.stderr
    assert "airflow-ecs-dag::schedule.too-often" in ran.stderr
    assert "cluster.not-allowed" not in ran.stderr


def test_a_warning_does_not(tmp_path: Path) -> None:
    ran = synthesize(tmp_path, "mode: warn\nmin_schedule_interval: PT15M\n")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("WARNING airflow.dag.schedule.cron") == 4


def test_a_policy_that_is_kept_says_nothing(tmp_path: Path) -> None:
    ran = synthesize(tmp_path, "min_schedule_interval: PT5M\nclusters: [Main*]\n")
    assert (ran.returncode, "airflow" in ran.stderr) == (0, False), ran.stderr


def test_a_broken_policy_is_said_before_anything_else(tmp_path: Path) -> None:
    ran = synthesize(tmp_path, "max_task: 3\n")
    assert ran.returncode == 1
    assert "max_task: unknown field; did you mean max_tasks?" in ran.stderr
    assert "jsii" not in ran.stderr
    with pytest.raises(PolicyError, match="the file can't be read: No such file or directory"):
        AirflowPolicyPlugin(tmp_path / "absent.yaml")

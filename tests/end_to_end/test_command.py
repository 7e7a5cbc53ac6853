"""The command as a user calls it: `airflow-ecs-dag run`, its verdicts, and that it leaves nothing running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_ecs_dag_cli.container_engine import find_engine
from end_to_end.stacks import copy_sample
from required import missing

pytestmark = [pytest.mark.airflow, pytest.mark.emulator]

COMMAND = Path(sys.executable).with_name("airflow-ecs-dag")
SECONDS = 300


def left_running(project: Path) -> list[str]:
    """Return the command lines of living processes that have to do with ``project``, a folder that no other test has.

    Each thing that a local run starts names the folder: in its arguments, in its environment, or as where it works.
    """
    mark = str(project).encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, place = (process / "cmdline").read_bytes(), bytes((process / "cwd").readlink())
            if mark in command or mark in place or mark in (process / "environ").read_bytes():
                found.append(command.replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended meanwhile
    return found


def run(project: Path, *arguments: str, engine: str = "process") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "run", *arguments, "--project", project, "--engine", engine],
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_the_sample_runs_and_nothing_is_left(tmp_path: Path) -> None:
    result = run(copy_sample(tmp_path), "convert-it", "--date", "2019-12-04")
    assert result.returncode == 0, result.stderr
    assert "convert | Converted data of date 2019-12-04 00:00:00" in result.stdout.splitlines()
    assert "without isolation" in result.stderr
    assert left_running(tmp_path) == []


@pytest.mark.container
def test_the_sample_runs_in_a_real_container(tmp_path: Path) -> None:
    search = find_engine()
    if search.engine is None:
        missing("container", f"no container engine answers; tried {', '.join(search.tried)}")
    result = run(copy_sample(tmp_path), "convert-it", "--date", "2019-12-04", engine="container")
    assert result.returncode == 0, result.stderr
    assert "convert | Converted data of date 2019-12-04 00:00:00" in result.stdout.splitlines()
    assert f"images built by {search.engine.kind}" in result.stderr
    assert "without isolation" not in result.stderr
    assert left_running(tmp_path) == []


def test_a_failed_container_is_the_commands_verdict(tmp_path: Path) -> None:
    project = copy_sample(tmp_path)
    script = project / "cdk" / "container" / "run.py"
    script.write_text("import sys\nprint('no data for', sys.argv[2])\nsys.exit(7)\n")
    app = project / "cdk" / "app.py"
    app.write_text(app.read_text().replace("retries=1", "retries=0"))
    result = run(project, "--date", "2019-12-05")
    assert result.returncode == 1, result.stderr
    assert "convert | no data for 2019-12-05" in result.stdout.splitlines()
    assert "exited with code 7" in result.stdout
    assert left_running(tmp_path) == []


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    project = copy_sample(tmp_path)
    (project / "cdk" / "container" / "run.py").write_text(
        "import time\nprint('sleeping', flush=True)\ntime.sleep(3600)\n"
    )
    command = subprocess.Popen(
        [COMMAND, "run", "convert-it", "--date", "2019-12-04", "--project", project, "--engine", "process"],
        env=os.environ | {"NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert command.stdout is not None
        seen: list[str] = []
        while "sleeping" not in "".join(seen[-1:]):
            line = command.stdout.readline()
            assert line, f"the command ended: {command.communicate()[1]}"
            seen.append(line)
        for part in ("airflow scheduler", "airflow api", "ministack", "process_engine", "run.py convert"):
            assert any(part in each for each in left_running(tmp_path)), part
        os.killpg(command.pid, signal.SIGINT)
        _, said = command.communicate(timeout=60)
    finally:
        command.kill()
    assert command.returncode == 130
    assert "everything is stopped" in said
    deadline = time.monotonic() + 15
    while left_running(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_running(tmp_path) == []


def test_an_unknown_dag_is_named_with_those_there_are(tmp_path: Path) -> None:
    result = run(copy_sample(tmp_path), "convert")
    assert result.returncode == 2
    assert "the app declares no DAG 'convert'; it declares: convert-it" in result.stderr
    assert left_running(tmp_path) == []


def test_a_mistake_in_the_app_stops_it_before_anything_starts(tmp_path: Path) -> None:
    project = copy_sample(tmp_path)
    app = project / "cdk" / "app.py"
    app.write_text(app.read_text().replace('"{{ ds }}"', '"{{ conn.prod.password }}"'))
    result = run(project, "convert-it")
    assert result.returncode == 2
    assert "unknown variable" in result.stderr or "not allowed in a template" in result.stderr
    assert "local AWS" not in result.stderr
    assert left_running(tmp_path) == []


@pytest.mark.parametrize("date", ["yesterday", "2019-13-01", ""])
def test_a_date_that_is_none_is_refused(tmp_path: Path, date: str) -> None:
    result = run(tmp_path, "convert-it", "--date", date)
    assert result.returncode == 2
    assert "a date is a day such as 2026-01-31" in " ".join(result.stderr.replace("│", " ").split())


def test_a_date_before_the_dag_starts_is_refused(tmp_path: Path) -> None:
    result = run(copy_sample(tmp_path), "convert-it", "--date", "2018-01-01")
    assert result.returncode == 2
    assert "is before the DAG's start_date" in result.stderr
    assert left_running(tmp_path) == []


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, "convert-it")
    assert result.returncode == 2
    assert "cdk.json" in result.stderr

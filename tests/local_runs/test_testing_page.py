"""docs/testing.md: its tests are tests, its tables name what is there, and its files are read."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from airflow_ecs_dag_cli import testing
from airflow_ecs_dag_cli.local_secrets import LocalSecrets

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]

DOCS = Path(__file__).parents[2] / "docs"
PYTHON = re.compile(r"^```python\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^```yaml\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = (DOCS / "testing.md").read_text()


def test_the_first_example_passes(pytester: pytest.Pytester) -> None:
    stack, run = (found["text"] for found in PYTHON.finditer(PAGE))
    assert "ecs_dags().run(" in run  # what it says is shown with a real run in test_pytest_fixture.py
    pytester.makepyfile(test_page=stack)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def test_the_tables_name_each_field() -> None:
    for shown in (testing.RunResult, testing.TaskResult):
        for field in fields(shown):
            assert field.name in {"dag_id", "run_id"} or f"`{field.name}`" in PAGE.replace("`tasks[", "`tasks`, `[")
    for name in testing.__all__:
        assert f"`{name}`" in PAGE


def test_the_example_of_secrets_is_one(tmp_path: Path) -> None:
    (example,) = (found["text"] for found in YAML.finditer((DOCS / "local-runs.md").read_text()))
    (tmp_path / "aws-secrets.yaml").write_text(example)
    assert set(LocalSecrets.read(tmp_path / "aws-secrets.yaml").values) == set(yaml.safe_load(example))

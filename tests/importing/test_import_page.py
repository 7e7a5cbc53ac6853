"""The page docs/import.md shows what the command prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from documents.test_documents import REPOSITORY, blocks
from importing.test_dag_factory import FILES

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PAGE = "docs/import.md"


def test_the_pages_labels_become_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (labels,), (source,) = blocks(PAGE, "yaml"), blocks(PAGE, "python")
    (tmp_path / "convert-it.yaml").write_text(labels)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["import", "convert-it.yaml"])
    assert (result.exit_code, result.stdout) == (0, source)
    assert "`airflow-ecs-dag import convert-it.yaml`" in (REPOSITORY / PAGE).read_text()


def test_the_pages_loss_is_a_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (said,) = blocks(PAGE, "text")
    (tmp_path / "dags.yml").write_text((FILES / "lossy.yml").read_text())
    monkeypatch.chdir(tmp_path)
    assert said in CliRunner().invoke(app, ["import", "dags.yml"]).stderr

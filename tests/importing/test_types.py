"""Generated files type-check: mypy in its strict mode, and pyright in its strict mode with the CDK's own types."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

from airflow_ecs_dag_cli.dag_factory import dag_factory_dags
from airflow_ecs_dag_cli.python_dag import python_file
from airflow_ecs_dag_cli.source_document import read_source
from airflow_ecs_dag_schema import decode
from importing.generated_apps import source_of
from importing.test_dag_factory import FILES
from strict_pyright import pyright
from vectors.vector_files import read_vectors

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for each of the vectors' DAGs, and one with a mistake."""
    folder = tmp_path_factory.mktemp("generated")
    specs = [decode(vector.labels) for version in ("2019", "v1") for _, vector in read_vectors(version) if vector.valid]
    for number, spec in enumerate(specs):
        (folder / f"generated_{number}.py").write_text(source_of(spec), encoding="utf-8")
    from_dag_factory = dag_factory_dags(read_source((FILES / "warehouse.yml").read_text()), "warehouse.yml")
    (folder / "warehouse.py").write_text(python_file(from_dag_factory.dags, width=88), encoding="utf-8")
    sample = source_of(specs[0])
    (folder / "mistaken.py").write_text(sample.replace("tasks=", 'catchup="no",\n        tasks='), encoding="utf-8")
    return folder


def test_mypy(folder: Path, tmp_path: Path) -> None:
    config = REPOSITORY / "tests" / "typing" / "mypy.ini"
    said, crashed, _ = api.run(["--config-file", str(config), "--cache-dir", str(tmp_path), str(folder)])
    errors = [line for line in said.splitlines() if "error:" in line]
    assert crashed == ""
    assert len(errors) == 1, said
    assert "mistaken.py" in errors[0], said


def test_pyright(folder: Path, tmp_path: Path) -> None:
    ((file, _),) = pyright(*folder.iterdir(), folder=tmp_path)
    assert file == "mistaken.py"

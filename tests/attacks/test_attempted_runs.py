"""Attacks that would run code or read a secret, attempted: first where they work, then with each of our checks missed.

The side effect is a file that is made, or a secret that stands in the command. Plain Airflow shows that it can happen:
its own ``EcsRunTaskOperator`` fills in the same text.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.sdk import DAG

from airflow_ecs_dag_loader import template_values
from airflow_ecs_dag_loader.dag_file import dag_file
from airflow_ecs_dag_loader.definition import Container, Definition
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.source import RegistrySource
from airflow_ecs_dag_schema.templates import is_template
from attacks.corpus_files import Attack, attacks
from loader.task_runs import task_run

if TYPE_CHECKING:
    from pathlib import Path

_TEMPLATED = (".args.", ".command", ".arguments.", ".environment.", ".map_index_template")
SECRET = "c4n4ry-of-the-worker"  # noqa: S105 - what an attack would read; it opens nothing
ATTEMPTS = [pytest.param(case, id=case.name) for case in attacks() if case.runs]
WORKING = [pytest.param(case, id=case.name) for case in attacks() if case.runs in {"touch", "leak"}]
TEMPLATES = [
    pytest.param(case, id=case.name)
    for case in attacks()
    if case.runs and any(is_template(text or "") for text in case.labels.values())
]


@dataclass(frozen=True)
class Canary:
    """Where the side effects of an attack would be seen."""

    file: Path

    def happened(self, text: str = "") -> bool:
        """Tell whether the file was made, or the secret stands in ``text`` in capitals or not."""
        return self.file.exists() or SECRET in text.lower()


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Canary:
    """A secret in each place from which an attack of the corpus would read it, and no file yet."""
    connection = {"conn_type": "aws", "login": "worker", "password": SECRET}
    monkeypatch.setenv("AIRFLOW_CONN_CANARY", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW_VAR_CANARY", SECRET)
    monkeypatch.setenv("AIRFLOW_VAR_CANARY_JSON", json.dumps({"secret": SECRET}))
    monkeypatch.setenv("ATTACKS_CANARY_SECRET", SECRET)
    (tmp_path / "canary.secret").write_text(SECRET)
    return Canary(tmp_path / "canary")


def texts(case: Attack, canary: Canary) -> list[str]:
    """The texts of an attack's labels in which templates are filled in, read as the loader reads them."""
    found = []
    for key, text in case.all_labels(canary.file).items():
        if any(place in key for place in _TEMPLATED):
            found.append(json.loads(text) if text.startswith('"') else text)
    return found


def filled_in(operator: EcsRunTaskOperator | EcsTaskOperator) -> str:
    """What the operator holds when the task runner has filled in its templates, or what it raised."""
    context = task_run(operator)
    try:
        context["ti"].render_templates(context)
    except Exception as error:  # noqa: BLE001 - an attack may raise anything; what counts is what it did before
        return f"{error!r} {error}"
    return json.dumps([operator.overrides, getattr(operator, "command", None)])


@pytest.mark.parametrize("case", WORKING)
def test_it_works_in_plain_airflow(case: Attack, canary: Canary) -> None:
    with DAG("plain", schedule=None):
        overrides = {"containerOverrides": [{"name": "main", "command": texts(case, canary)}]}
        build = EcsRunTaskOperator(
            task_id="build", task_definition="work", cluster="work", overrides=overrides, container_name="main"
        )
    assert not canary.happened()
    assert canary.happened(filled_in(build))


def our_operator(case: Attack, canary: Canary) -> EcsTaskOperator:
    """Our operator with the raw text, as if no check had been made before."""
    with DAG("ours", schedule=None):
        return EcsTaskOperator(
            task_id="build",
            task_definition="work",
            cluster="work",
            command=texts(case, canary),
            container_name="main",
        )


@pytest.mark.parametrize("case", TEMPLATES)
def test_it_does_not_past_the_decoder(case: Attack, canary: Canary) -> None:
    operator = our_operator(case, canary)
    before = list(operator.command)
    context = task_run(operator)
    with pytest.raises(ValueError, match=r"template|allowed|literal|ecs\.Secret") as raised:
        context["ti"].render_templates(context)
    assert operator.command == before
    assert not canary.happened(str(raised.value))


@pytest.mark.parametrize("case", TEMPLATES)
def test_it_does_not_past_the_check_of_templates_either(
    case: Attack, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is the sandbox, and a context that holds plain values."""
    monkeypatch.setattr(template_values, "check_template", lambda text: text)
    assert not canary.happened(filled_in(our_operator(case, canary)))


@pytest.mark.parametrize("case", ATTEMPTS)
def test_it_does_not_past_the_admission(
    case: Attack, canary: Canary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that Airflow parses, written for a DAG that was refused."""
    monkeypatch.setattr(sys, "path", list(sys.path))  # Airflow adds a bundle's folder and leaves it there
    definition = Definition(
        arn="arn:aws:ecs:eu-west-1:123456789012:task-definition/attack:1",
        labels=case.all_labels(canary.file),
        labelled_container="main",
        containers=(Container("main"),),
    )
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "attack.py").write_text(dag_file(definition, RegistrySource(cluster="work")), encoding="ascii")
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="attacks")
    assert dict(bag.dags) == {}
    (error,) = bag.import_errors.values()
    assert "in the Airflow labels" in error
    assert not canary.happened(error)

"""What Airflow's own parser makes of the folder: a bad family costs its own DAG and says so."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import LazyDeserializedDAG

from airflow_ecs_dag_loader.admission import admit
from airflow_ecs_dag_loader.definition import Container
from airflow_ecs_dag_loader.registry import Registry
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.snapshot import dags_folder, publish
from airflow_ecs_dag_schema import Policy, encode
from loader.ecs_account import dag_labels
from loader.pair_files import PAIRS
from loader.sources import SOURCE, found

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_loader.definition import Definition


@pytest.fixture(autouse=True)
def _import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))  # Airflow adds a bundle's folder and leaves it there


def parsed(folder: Path, *definitions: Definition, policy: Policy | None = None) -> BundleDagBag:
    verdicts = admit(definitions, source=SOURCE, owners={}, policy=policy)
    publish(folder, registry=Registry(), verdicts=verdicts, source=SOURCE)
    path = dags_folder(folder)
    return BundleDagBag(dag_folder=path, bundle_path=path, bundle_name="ecs")


def test_one_bad_family_of_three_is_one_import_error(tmp_path: Path) -> None:
    bad = found("bad", dag_labels("bad", tasks__build__retries="many", tasks__build__upstream__0="nowhere"))
    bag = parsed(tmp_path, found("one"), bad, found("two"))
    assert sorted(bag.dags) == ["one", "two"]
    assert list(bag.import_errors) == ["123456789012/eu-west-1/bad.py"]
    (text,) = bag.import_errors.values()
    for part in (
        "task definition bad, revision 1",
        "airflow.tasks.build.retries",
        "'many'",
        "nowhere",
        "deploy it again",
    ):
        assert part in text


def test_a_dag_id_that_two_new_families_claim_is_an_import_error_of_both(tmp_path: Path) -> None:
    bag = parsed(tmp_path, found("first", dag_labels("same")), found("second", dag_labels("same")))
    assert list(bag.dags) == []
    for text in bag.import_errors.values():
        assert "not known which one had it first" in text
    assert len(bag.import_errors) == 2


@pytest.mark.parametrize(
    "family", ["f" * 255, "__init__", "__pycache__", "__main__", "airflow", "json", "-", "0", "class", "con"]
)
def test_a_family_of_any_name_is_parsed(tmp_path: Path, family: str) -> None:
    bag = parsed(tmp_path, found(family, dag_labels("reports")))
    assert bag.import_errors == {}
    assert list(bag.dags) == ["reports"]


def test_the_texts_of_a_refusal_survive_airflows_database(tmp_path: Path) -> None:
    labels = dag_labels("bad", **{"dag__\N{GRINNING FACE}": "x", "dag__owner": "\ud800"})
    (text,) = parsed(tmp_path, found("bad", labels)).import_errors.values()
    assert "\N{GRINNING FACE}" in text or "\\U0001f600" in text
    text.encode()


def test_a_new_revision_replaces_the_dag(tmp_path: Path) -> None:
    parsed(tmp_path, found("reports"))
    bag = parsed(tmp_path, found("reports", revision=2))
    task = bag.dags["reports"].get_task("build")
    assert isinstance(task, EcsTaskOperator)
    assert task.task_definition.endswith("reports:2")


def test_a_dag_of_each_kind_is_parsed_and_stored(tmp_path: Path) -> None:
    definitions = []
    offered: dict[str, dict[str, object]] = {"operators": {}, "alert_profiles": {}}
    for name, pair in PAIRS.items():
        labels = encode(pair.SPEC.model_copy(update={"dag_id": name}))
        containers = (*found().containers, Container("worker"))
        definitions.append(replace(found(name, labels), containers=containers))
        if source := getattr(pair, "SOURCE", None):
            offered["operators"] |= source.operators
            offered["alert_profiles"] |= source.alert_profiles
    allowed = {"pools": ["reports"], "max_pool_slots": 9, **offered}
    bag = parsed(tmp_path, *definitions, policy=Policy.of(allowed))
    assert bag.import_errors == {}
    assert bag.dags.keys() == PAIRS.keys()
    for name, dag in bag.dags.items():
        stored = LazyDeserializedDAG.from_dag(dag)
        assert (stored.dag_id, {task.task_id for task in stored._real_dag.tasks}) == (name, set(dag.task_dict))

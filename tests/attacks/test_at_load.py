"""The whole corpus in one Airflow: each attack is its own family's import error, and nothing else is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from attacks.corpus_files import Attack, Legitimate, attacks, bundles, legitimate
from attacks.loaded_corpus import LoadedBundle, of_bundle
from loader.task_runs import task_run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.emulator

Loaded = dict[str, LoadedBundle]
_UNPRINTABLE = re.compile(r"[^\n\x20-\x7e]")


def params(cases: tuple[Any, ...]) -> list[Any]:
    return [pytest.param(case, id=case.name) for case in cases]


@pytest.mark.parametrize("case", params(attacks()))
def test_an_attack_is_its_own_import_error(case: Attack, loaded: Loaded, canary: Path) -> None:
    bundle = loaded[case.bundle]
    line = bundle.audit[case.the_family]
    assert line["event"] == "dag refused"
    assert {each.partition(" @ ")[0] for each in line["broken"]} == set(case.rules)
    assert any(case.is_named_by(each.partition(" @ ")[2], canary) for each in line["broken"]), line["broken"]
    assert bundle.dag_ids(case) == []
    error = bundle.error(case)
    assert error is not None
    assert f"ECS task definition {case.the_family}, revision 1 (account " in error
    assert case.says in error
    assert not case.hides or case.hides not in error
    assert not _UNPRINTABLE.search(error)


@pytest.mark.parametrize("case", params(legitimate()))
def test_a_legitimate_dag_is_a_dag(case: Legitimate, loaded: Loaded) -> None:
    bundle = loaded[case.bundle]
    line = bundle.audit[case.the_family]
    assert line["event"] == "dag admitted"
    assert [each.partition(" @ ")[0] for each in line["broken"]] == case.warns
    assert bundle.error(case) is None
    (dag_id,) = bundle.dag_ids(case)
    dag = bundle.bag.dags[dag_id]
    assert DagSerialization.to_dict(dag)["dag"]["dag_id"] == line["dag_id"]
    for task_id, command in case.renders.items():
        task = dag.get_task(task_id)
        assert isinstance(task, EcsTaskOperator)
        context = task_run(task)
        context["ti"].render_templates(context)
        assert task.command == command


@pytest.mark.parametrize("name", list(bundles()))
def test_nothing_but_the_legitimate_dags_is_there(name: str, loaded: Loaded) -> None:
    bundle = loaded[name]
    good, bad = of_bundle(name)
    assert len(bundle.files) == len(good) + len(bad)
    assert len(bundle.bag.dags) == len(good)
    assert len(bundle.bag.import_errors) == len(bad)


@pytest.mark.parametrize("name", list(bundles()))
def test_the_attacks_touched_no_file_of_the_others(name: str, loaded: Loaded) -> None:
    bundle = loaded[name]
    assert bundle.first_files.items() <= bundle.files.items()
    assert len(bundle.first_files) == len(of_bundle(name)[0])


def test_nothing_was_run(loaded: Loaded, canary: Path) -> None:
    assert loaded
    assert list(canary.parent.iterdir()) == []

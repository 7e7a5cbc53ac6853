"""Each definition is judged and proven once; what Airflow doesn't take gets an error before Airflow sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from airflow_ecs_dag_loader import dag_file, judging, proof
from airflow_ecs_dag_loader.admission import Admitted, Refused, Verdict, judge
from airflow_ecs_dag_loader.places import Place
from airflow_ecs_dag_loader.published import Published
from airflow_ecs_dag_schema import Policy
from loader.ecs_account import dag_labels
from loader.sources import SOURCE, found
from sources.conftest import ORDERS, STOCK, published, sources

if TYPE_CHECKING:
    from sources.conftest import Fleet


class Calls:
    """Notes for which definitions a step was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        self._families: list[str] = []
        done = getattr(judging, step)

        def noted(one: Any, **more: Any) -> Any:
            definition = one.definition if isinstance(one, Admitted) else one
            self._families.append(definition.parsed_arn.family)
            return done(one, **more)

        monkeypatch.setattr(judging, step, noted)

    def taken(self) -> list[str]:
        taken, self._families = sorted(self._families), []
        return taken


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> tuple[Calls, Calls]:
    return Calls(monkeypatch, "judge"), Calls(monkeypatch, "proven")


def test_each_definition_is_judged_and_proven_once(fleet: Fleet, steps: tuple[Calls, Calls]) -> None:
    judged, proven = steps
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    bundle = fleet.bundle()
    bundle.refresh()
    assert (judged.taken(), proven.taken()) == (["orders", "stock"], ["orders", "stock"])
    bundle.refresh()
    assert (judged.taken(), proven.taken()) == ([], [])
    fleet.deploy(STOCK, "stock")
    bundle.refresh()
    assert (judged.taken(), proven.taken()) == (["stock"], ["stock"])
    again = fleet.bundle()  # a process that starts anew finds on disk what was proven
    again.refresh()
    assert (judged.taken(), proven.taken()) == (["orders", "stock"], [])


@pytest.mark.parametrize("changed", [{"cluster": "other"}, {"policy": {"max_tasks": 5}}, {"dag_id_prefix": "o"}])
def test_another_source_or_policy_judges_anew(
    fleet: Fleet, steps: tuple[Calls, Calls], changed: dict[str, Any], tmp_path: Any
) -> None:
    judged, _ = steps
    fleet.deploy(ORDERS, "orders")
    fleet.deploy(STOCK, "stock")
    file = tmp_path / "sources.yaml"
    file.write_text(repr({"sources": sources()}))
    bundle = fleet.bundle(sources=None, sources_file=str(file))
    bundle.refresh()
    judged.taken()
    file.write_text(repr({"sources": [*sources("orders", **changed), *sources("stock")]}))
    bundle.refresh()
    assert judged.taken() == ["orders"]


def test_without_the_moment_of_its_registration_a_definition_is_judged_each_time(steps: tuple[Calls, Calls]) -> None:
    judged, _ = steps
    one = judging.Judge()
    for _ in range(2):
        one.begin(Place(SOURCE), [found("a")])
        assert one.verdict(found("a")) is None
        one.judge(found("a"))
        assert judged.taken() == ["a"]


def test_a_judge_begins_with_a_place() -> None:
    with pytest.raises(RuntimeError, match="begins with a place"):
        judging.Judge().judge(found("a"))


def within(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next refresh describe, judge and prove so many in all."""
    spent = iter([True] * steps)
    monkeypatch.setattr("airflow_ecs_dag_loader.budget.AT_LEAST", 0)
    monkeypatch.setattr("airflow_ecs_dag_loader.budget.Budget.allows", lambda *_: next(spent, False))


def test_what_is_not_judged_yet_stays_as_it_is(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(15):
        fleet.deploy(ORDERS, f"family-{number:02}")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=1000)
    bundle.refresh()
    for number in range(20):
        fleet.deploy(ORDERS, f"family-{number:02}", dag__owner="new")
    with monkeypatch.context() as patch:
        within(1 + 20 + 5, patch)
        bundle.refresh()
    assert bundle.refresh_interval == 0
    assert len(published(bundle)) == 15
    assert not any(":2'" in text for text in published(bundle).values()), "none of the five was proven"
    bundle.refresh()
    assert [":2'" in text for text in published(bundle).values()].count(True) == 15
    assert len(published(bundle)) == 20
    assert bundle.refresh_interval == 30


@pytest.mark.parametrize("steps", range(1, 16))
def test_of_two_claims_none_wins_however_far_the_budget_reaches(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    for family in ("a-claim", "b-claim", "c-other"):
        fleet.deploy(ORDERS, family, dag__dag_id="same" if "claim" in family else "other")
    bundle = fleet.bundle(sources=sources("orders"))
    with monkeypatch.context() as patch:
        within(steps, patch)
        bundle.refresh()
    for _ in range(3):
        bundle.refresh()
    assert bundle.refresh_interval == 30
    refused = {family for family, text in published(bundle).items() if "DagRefusedError" in text}
    assert refused == {"a-claim", "b-claim"}


def refused_by_airflow(monkeypatch: pytest.MonkeyPatch, owner: str) -> None:
    """Let Airflow find fault with somebody's DAGs when they are serialized, as only Airflow can."""
    original = DagSerialization.to_dict

    def to_dict(dag: Any) -> Any:
        if dag.owner == owner:
            raise ValueError("a rule that only Airflow knows")
        return original(dag)

    monkeypatch.setattr(DagSerialization, "to_dict", to_dict)


def test_what_airflow_does_not_take_is_an_error_before_airflow_sees_it(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.deploy(ORDERS, "orders", dag__owner="someone")
    fleet.deploy(STOCK, "stock")
    refused_by_airflow(monkeypatch, "someone")
    bundle = fleet.bundle()
    for _ in range(2):
        bundle.refresh()
        text = published(bundle)["orders"]
        assert "Airflow refuses it (ValueError: a rule that only Airflow knows)" in text
        assert "raise DagRefusedError(REASON)" in text
        assert "raise DagRefusedError" not in published(bundle)["stock"]
    (judgement,) = [each for each in judgements(bundle).values() if not each.admitted]
    assert judgement.broken == ("labels.invalid @ airflow",)


def judgements(bundle: Any) -> Any:
    return Published.read(bundle.base_dir / "state").judgements


def test_an_owner_whose_newest_revision_airflow_does_not_take_keeps_its_dag_id(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.deploy(STOCK, "stock")
    bundle = fleet.bundle()
    bundle.refresh()
    refused_by_airflow(monkeypatch, "someone")
    fleet.deploy(STOCK, "stock", dag__owner="someone")
    fleet.deploy(ORDERS, "thief", dag__dag_id="stock")
    bundle.refresh()
    assert "a rule that only Airflow knows" in published(bundle)["stock"]
    assert "which had it first" in published(bundle)["thief"]


def test_another_version_of_airflow_proves_anew(
    fleet: Fleet, steps: tuple[Calls, Calls], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, proven = steps
    fleet.deploy(ORDERS, "orders")
    fleet.bundle().refresh()
    proven.taken()
    monkeypatch.setattr("airflow_ecs_dag_loader.refresh.PROVEN_WITH", "another version")
    fleet.bundle().refresh()
    assert proven.taken() == ["orders"]
    fleet.bundle().refresh()
    assert proven.taken() == []


def test_a_dag_waits_for_its_proof_with_the_old_one_in_its_place(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(15):
        fleet.deploy(ORDERS, f"family-{number:02}")
    bundle = fleet.bundle(sources=sources("orders"), refresh_budget=1000)
    bundle.refresh()
    owners = dict(Published.read(bundle.base_dir / "state").owners)
    for number in range(15):
        fleet.deploy(ORDERS, f"family-{number:02}")
    within(1 + 15 + 15 + 1, monkeypatch)  # a page of the list, then describes, verdicts and a proof
    bundle.refresh()
    assert [":2'" in text for text in published(bundle).values()].count(True) == 1
    assert len(published(bundle)) == 15
    assert Published.read(bundle.base_dir / "state").owners == owners
    assert Published.read(bundle.base_dir / "state").proven_with == ""
    assert bundle.refresh_interval == 0
    within(1 + 14, monkeypatch)
    bundle.refresh()
    assert [":2'" in text for text in published(bundle).values()].count(True) == 15
    assert Published.read(bundle.base_dir / "state").proven_with == proof.PROVEN_WITH
    assert bundle.refresh_interval == 30


def a_verdict(**labels: str) -> Verdict:
    return judge(found(labels=dag_labels(**labels)), source=SOURCE, policy=Policy())


def test_a_proof_builds_the_dag_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = a_verdict()
    assert isinstance(verdict, Admitted)
    assert proof.proven(verdict) is verdict
    monkeypatch.setattr(dag_file, "build_dag", lambda *_: (_ for _ in ()).throw(RuntimeError("no")))
    refused = proof.proven(verdict)
    assert isinstance(refused, Refused)
    assert "Airflow refuses it (RuntimeError: no)" in refused.reason
    assert [each.rule for each in refused.violations] == ["labels.invalid"]

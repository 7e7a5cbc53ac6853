"""A seeded part of the kills that ``make soak`` does, and that what a kill could break is noticed."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from soak.deployments import OWNED, REGIONS, THIEF, Deployments, Expected, dag_file, error_file
from soak.kills import SUBJECTS, WHOLE, PackedRefreshes, Refreshes, Worker, campaign, lost
from strict_ecs.strict_aws import StrictAws

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLS = {"refresh": 11, "packed": 6, "sync": 4, "load": 4}
EAST = REGIONS[0]


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker(tmp_path_factory.mktemp("kills") / "worker") as made:
        yield made


@pytest.mark.airflow
def test_a_kill_loses_nothing(worker: Worker, tmp_path: Path) -> None:
    outcome = campaign(worker, tmp_path, kills=KILLS)
    assert not outcome.failures, "\n".join(outcome.lines())
    assert outcome.kills == KILLS
    assert all(count > 10 for count in outcome.operations.values())


def test_each_of_the_long_suites_subjects_is_killed_here() -> None:
    assert KILLS.keys() == WHOLE.keys() == {kind.name for kind in SUBJECTS}
    assert WHOLE["refresh"] >= 1_000


@pytest.mark.airflow
@pytest.mark.parametrize("kind", [Refreshes, PackedRefreshes])
def test_what_a_kill_could_break_is_noticed(worker: Worker, tmp_path: Path, kind: type[Refreshes]) -> None:
    fleet = kind(worker, tmp_path / "refresh", Random(1))  # noqa: S311 - repeatable on purpose
    with fleet.deployed():
        assert "error" not in fleet.run()
        right = fleet.deployments.expected()
        fleet.possible = [right]
        assert fleet.check_done(right) == []
        assert fleet.check_killed([right]) == []
        folder = tmp_path / "refresh" / "ecs"
        path = Path(dag_file(REGIONS[1], OWNED, kind.archives))
        owned = folder / "dags" / (path.parent if kind.archives else path)
        whole = owned.read_bytes()
        owned.write_bytes(whole[: len(whole) // 2])
        assert f"lost: {OWNED}" in fleet.check_killed([right])
        owned.unlink()
        assert f"lost: {OWNED}" in fleet.check_killed([right])
        owned.write_bytes(whole)
        assert fleet.check_killed([right]) == []
        for name in (f"state/teams/{EAST}.json", "state/published.json"):
            state = (folder / name).read_bytes()
            (folder / name).write_bytes(state[:-9])
            assert f"broken: {name.removeprefix('state/')}" in fleet.check_killed([right])
            (folder / name).write_bytes(state)
        (folder / "dags" / ".x.tmp").write_bytes(b"")
        assert fleet.check_done(right) == ["left over: dags/.x.tmp"]
        assert fleet.run(at=1) == {"killed": True}
        assert fleet.run(after=0.001) == {"killed": True}
        assert fleet.run(at=100_000)["operations"] < 100_000


A, B = Expected({"a": (EAST, 1), "b": (EAST, 1)}, frozenset()), Expected({"a": (EAST, 2)}, frozenset())


@pytest.mark.parametrize(
    ("found", "seen", "wrong"),
    [
        ({"a": [EAST, 1], "b": [EAST, 1]}, [A], []),
        ({"a": [EAST, 2]}, [A, B], []),
        ({"a": [EAST, 1]}, [A, B], []),
        ({}, [A, B], ["lost: a"]),
        ({"a": [EAST, 3]}, [A, B], [f"a is revision 3 in {EAST}, expected one of [('{EAST}', 1), ('{EAST}', 2)]"]),
        ({"c": [EAST, 1]}, [], [f"c is revision 1 in {EAST}, expected one of []"]),
        ({}, [], []),
    ],
)
def test_what_is_lost(found: dict[str, Any], seen: list[Expected], wrong: list[str]) -> None:
    assert lost(found, seen, seen) == wrong


def test_much_happens_and_can_be_repeated() -> None:
    def history(seed: int) -> list[Expected]:
        made = Deployments(Random(seed), StrictAws(clock=float, rates={}))  # noqa: S311 - repeatable on purpose
        found = []
        for number in range(200):
            made.change(is_seen=number > 0)
            if number == 100:
                made.destroy_region()
            found.append(made.expected())
        return found

    first = history(1)
    assert first == history(1) != history(2)
    assert all(each.dags[OWNED] == (REGIONS[1], 1) for each in first)
    assert not any(dag_id.startswith(EAST) for dag_id in first[100].dags)
    assert any(error_file(EAST, THIEF) in each.errors for each in first)
    assert any(revision > 2 for each in first for _, revision in each.dags.values())
    assert max(len(each.errors) for each in first) > 1

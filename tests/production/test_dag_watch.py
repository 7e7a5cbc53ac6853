"""What the watch calls a flaw, and what it doesn't: made-up looks, each a second apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from production.dag_watch import Look, Sighting, flaws
from production.deployments import Life

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAVES_WITHIN = 3.0


def seen(revision: int = 1, *, is_live: bool = True, dag_hash: str = "", version: int = 1) -> Sighting:
    return Sighting(is_live=is_live, revision=revision, dag_hash=dag_hash or f"hash {revision}", version=version)


def looks(sightings: Sequence[Sighting | None], errors: Sequence[str] = ()) -> list[Look]:
    """Return looks at ``team-1``; ``errors`` has a letter a look: ``e`` for an import error of that look."""
    marks = errors or ["-"] * len(sightings)
    return [
        Look(
            float(at),
            {} if sighting is None else {"team-1": sighting},
            frozenset({"1/r/team-1.py"} if mark == "e" else ()),
        )
        for at, (sighting, mark) in enumerate(zip(sightings, marks, strict=True))
    ]


GONE = seen(is_live=False)


@pytest.mark.parametrize(
    ("sightings", "life"),
    [
        pytest.param([None, GONE, seen(), seen()], Life("team-1", "team-1"), id="it comes"),
        pytest.param([seen(), seen(2)], Life("team-1", "team-1", [1, 2]), id="it is deployed anew"),
        pytest.param([seen(), seen(4)], Life("team-1", "team-1", [1, 2, 3, 4]), id="Airflow saw no revision between"),
        pytest.param([seen(), seen(2), seen()], Life("team-1", "team-1", [1, 2, 1]), id="it is rolled back"),
        pytest.param([seen(), seen()], Life("team-1", "team-1", [1, 2, 1]), id="the rollback was not seen"),
        pytest.param(
            [seen(), seen(2, version=2)], Life("team-1", "team-1", [1, 2]), id="there is a version a deployment"
        ),
        pytest.param([seen(), seen(), GONE, None], Life("team-1", "team-1", ended=1.0), id="it leaves"),
        pytest.param([seen(), GONE, seen(), GONE], Life("team-1", "team-1", ended=1.0), id="it leaves, after a return"),
    ],
)
def test_what_the_deployments_explain(sightings: list[Sighting | None], life: Life) -> None:
    assert flaws(looks(sightings), [life], leaves_within=LEAVES_WITHIN) == []


def test_only_a_new_stacks_dag_may_come_and_go() -> None:
    came = looks([None, seen(), GONE, seen(), seen(), GONE])
    life = Life("team-1", "team-1", began=1.0)
    found = flaws(came, [life], leaves_within=LEAVES_WITHIN, comes_within=3.0)
    assert found == ["team-1 left at 5.0 s, while its stack was there"]
    assert flaws(came[:-1], [life], leaves_within=LEAVES_WITHIN, comes_within=3.0) == []
    assert len(flaws(came[:-1], [life], leaves_within=LEAVES_WITHIN)) == 1


@pytest.mark.parametrize(
    ("sightings", "life", "flaw"),
    [
        pytest.param(
            [seen(), GONE, seen()],
            Life("team-1", "team-1"),
            "team-1 left at 1.0 s, while its stack was there",
            id="stale",
        ),
        pytest.param(
            [seen(), None, seen()],
            Life("team-1", "team-1"),
            "team-1 left at 1.0 s, while its stack was there",
            id="missing",
        ),
        pytest.param(
            [seen(), seen(2), seen(), seen(2)],
            Life("team-1", "team-1", [1, 2]),
            "team-1 had the revisions [1, 2, 1, 2], deployed were [1, 2]",
            id="two processors by turns",
        ),
        pytest.param(
            [seen(), seen(3)],
            Life("team-1", "team-1", [1, 2]),
            "team-1 had the revisions [1, 3], deployed were [1, 2]",
            id="a revision that was never there",
        ),
        pytest.param(
            [seen(dag_hash="a"), seen(dag_hash="b"), seen(dag_hash="a")],
            Life("team-1", "team-1"),
            "team-1, revision 1, was written as different DAGs",
            id="the same revision written in two ways",
        ),
        pytest.param(
            [seen(), seen(version=2)],
            Life("team-1", "team-1"),
            "team-1 has 2 versions of 1 deployments",
            id="a version of nothing new",
        ),
        pytest.param(
            [seen(), seen(), seen(), seen(), seen()],
            Life("team-1", "team-1", ended=0.0),
            "team-1 was there 4.0 s after its stack was deleted",
            id="it stays too long",
        ),
        pytest.param(
            [None, seen()],
            Life("team-1", "team-2"),
            "team-1 was never deployed, and there at 1.0 s",
            id="whose DAG is it",
        ),
        pytest.param(
            [None, seen()],
            Life("team-1", "team-1", is_refused=True),
            "team-1 was never deployed, and there at 1.0 s",
            id="it should have been refused",
        ),
    ],
)
def test_what_they_do_not(sightings: list[Sighting | None], life: Life, flaw: str) -> None:
    assert flaws(looks(sightings), [life], leaves_within=LEAVES_WITHIN) == [flaw]


@pytest.mark.parametrize(
    ("errors", "is_refused", "found"),
    [
        ("---", False, []),
        ("-ee", True, []),
        ("-e-", True, ["team-1 lost its import error at 2.0 s"]),
        ("-e-", False, ["team-1 has an import error at 1.0 s", "team-1 lost its import error at 2.0 s"]),
    ],
)
def test_import_errors_are_those_of_refused_families_and_stay(
    errors: str, *, is_refused: bool, found: list[str]
) -> None:
    life = Life("team-1", "team-1", is_refused=is_refused)
    assert flaws(looks([None] * 3, list(errors)), [life], leaves_within=LEAVES_WITHIN) == found

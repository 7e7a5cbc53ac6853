"""One bad DAG of ten, in eight ways: nine are DAGs, and one error tells the author of the bad one what to mend."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fleet.conftest import HIT, REGION, deploy, parsed
from loader.ecs_account import dag_labels

if TYPE_CHECKING:
    from fleet.conftest import Fleet

BAD = {
    "unknown parameter": ({"airflow.dag.max_active_rums": "3"}, "airflow.dag.max_active_rums", "3"),
    "cycle": (
        {
            "airflow.tasks.build.upstream.0": "check",
            "airflow.tasks.check.kind": "ecs",
            "airflow.tasks.check.upstream.0": "build",
        },
        "airflow.tasks",
        "build",
    ),
    "unknown dependency": ({"airflow.tasks.build.upstream.0": "biuld"}, "airflow.tasks.build.upstream", "biuld"),
    "bad cron": (
        {
            "airflow.dag.start_date": "2026-01-31T03:00:00+00:00",
            "airflow.dag.schedule.kind": "cron_trigger",
            "airflow.dag.schedule.cron": "61 * * * *",
        },
        "airflow.dag.schedule.cron",
        "61 * * * *",
    ),
    "broken label": ({"airflow.tasks.build.args": '["--day", "{{ ds }}"'}, "airflow.tasks.build.args", "--day"),
    "another team's dag id": ({"airflow.dag.dag_id": "well"}, "airflow.dag.dag_id", "well"),
    "forbidden class": (
        {"airflow.tasks.send.kind": "operator", "airflow.tasks.send.operator": "subprocess.getoutput"},
        "airflow.tasks.send.operator",
        "subprocess.getoutput",
    ),
    "environment read": (
        {"airflow.tasks.build.args.0": "{{ macros.os.environ.AWS_SECRET_ACCESS_KEY }}"},
        "airflow.tasks.build.args.0",
        "macros.os.environ.AWS_SECRET_ACCESS_KEY",
    ),
}
"""The labels of the bad one; the label and the value that its error names."""
PAGE = Path(__file__).parents[2] / "docs" / "sources.md"
GOOD = [f"good-{number}" for number in range(9)]


@pytest.mark.parametrize("kind", BAD)
def test_nine_of_ten_are_dags_and_one_is_an_error(fleet: Fleet, kind: str) -> None:
    labels, label, value = BAD[kind]
    deploy(fleet.well, "well")
    bundle = fleet.bundle()
    bundle.initialize()
    for family in GOOD[:5]:
        deploy(fleet.hit, family)
    fleet.hit.register("bad", {**dag_labels("bad"), **labels})
    for family in GOOD[5:]:
        deploy(fleet.hit, family)
    fleet.refresh(bundle, 2)

    found = parsed(bundle)
    assert found.revisions == dict.fromkeys([*GOOD, "well"], 1)
    (error,) = found.errors.values()
    assert "task definition bad, revision 1" in error
    assert HIT in error
    assert REGION in error
    assert label in error
    assert value in error
    assert "not-aws" not in error  # what the template would have read


def test_the_eight_ways_are_eight() -> None:
    assert len(BAD) == 8


def test_the_page_shows_the_peers_the_same_eight() -> None:
    section = PAGE.read_text().split("## One bad DAG among ten\n")[1]
    _, *rows, sums = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", section, re.MULTILINE)
    assert rows == [(kind, "9, error") for kind in BAD]
    assert sums == ("nine run, one error", "8 of 8")

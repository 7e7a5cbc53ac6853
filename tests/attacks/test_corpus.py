"""The corpus itself: how much it holds, and that no case says what another one says."""

from __future__ import annotations

import re
from collections import Counter

import yaml

from airflow_ecs_dag_schema.violations import RULES
from attacks.corpus_files import ATTACKS, HERE, LEGITIMATE, attacks, bundles, legitimate

PAGE = (HERE.parents[1] / "docs" / "attacks.md").read_text()


def test_it_is_as_large_as_promised() -> None:
    assert len(attacks()) >= 500
    assert len(legitimate()) >= 150
    assert len([case for case in attacks() if not case.why_not_at_synth]) >= 200
    assert len([case for case in attacks() if case.runs in {"touch", "leak"}]) >= 40


def test_each_case_has_a_name_a_family_and_labels_of_its_own() -> None:
    for cases in (attacks(), legitimate()):
        assert not [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    every = (*attacks(), *legitimate())
    assert not [place for place, count in Counter((c.bundle, c.the_family) for c in every).items() if count > 1]
    contents = [(case.bundle, case.family, tuple(sorted(case.all_labels().items()))) for case in attacks()]
    same = [key for key, count in Counter(contents).items() if count > 1]
    assert not same


def test_each_rule_has_an_attack() -> None:
    assert {rule for case in attacks() for rule in case.rules} == set(RULES)


def test_each_bundle_has_attacks_and_legitimate_dags() -> None:
    assert {case.bundle for case in attacks()} == {case.bundle for case in legitimate()} == set(bundles())


def test_each_file_begins_with_what_it_holds() -> None:
    for file in (*ATTACKS.glob("*.yaml"), *LEGITIMATE.glob("*.yaml")):
        first, text = file.read_text().split("\n", 1)
        assert re.match(r"# [A-Z].*[.]$", first), file.name
        assert yaml.safe_load(text), file.name


def test_the_page_says_how_many_there_are() -> None:
    working = [case for case in attacks() if case.runs in {"touch", "leak"}]
    assert f"{len(attacks())} named attacks and {len(legitimate())} legitimate DAGs" in PAGE.replace("\n", " ")
    assert f"{len(working)} of them are shown to work" in PAGE
    section = PAGE.split("## The peers on the same corpus\n")[1]
    rows = dict(re.findall(r"^\| ([a-z0-9-]+) \| (\d+) \|", section, re.MULTILINE))
    counts = Counter(case.category for case in attacks()) | {"all": len(attacks())}
    assert rows == {category: str(count) for category, count in counts.items()}


def test_the_page_has_an_outcome_of_each_case_for_each_peer() -> None:
    section = PAGE.split("## The peers on the same corpus\n")[1]
    *rows, sums = re.findall(r"^\| [a-z0-9-]+ \| (\d+ \| [0-9/ |]+) \|$", section, re.MULTILINE)
    counted = [[[int(each) for each in cell.split(" / ")] for cell in row.split(" | ")] for row in (*rows, sums)]
    for [cases], ours, *peers in counted:
        assert ours == [0, cases, 0, 0, 0]  # refused
        assert [sum(outcomes) for outcomes in peers] == [cases] * 3
    *each, whole = counted
    assert whole == [[sum(numbers) for numbers in zip(*cells, strict=True)] for cells in zip(*each, strict=True)]


def test_the_page_names_each_category() -> None:
    rows = [
        f"| `{file.stem}` | {file.read_text().splitlines()[0].removeprefix('# ').rstrip('.')} |"
        for file in sorted(ATTACKS.glob("*.yaml"))
    ]
    section = PAGE.split("## Categories\n")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("| `")] == rows

"""SECURITY.md names tests as proof: each is there, and each attacker has one."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")
HEAD = ["attacker", "what they control", "what they want", "what stops them", "the test that shows it"]
NAMED = re.compile(r"`(tests/[^`]+)`")


def rows() -> list[list[str]]:
    """Return the cells of the table's rows, its head and its rule first."""
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_there_is_one_table_and_each_row_has_all_cells() -> None:
    head, rule, *body = rows()
    assert head == HEAD
    assert set("".join(rule)) == {"-"}
    assert len(body) >= 15
    for row in body:
        assert len(row) == len(HEAD), row
        assert all(row[1:]), row


def test_each_row_names_a_test_that_is_there() -> None:
    for row in rows()[2:]:
        named = NAMED.findall(row[-1])
        assert named, row
        for each in named:
            path, _, test = each.partition("::")
            assert (REPOSITORY / path).exists(), each
            if test:
                assert re.search(
                    rf"^(?:async )?def {test}\(", (REPOSITORY / path).read_text(encoding="utf-8"), re.MULTILINE
                ), each
            elif path.endswith(".py"):
                assert re.search(
                    r"^(?:async )?def test_", (REPOSITORY / path).read_text(encoding="utf-8"), re.MULTILINE
                ), each


def test_each_folder_of_proof_holds_tests() -> None:
    folders = {REPOSITORY / each for each in NAMED.findall(PAGE) if (REPOSITORY / each).is_dir()}
    for folder in folders:
        assert list(folder.rglob("test_*.py")), folder


def test_the_page_says_what_is_not_defended() -> None:
    section = PAGE.split("## What is not defended")[1]
    assert len(re.findall(r"^- \*\*", section, re.MULTILINE)) >= 5
    for word in ("iam:PassRole", "administers Airflow", "ecs:DescribeTaskDefinition", "acknowledged away"):
        assert word in section

"""What runs the long suites: each can be run, and each verdict is that of what was run."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from importlib.util import find_spec

import pytest

from soak.__main__ import ROOT, SOAKS, Soak, main, run
from soak.mutation import GOAL, OTHER_MODULES, PACKAGE, Score, chosen_tests, score


def test_each_soak_is_a_module_that_is_there() -> None:
    assert {soak.command[0] for soak in SOAKS} == {"-m"}
    for soak in SOAKS:
        assert find_spec(soak.command[1]) is not None
        for word in soak.command[2:]:
            assert not word.startswith("tests/") or (ROOT / word).exists()


@pytest.mark.parametrize(("code", "met"), [("", True), ("raise SystemExit(1)", False), ("1 / 0", False)])
def test_a_soak_is_met_if_its_command_says_so(*, code: str, met: bool) -> None:
    assert run(Soak("x", "y", ("-c", code)), seed=1) is met


def test_the_seed_and_the_settings_reach_the_command() -> None:
    code = "import os, sys; sys.exit((sys.argv[1], os.environ['MARK']) != ('7', 'x'))"
    assert run(Soak("x", "y", ("-c", code, "{seed}"), {"MARK": "x"}), seed=7)


def test_an_unknown_soak_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["soak", "fuzz", "nap"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "no such soak: nap; choose from fuzz, round-trip, kills, mutation" in capsys.readouterr().err


def test_mutants_are_tried_with_tests_that_need_neither_side() -> None:
    files = {str(file) for file in chosen_tests()}
    assert {"tests/schema/test_vectors.py", "tests/policy/test_rule_words.py"} <= files
    assert not {"tests/schema/test_airflow_agrees.py", "tests/policy/test_cases.py"} & files


def test_what_is_not_mutated_is_there() -> None:
    assert {file.name for file in (ROOT / PACKAGE).glob("*.py")} > OTHER_MODULES


def test_the_score_counts_what_no_test_runs() -> None:
    found = score({"p.a.x_1": 1, "p.a.x_2": 0, "p.b.x_3": 33, "p.b.x_4": 36, "p.b.x_5": None})
    assert found == Score(Counter({"a": 1, "b": 1}), ["p.a.x_2"], ["p.b.x_3"])
    assert (found.total, found.share) == (4, 0.5)
    assert Score().share < GOAL


def test_mutmut_has_its_codes() -> None:
    if find_spec("mutmut") is None:
        pytest.skip("mutmut is not installed; it needs fork")
    code = "from mutmut.stats import status_by_exit_code as s; print(*(s[each] for each in (0, 1, 33, 36, -24, 24)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "survived killed no tests timeout timeout timeout"

"""What runs the long suites: each can be run, and each verdict is that of what was run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from soak import mutation
from soak.__main__ import ROOT, SOAKS, Soak, main, run
from soak.mutation import GOAL, OTHER_MODULES, PACKAGE, Score, chosen_tests, estimate, exit_codes, least_share, score

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize(
    ("noticed", "alive", "left", "least"),
    [(90, 10, 0, 0.9), (0, 0, 1_000, 0.868), (900, 100, 1_000, 0.884), (1_000, 0, 1_000, 0.934)],
)
def test_a_sample_tells_what_holds_of_all(noticed: int, alive: int, left: int, least: float) -> None:
    """Of 300 that were drawn 270 were noticed: with 95 % confidence 86.8 % are, of those that they were drawn from."""
    whole = Score(Counter({"a": noticed}), [""] * alive)
    sample = Score(Counter({"a": 270}), [""] * 30)
    assert least_share(whole, sample, left) == pytest.approx(least, abs=0.001)


def test_a_sample_leaves_the_others_untried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meta = tmp_path / "mutants" / "src" / "a.meta"
    meta.parent.mkdir(parents=True)
    codes = {"p.a.tried": 1, **{f"p.a.x{number}": None for number in range(50)}}
    meta.write_text(json.dumps({"exit_code_by_key": codes, "hash": "kept"}))

    def noticed(folder: Path, *_: str) -> subprocess.CompletedProcess[str]:
        value = json.loads(meta.read_text())
        value["exit_code_by_key"] = {
            name: 1 if code is None else code for name, code in value["exit_code_by_key"].items()
        }
        meta.write_text(json.dumps(value))
        return subprocess.CompletedProcess([str(folder)], 0, "", "")

    monkeypatch.setattr(mutation, "mutmut", noticed)
    assert estimate(tmp_path, 20, processes=1, seed=1) == 0  # all 20: 88 % at least
    tried = [name for name, code in exit_codes(tmp_path).items() if code is not None]
    assert len(tried) == 21
    assert json.loads(meta.read_text())["hash"] == "kept"


def test_mutmut_has_its_codes() -> None:
    if find_spec("mutmut") is None:
        pytest.skip("mutmut is not installed; it needs fork")
    code = (
        "from mutmut.stats import status_by_exit_code as s; print(*(s[each] for each in (0, 1, 33, 36, -24, 24, 34)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "survived killed no tests timeout timeout timeout skipped"

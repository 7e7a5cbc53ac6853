"""Mutation testing of the decoder and the policy: is there a test that notices when a line of them is changed?

``python -m soak.mutation`` in the checkout, with ``tests`` on the path. mutmut changes the functions of
``label_schema`` one place at a time and runs the tests that reach that place. It works in a folder of its own.
"""

# ruff: noqa: T201 - its report is printed

from __future__ import annotations

import argparse
import ast
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("label_schema/airflow_ecs_dag_schema")
GOAL = 0.85
"""Least share of mutants that a test must notice."""
OTHER_MODULES = frozenset(
    {
        "deprecations.py",
        "json_schema.py",
        "model_labels.py",
        "stack_template.py",
        "task_definition.py",
        "undeployed.py",
        "value_patterns.py",
    }
)
"""Modules that neither read labels in Airflow nor judge by a policy; every other one, and each new one, is mutated."""
TEST_FOLDERS = ("schema", "policy")
_SIDES = frozenset({"airflow", "airflow_ecs_dag", "airflow_ecs_dag_cli", "airflow_ecs_dag_loader", "aws_cdk"})
"""A test that imports one of these takes seconds to start: what it shows must not be the only proof."""
_NOTICED = frozenset({1, 3, 24, -24, 36, 152, 255, -11, -9})
"""mutmut's exit codes of a mutant that made a test fail, hang or crash."""
_UNTESTED = frozenset({5, 33})
_ASIDE = 34
"""mutmut's exit code of a mutant that it is told to leave out."""


@dataclass
class Score:
    """What became of the mutants.

    Attributes:
        noticed: Mutants that made a test fail, by module.
        alive: Names of those that no test noticed.
        untested: Names of those that no test even runs.
    """

    noticed: Counter[str] = field(default_factory=Counter)
    alive: list[str] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All mutants that were tried."""
        return self.noticed.total() + len(self.alive) + len(self.untested)

    @property
    def share(self) -> float:
        """Share of the mutants that were noticed, 0 to 1."""
        return self.noticed.total() / self.total if self.total else 0.0


def chosen_tests() -> list[Path]:
    """Return the tests of schema and policy that need neither side, relative to the checkout."""
    files = [file for folder in TEST_FOLDERS for file in sorted((ROOT / "tests" / folder).glob("test_*.py"))]
    return [
        file.relative_to(ROOT)
        for file in files
        if not _SIDES & set(_imported(ast.parse(file.read_text(encoding="utf-8"))))
    ]


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def prepare(folder: Path) -> None:
    """Lay out in ``folder`` what mutmut needs: the package below ``src``, the tests, its settings."""
    shutil.copytree(ROOT / PACKAGE, folder / "src" / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "cdk.out"))
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("images"))
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    mutmut = {
        "source_paths": ["src/"],
        "also_copy": ["docs/"],
        "do_not_mutate": [f"*/{name}" for name in sorted(OTHER_MODULES)],
        "pytest_add_cli_args_test_selection": [str(file) for file in chosen_tests()],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:randomly"],
        "use_git_change_detection": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in mutmut.items()]
    (folder / "pyproject.toml").write_text("\n".join([settings, "[tool.mutmut]", *lines, ""]), encoding="utf-8")


def environment() -> dict[str, str]:
    """Return the environment of mutmut: the same examples for each mutant, few of them, and none kept on disk."""
    return {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "HYPOTHESIS_PROFILE": "mutation",
        "LABEL_FUZZ_CASES": "400",
        "LABEL_FUZZ_RUNS": "0",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def mutmut(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run mutmut in ``folder``."""
    return subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def exit_codes(folder: Path) -> dict[str, int | None]:
    """Return mutmut's exit code of each mutant, by its name; ``None`` for one that was not tried."""
    codes: dict[str, int | None] = {}
    for file in sorted((folder / "mutants" / "src").rglob("*.meta")):
        codes |= json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
    return codes


def score(codes: dict[str, int | None]) -> Score:
    """Return what became of the mutants that were tried."""
    found = Score()
    for name, code in codes.items():
        if code in _NOTICED:
            found.noticed[name.split(".")[1]] += 1
        elif code in _UNTESTED:
            found.untested.append(name)
        elif code is not None:
            found.alive.append(name)
    return found


def least_share(whole: Score, sample: Score, left: int) -> float:
    """Return what share of all mutants is noticed at least, with 95 % confidence.

    Args:
        whole: Those of which each one was tried.
        sample: Those that were drawn from the others.
        left: How many these others are, the sample included.
    """
    count, share, z = sample.total, sample.share, 1.645
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    spread = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (whole.noticed.total() + left * (centre - spread)) / (whole.total + left)


def estimate(folder: Path, count: int, *, processes: int, seed: int) -> int:
    """Try so many of the mutants that were not tried, drawn by chance; print what that says of all of them."""
    before = exit_codes(folder)
    left = sorted(name for name, code in before.items() if code is None)
    drawn = set(random.Random(seed).sample(left, min(count, len(left))))  # noqa: S311 - which to try, no secret
    _put_aside(folder, {name for name in left if name not in drawn}, _ASIDE)
    try:
        ran = mutmut(folder, "run", "--max-children", str(processes))
    finally:
        _put_aside(folder, {name for name in left if name not in drawn}, None)
    after = exit_codes(folder)
    whole, sample = score(before), score({name: after.get(name) for name in drawn})
    if sample.total < len(drawn) or not drawn:
        print(ran.stdout[-4_000:], ran.stderr[-4_000:], sep="\n")
        return 2
    share = least_share(whole, sample, len(left))
    print(f"tried whole: {whole.noticed.total()} of {whole.total} noticed; of the {len(left)} others, which more tests")
    print(f"reach, {sample.total} were drawn with seed {seed}: {sample.noticed.total()} noticed, {sample.share:.1%}")
    goal = f"goal {GOAL:.0%} {'met' if share >= GOAL else 'NOT met'}"
    print(f"mutation score: at least {share:.1%} of {len(before)} mutants, with 95 % confidence; {goal}")
    return 0 if share >= GOAL else 1


def _put_aside(folder: Path, names: set[str], code: int | None) -> None:
    """Let mutmut take these mutants for tried, or for untried again: names that it is given, it hands to pytest."""
    for file in sorted((folder / "mutants" / "src").rglob("*.meta")):
        meta = json.loads(file.read_text(encoding="utf-8"))
        codes = meta["exit_code_by_key"]
        codes |= dict.fromkeys(codes.keys() & names, code)
        file.write_text(json.dumps(meta), encoding="utf-8")


def report(folder: Path, found: Score, *, shown: int) -> None:
    """Print the score of each module, then the mutants that show a missing test."""
    missed = Counter(name.split(".")[1] for name in (*found.alive, *found.untested))
    for module in sorted(found.noticed.keys() | missed.keys()):
        good, all_of_them = found.noticed[module], found.noticed[module] + missed[module]
        print(f"  {module:16} {good:5} of {all_of_them:5} noticed, {good / all_of_them:6.1%}")
    for name in (*found.untested, *found.alive)[:shown]:
        print(f"\n{'no test runs' if name in found.untested else 'no test notices'} {name}")
        lines = mutmut(folder, "show", name).stdout.splitlines()
        print("\n".join(line for line in lines if line[:1] in "+-" and not line.startswith(("+++", "---"))))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants and print the score; return 0 if it is high enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shown", type=int, default=40, help="surviving mutants to print")
    parser.add_argument("--folder", type=Path, help="work here, and keep it; mutants tried before are not tried again")
    parser.add_argument("--sample", type=int, help="try so many of those that were not tried yet, drawn by chance")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="airflow-ecs-dag-mutants-") as scratch:
        folder = options.folder or Path(scratch)
        if not (folder / "pyproject.toml").exists():
            prepare(folder)
        if options.sample:
            return estimate(folder, options.sample, processes=options.processes, seed=options.seed)
        ran = mutmut(folder, "run", "--max-children", str(options.processes))
        codes = exit_codes(folder)
        found = score(codes)
        if not found.total or None in codes.values():
            print(ran.stdout[-4_000:], ran.stderr[-4_000:], sep="\n")
            return 2
        report(folder, found, shown=options.shown)
        goal = f"goal {GOAL:.0%} {'met' if found.share >= GOAL else 'NOT met'}"
        print(f"mutation score: {found.share:.1%} of {found.total} mutants; {goal}")
        return 0 if found.share >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())

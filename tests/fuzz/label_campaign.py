"""A fuzzing campaign: ``python -m fuzz.label_campaign`` in the checkout, with ``tests`` on the path.

One process a core, each with a seed and a corpus of its own. Afterwards the dearest label sets are measured again,
alone: what counts is their least CPU time of five runs, so that a busy machine fails nothing.
"""

# ruff: noqa: T201 - its report is printed

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzz.label_costs import MOST_BYTES, MOST_SECONDS, Cost

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
SEED = 20191204
WHOLE = 1_000_000
"""Label sets of ``make soak``; CI tries a tenth of them."""
BUILD_EACH = 10
"""Airflow is given every so-manieth DAG: building and serializing one takes ten times as long as reading its labels."""
_SHOWN_LABELS = 600
_END_OF_LOG = 3_000
_LONGEST_WAIT = 6 * 3_600


@dataclass(frozen=True)
class Outcome:
    """What a campaign found.

    Attributes:
        runs: Label sets tried.
        admitted: Of those, the ones that are a DAG.
        broken: Of the DAGs, those that break a rule of the policy they were held against.
        built: Of the DAGs, those that Airflow was given.
        places: Places in the code that were reached, of the process that reached most.
        costs: The dearest label sets, measured alone, the slowest first.
        failures: Where something else than a refusal came out, with the traceback and the labels.
    """

    runs: int
    admitted: int
    broken: int
    built: int
    places: int
    costs: tuple[tuple[Cost, dict[str, str]], ...]
    failures: dict[str, str]

    @property
    def breaches(self) -> tuple[tuple[Cost, dict[str, str]], ...]:
        """The label sets that cost too much."""
        return tuple((cost, labels) for cost, labels in self.costs if cost.too_much)

    @property
    def goals_are_met(self) -> bool:
        """Whether nothing but refusals came out, and nothing that costs too much."""
        return not self.failures and not self.breaches

    def lines(self) -> list[str]:
        """Return the figures as lines, then what failed, with its labels."""
        slowest = max((cost.seconds for cost, _ in self.costs), default=0.0)
        largest = max((cost.memory for cost, _ in self.costs), default=0)
        found = [
            f"{self.runs} label sets: {self.runs - self.admitted} refused, {self.admitted} are DAGs",
            f"{self.broken} of the DAGs break the policy that they were held against",
            f"{self.built} of the DAGs built and serialized by Airflow; {self.places} places of the code reached",
            f"slowest: {slowest * 1000:.1f} ms of CPU, {MOST_SECONDS * 1000:.0f} allowed",
            f"largest: {largest / 2**20:.1f} MiB, {MOST_BYTES / 2**20:.0f} allowed",
            f"{len(self.breaches)} label sets over a limit",
            f"{len(self.failures)} places where something else than a refusal came out",
        ]
        found += [
            f"over a limit: {cost.seconds * 1000:.1f} ms, {cost.memory / 2**20:.1f} MiB, {describe(labels)}"
            for cost, labels in self.breaches
        ]
        return found + [f"{place}\n{text}" for place, text in self.failures.items()]


def describe(labels: dict[str, str]) -> str:
    """Return ``labels`` as a short text: how many, how large, and the beginning of them."""
    size = sum(len(key) + len(text) for key, text in labels.items())
    text = json.dumps(labels)
    shown = text if len(text) <= _SHOWN_LABELS else f"{text[:_SHOWN_LABELS]}..."
    return f"{len(labels)} labels of {size} characters: {shown}"


def campaign(folder: Path, *, runs: int, seed: int = SEED, processes: int = 2, build_each: int = BUILD_EACH) -> Outcome:
    """Try ``runs`` label sets; ``folder``, which is empty, holds each process's corpus, log and result afterwards."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    shares = [folder / f"process-{number}" for number in range(processes)]
    running: list[subprocess.Popen[bytes]] = []
    for number, share in enumerate(shares):
        share.mkdir()
        part = runs // processes + (number < runs % processes)
        plan = {"seed": seed + number, "runs": part, "build_each": build_each}
        (share / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        with (share / "log").open("wb") as log:
            running.append(
                subprocess.Popen(
                    measured_alone(sys.executable, "-m", "fuzz.label_fuzzer", str(share)), start_new_session=True,
                    cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )  # fmt: skip
    try:
        for process in running:
            process.wait(timeout=_LONGEST_WAIT)
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return _outcome(folder, shares)


def measured_alone(*command: str) -> list[str]:
    """Return ``command`` so that its peak of memory is its own.

    Linux hands the peak of a process (``ru_maxrss``) to the program that it starts. A shell in between forks, and a
    forked process begins at nought.
    """
    return ["/bin/sh", "-c", '"$@"; exit $?', "sh", *command]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a fuzzing process: an Airflow home of its own, and the same order in each set."""
    paths = [str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
    }


def _outcome(folder: Path, shares: list[Path]) -> Outcome:
    results: list[dict[str, Any]] = []
    failures: dict[str, str] = {}
    for share in shares:
        file = share / "result.json"
        if file.exists():
            results.append(json.loads(file.read_text(encoding="ascii")))
        else:
            failures[f"{share.name} ended before its time"] = _last_words(share)
    dearest = [kept[2] for result in results for kept in (*result["slow"], *result["large"])]
    for result in results:
        for place, (trace, labels) in result["failures"].items():
            failures.setdefault(place, f"{trace}{json.dumps(labels)}")
    costs = sorted(_costs(folder, dearest), key=lambda each: -each[0].seconds)
    for cost, labels in costs:
        if cost.failure:
            failures.setdefault(cost.failure.splitlines()[-1], f"{cost.failure}{json.dumps(labels)}")
    return Outcome(
        runs=sum(result["runs"] for result in results),
        admitted=sum(result["admitted"] for result in results),
        broken=sum(result["broken"] for result in results),
        built=sum(result["built"] for result in results),
        places=max((_places(share) for share in shares), default=0),
        costs=tuple(costs),
        failures=failures,
    )


def _last_words(share: Path) -> str:
    """Return the end of a process's log, and the label set that libFuzzer kept when it ended the process."""
    kept = [
        f"{file.name}: {file.read_text(encoding='ascii', errors='replace')}"
        for pattern in ("crash-*", "timeout-*", "oom-*", "leak-*")
        for file in sorted(share.glob(pattern))
    ]
    return "\n".join([(share / "log").read_text(encoding="utf-8", errors="replace")[-_END_OF_LOG:], *kept])


def _places(share: Path) -> int:
    words = (share / "log").read_text(encoding="utf-8", errors="replace").split()
    return int(next((words[at + 1] for at in range(len(words) - 2, -1, -1) if words[at] == "cov:"), 0))


def _costs(folder: Path, sets: list[dict[str, str]]) -> list[tuple[Cost, dict[str, str]]]:
    """Measure each label set in a fresh process."""
    if not sets:
        return []
    file = folder / "dearest.json"
    file.write_text(json.dumps(sets), encoding="ascii")
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.label_costs", str(file)],
        cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return [(Cost(**cost), labels) for cost, labels in zip(json.loads(done.stdout), sets, strict=True)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign and print what it found; return 0 if the goals are met."""
    parser = argparse.ArgumentParser(description="Fuzz the labels' decoder and the policy, guided by coverage.")
    parser.add_argument("--runs", type=int, default=WHOLE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--build-each", type=int, default=BUILD_EACH, help="0: give Airflow no DAG")
    parser.add_argument("--folder", type=Path, help="an empty folder to keep each process's corpus and log in")
    options = parser.parse_args(arguments)
    print(
        f"fuzzing: seed {options.seed}, {options.processes} processes, atheris {version('atheris')}, "
        f"pydantic {version('pydantic')}, croniter {version('croniter')}, jinja2 {version('jinja2')}, "
        f"Python {platform.python_version()}"
    )
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="airflow-ecs-dag-fuzz-") as scratch:
        outcome = campaign(
            options.folder or Path(scratch), runs=options.runs, seed=options.seed,
            processes=options.processes, build_each=options.build_each,
        )  # fmt: skip
    print("\n".join(outcome.lines()))
    print(f"fuzzing: {time.monotonic() - began:.0f} s, goals {'met' if outcome.goals_are_met else 'NOT met'}")
    return 0 if outcome.goals_are_met else 1


if __name__ == "__main__":
    sys.exit(main())

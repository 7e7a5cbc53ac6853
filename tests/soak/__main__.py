"""The long suites, whole: ``python -m soak`` in the checkout, with ``tests`` on the path. ``make soak`` calls it.

Each soak is a command that prints its figures and exits with 0 if its goals are met. Another one joins by a line here.
"""

# ruff: noqa: T201 - its report is printed

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = 20191204


@dataclass(frozen=True)
class Soak:
    """One long suite.

    Attributes:
        name: What to call it on the command line.
        shows: What it shows, in a few words.
        command: The modules and arguments of Python that run it; ``{seed}`` is filled in.
        settings: Environment variables that it needs.
    """

    name: str
    shows: str
    command: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)


SOAKS = (
    Soak("fuzz", "1,000,000 label sets, guided by coverage", ("-m", "fuzz.label_campaign", "--seed", "{seed}")),
    Soak(
        "round-trip",
        "10,000 DAGs written as labels and read back",
        ("-m", "pytest", "-q", "-p", "no:randomly", "--timeout=7200", "--hypothesis-seed={seed}",
         "tests/schema/test_round_trip.py"),
        {"HYPOTHESIS_PROFILE": "soak"},
    ),
    Soak("kills", "SIGKILL at 1,000 points of a refresh, 500 of sync and load_dags",
         ("-m", "soak.kills", "--seed", "{seed}")),
    Soak("mutation", "a test notices each change of decoder and policy", ("-m", "soak.mutation")),
)  # fmt: skip


def run(soak: Soak, seed: int) -> bool:
    """Run ``soak`` and return whether its goals are met."""
    print(f"\n=== {soak.name}: {soak.shows}", flush=True)
    paths = [str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *(word.format(seed=seed) for word in soak.command)],
        cwd=ROOT,
        env=os.environ | soak.settings | {"PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    print(f"=== {soak.name}: exit code {done.returncode} after {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode == 0


def main() -> int:
    """Run the soaks that are named, or all; return 0 if each one's goals are met."""
    parser = argparse.ArgumentParser(prog="python -m soak", description="Run the long suites whole.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(soak.name for soak in SOAKS)}; without one, all")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    known = {soak.name: soak for soak in SOAKS}
    if unknown := set(options.names) - known.keys():
        parser.error(f"no such soak: {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
    chosen = [known[name] for name in options.names or known]
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.platform()}"
    print(f"soak: seed {options.seed}, {machine}")
    met = {soak.name: run(soak, options.seed) for soak in chosen}
    print()
    for name, is_met in met.items():
        print(f"{name:12} {'goals met' if is_met else 'goals NOT met'}")
    return 0 if all(met.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Kill -9 at random points of a refresh, a sync and a load: ``python -m soak.kills``, with ``tests`` on the path.

Deploys and destroys go on between; a real process does the work against a strict ECS on loopback, and SIGKILL ends it
right before a random operation on files or at a random moment. What Airflow would read then is whole, what was
published and is still deployed is there, and the next run, of a process that knows of nothing, makes it right.
"""

# ruff: noqa: T201 - its report is printed

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow_ecs_dag_cli.local_aws import isolated_environment
from soak.deployments import ACCOUNT, REGIONS, Deployments, Expected, dag_file
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
SEED = 20191204
WHOLE = {"refresh": 1_000, "packed": 500, "sync": 250, "load": 250}
"""Kills of ``make soak``; a test does some of each."""
_KILLS_OF_ONE_FLEET = 40
"""After so many, all begins anew with empty folders: the first run is killed, too."""
_FIRST_GUESS = (60, 0.3)
"""Operations and seconds of a run, before one was seen."""
_MOST_FAILURES = 10
_HOURS = 2 * 3_600
_PART = re.compile(r"published/\d\d\.json\Z")
"""A part of what is published; which dag ids it holds is not the subject here."""
_SOURCE = "teams"
_SOURCES = [{"name": _SOURCE, "regions": list(REGIONS)}]


@dataclass
class Outcome:
    """What became of the kills.

    Attributes:
        kills: How many there were, by what was killed.
        operations: The operations on files that a run has done at most, by what was killed.
        failures: What was wrong after one.
    """

    kills: dict[str, int] = field(default_factory=dict)
    operations: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the figures as lines, then what failed."""
        figures = [
            f"{name}: killed {kills} times; a run has up to {self.operations.get(name, 0)} operations on files"
            for name, kills in self.kills.items()
        ]
        return [*figures, f"{len(self.failures)} failures", *self.failures]


class Worker:
    """The process whose children do the work, and are killed.

    Args:
        folder: An empty one, for its log and Airflow's home.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        home = self._folder / "airflow"
        home.mkdir(parents=True)
        paths = [str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = isolated_environment(os.environ) | {
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "not-aws",
        }
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "soak.killed_work"],
            cwd=self._folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            text=True, bufsize=1,
        )  # fmt: skip
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._log.close()

    def do(self, work: str, **wanted: Any) -> dict[str, Any]:
        """Have a piece of work done by a process of its own; return what became of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"work": work, **wanted}) + "\n")
        found: dict[str, Any] = json.loads(self._answer())
        return found

    def _answer(self) -> str:
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            log = (self._folder / "log").read_text(errors="replace")
            raise RuntimeError(f"the process that does the work has ended: {log[-3_000:]}")
        return line


class Subject(ABC):
    """What is killed, in a folder of its own, with a fleet of its own.

    Args:
        worker: Who does the work.
        folder: Its folder, which is new.
        random: Draws what is deployed.
    """

    name: ClassVar[str]

    def __init__(self, worker: Worker, folder: Path, random: Random) -> None:
        self.folder = folder
        self.deployments = Deployments(random, StrictAws(clock=time.time, rates={}))
        self.since: list[Expected] = []
        """What Airflow should have had, from when all was right on; empty before the first time."""
        self.possible: list[Expected] = []
        """The same, but before the first time all that was ever deployed: a killed run may have got that far."""
        self._worker = worker
        folder.mkdir(parents=True)

    @contextmanager
    def deployed(self) -> Iterator[Self]:
        """Let the registry answer meanwhile."""
        with on_loopback(self.deployments.aws) as url:
            self._environment = self.environment(url)
            yield self

    @abstractmethod
    def environment(self, url: str) -> dict[str, str]:
        """Return the environment of the work."""

    @abstractmethod
    def run(self, **kill: Any) -> dict[str, Any]:
        """Do the work, or be killed in it; return what became of it."""

    @abstractmethod
    def check_killed(self, seen: Sequence[Expected]) -> list[str]:
        """Return what is wrong after a kill; ``seen`` is empty if all has never been right before."""

    @abstractmethod
    def check_done(self, expected: Expected) -> list[str]:
        """Return what is wrong after a run that nobody killed."""

    def deploy(self) -> None:
        """Change what is deployed; Airflow may see it from now on."""
        if self.deployments.random.random() < 0.05:
            self.deployments.destroy_region()
        self.deployments.change(is_seen=bool(self.since))
        self.possible.append(self.deployments.expected())
        if self.since:
            self.since.append(self.possible[-1])

    def do(self, work: str, **wanted: Any) -> dict[str, Any]:
        """Have a piece of work done here."""
        return self._worker.do(work, environment=self._environment, **wanted)

    def result(self, work: str, **wanted: Any) -> Any:
        """Have a piece of work done that can't fail; return its result."""
        found = self.do(work, folders=[], **wanted)
        if "error" in found:
            raise RuntimeError(f"{work} failed: {found['error']}")
        return found["result"]


class Refreshes(Subject):
    """The bundle's refreshes, as the DAG processor makes them."""

    name = "refresh"
    archives = 0

    def environment(self, url: str) -> dict[str, str]:
        """See :class:`Subject`."""
        kwargs = {"sources": _SOURCES, "archives": self.archives}
        bundle = {"name": "ecs", "classpath": "airflow_ecs_dag_loader.EcsDagBundle", "kwargs": kwargs}
        return {
            "AWS_ENDPOINT_URL": url,
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.folder),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        }

    def run(self, **kill: Any) -> dict[str, Any]:
        """See :class:`Subject`."""
        return self.do("refresh", folders=[str(self.folder / "ecs")], **kill)

    def check_killed(self, seen: Sequence[Expected]) -> list[str]:
        """See :class:`Subject`."""
        found = self.result("parse")
        wrong = [f"broken: {path}" for path in found["broken"]]
        if seen and not found["version"]:
            wrong.append("there is no version any more")
        if seen and (steady := sorted(_steady(seen))):
            dag_id = self.deployments.random.choice(steady)
            had = self.result("worker", dag_id=dag_id, file=dag_file(seen[-1].dags[dag_id][0], dag_id, self.archives))
            if list(had["dags"]) != [dag_id] or had["errors"]:
                wrong.append(f"a worker has no {dag_id}: {had}")
        errors = set(found["errors"]) - set().union(*(each.errors for each in self.possible))
        return wrong + [f"import error: {path}" for path in sorted(errors)] + lost(found["dags"], seen, self.possible)

    def check_done(self, expected: Expected) -> list[str]:
        """See :class:`Subject`."""
        found = self.result("parse")
        states = {f"state/{_SOURCE}/{region}.json" for region in REGIONS}
        states |= {"state/published.json", "published/summary.json"}
        wanted = states | expected.files(self.archives)
        wrong = lost(found["dags"], [expected], [expected])
        if set(found["errors"]) != expected.errors:
            wrong.append(f"import errors: {sorted(found['errors'])}, expected {sorted(expected.errors)}")
        return wrong + _others(self.folder / "ecs", wanted)


class PackedRefreshes(Refreshes):
    """The same with archives."""

    name = "packed"
    archives = 3


class Syncs(Subject):
    """``airflow-ecs-dag sync`` to a folder."""

    name = "sync"

    @property
    def snapshot(self) -> Path:
        """Where it writes to."""
        return self.folder / "snapshot"

    def environment(self, url: str) -> dict[str, str]:
        """See :class:`Subject`."""
        (self.folder / "sources.yaml").write_text(json.dumps({"sources": _SOURCES}), encoding="utf-8")
        return {"AWS_ENDPOINT_URL": url}

    def run(self, **kill: Any) -> dict[str, Any]:
        """See :class:`Subject`."""
        folders = [str(self.snapshot), str(self.folder / "state")]
        return self.do("sync", folders=folders, **self._where, **kill)

    @property
    def _where(self) -> dict[str, str]:
        return {
            "to": str(self.snapshot),
            "sources": str(self.folder / "sources.yaml"),
            "state": str(self.folder / "state"),
            "copy": str(self.folder / "copy"),
        }

    def check_killed(self, seen: Sequence[Expected]) -> list[str]:
        """See :class:`Subject`."""
        wrong = self._read(seen, self.possible)
        _make_old(self.snapshot)
        return wrong

    def check_done(self, expected: Expected) -> list[str]:
        """See :class:`Subject`."""
        return self._read([expected], [expected]) + _left_over(self.snapshot) + _left_over(self.folder / "state")

    def _read(self, seen: Sequence[Expected], possible: Sequence[Expected]) -> list[str]:
        with tempfile.TemporaryDirectory(dir=self.folder) as copy:
            found = self.result("read", **(self._where | {"copy": copy}))
        if seen and not found["is_there"]:
            return ["there is no index any more"]
        return lost(found["dags"], seen, possible)


class Loads(Syncs):
    """``load_dags`` with the copy that a machine keeps of the snapshot."""

    name = "load"

    def deploy(self) -> None:
        """See :class:`Subject`; here it is what was synced that counts."""
        super().deploy()
        (self.folder / "copy").mkdir(exist_ok=True)
        if "error" in (done := super().run()):
            raise RuntimeError(f"sync failed: {done['error']}")

    def run(self, **kill: Any) -> dict[str, Any]:
        """See :class:`Subject`."""
        return self.do("load", folders=[str(self.folder / "copy")], **self._where, **kill)

    def check_killed(self, seen: Sequence[Expected]) -> list[str]:
        """See :class:`Subject`: the snapshot is away, and what was had before is there."""
        away = self.snapshot.rename(self.folder / "away")
        found = self.do("load", folders=[], **self._where)
        away.rename(self.snapshot)
        _make_old(self.folder / "copy")
        if "error" in found:
            return [f"nothing can be loaded: {found['error']}"] if seen else []
        return lost(found["result"]["dags"], seen, self.possible)

    def check_done(self, expected: Expected) -> list[str]:
        """See :class:`Subject`."""
        found = self.result("load", **self._where)
        return lost(found["dags"], [expected], [expected]) + _left_over(self.folder / "copy")


SUBJECTS: tuple[type[Subject], ...] = (Refreshes, PackedRefreshes, Syncs, Loads)


def lost(found: Mapping[str, Sequence[Any]], seen: Sequence[Expected], possible: Sequence[Expected]) -> list[str]:
    """Return what is wrong with the DAGs that were found: what had to stay is away, or what can't be is there.

    Args:
        found: By dag id: the region and the revision.
        seen: What Airflow should have had, from when all was right on.
        possible: All that it may have.
    """
    wrong = [f"lost: {dag_id}" for dag_id in sorted(_steady(seen) - found.keys())]
    for dag_id, (region, revision) in sorted(found.items()):
        known = sorted({each.dags[dag_id] for each in possible if dag_id in each.dags})
        if (region, revision) not in known:
            wrong.append(f"{dag_id} is revision {revision} in {region}, expected one of {known}")
    return wrong


def _steady(seen: Sequence[Expected]) -> set[str]:
    """Return the DAGs that were deployed all the time."""
    return set.intersection(*(set(each.dags) for each in seen)) if seen else set()


def _others(folder: Path, wanted: set[str]) -> list[str]:
    """Return what files there are too many and too few."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    found = {path for path in found if not _PART.match(path)}
    empty = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())}
    return [f"left over: {path}" for path in sorted(found - wanted | empty)] + [
        f"no file: {path}" for path in sorted(wanted - found)
    ]


def _left_over(folder: Path) -> list[str]:
    return [f"left over: {path}" for path in sorted(folder.rglob("*.tmp"))]


def _make_old(folder: Path) -> None:
    """Let hours go by for what a kill left: another process may be about to name a young file."""
    for path in folder.rglob("*.tmp"):
        os.utime(path, times=(time.time() - _HOURS,) * 2)


def campaign(worker: Worker, folder: Path, *, kills: Mapping[str, int], seed: int = SEED) -> Outcome:
    """Kill each subject so many times; ``folder`` holds what became of it afterwards."""
    outcome = Outcome()
    for kind in SUBJECTS:
        random = Random(f"{seed}/{kind.name}")  # noqa: S311 - repeatable on purpose
        _kill(kind, worker, folder / kind.name, random=random, kills=kills[kind.name], outcome=outcome)
    return outcome


def _kill(kind: type[Subject], worker: Worker, folder: Path, *, random: Random, kills: int, outcome: Outcome) -> None:
    operations, seconds = _FIRST_GUESS
    done = 0
    while done < kills and len(outcome.failures) < _MOST_FAILURES:
        fleet = kind(worker, folder / f"after-{done}", random)
        end = min(kills, done + _KILLS_OF_ONE_FLEET)
        with fleet.deployed():
            while done < end and len(outcome.failures) < _MOST_FAILURES:
                fleet.deploy()
                at = random.random() < 0.5
                kill = {"at": random.randint(1, operations)} if at else {"after": random.uniform(0.0, seconds)}
                found = fleet.run(**kill)
                wrong = [f"it failed: {found['error']}"] if "error" in found else []
                if found["killed"]:
                    done += 1
                    wrong += fleet.check_killed(fleet.since)
                if not found["killed"] or random.random() < 0.5:
                    found = fleet.run()
                    wrong += [f"the next one failed: {found['error']}"] if "error" in found else []
                    expected = fleet.deployments.expected()
                    wrong += fleet.check_done(expected)
                    fleet.since, fleet.possible = [expected], [expected]
                    operations, seconds = max(10, found["operations"]), found["seconds"]
                    outcome.operations[kind.name] = max(outcome.operations.get(kind.name, 0), operations)
                outcome.failures += [f"{fleet.folder}, kill {done}, {kill}: {each}" for each in wrong]
                outcome.kills[kind.name] = done
        print(f"{kind.name}: {done} of {kills} kills, {len(outcome.failures)} failures so far", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign and print what it found; return 0 if nothing was ever wrong."""
    parser = argparse.ArgumentParser(description="Kill refresh, sync and load_dags at random points.")
    for name, often in WHOLE.items():
        parser.add_argument(f"--{name}", type=int, default=often, help="how often it is killed")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--folder", type=Path, help="an empty folder to keep all in")
    options = parser.parse_args(arguments)
    print(f"kills: seed {options.seed}, apache-airflow {version('apache-airflow')}, Python {platform.python_version()}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="airflow-ecs-dag-kills-") as scratch:
        folder = options.folder or Path(scratch)
        with Worker(folder / "worker") as worker:
            kills = {name: getattr(options, name) for name in WHOLE}
            outcome = campaign(worker, folder, kills=kills, seed=options.seed)
    print("\n".join(outcome.lines()))
    print(f"kills: {time.monotonic() - began:.0f} s, goals {'NOT met' if outcome.failures else 'met'}")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""What DAGs cost Airflow's DAG processor and its workers, ours against the same DAGs in other loaders' files.

    python benchmarks/dag_processing.py [--dags 1000] [--seed 1] [--rounds 7] [--deploys 12] [--limit 600]

Each DAG has five ECS tasks in a row. Everything runs as installed from a wheel, with the Airflow and the providers of
the lock file, every DAG processor with Airflow's defaults and a SQLite database of its own. Peers are in an environment
beside it. `--seed` draws the moments of the deploys. A pass ends when the database has all DAGs, or after `--limit`
seconds.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "tests"))
HOME = tempfile.TemporaryDirectory(prefix="dag-processing-")
os.environ |= {"AIRFLOW_HOME": HOME.name, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}

import fleet_registry  # noqa: E402 - below Airflow's home
from figure_table import HEAD, Row, versions  # noqa: E402
from fleet_files import ACCOUNT, REGION, STEPS, WRITERS, dag_ids  # noqa: E402
from peer_environment import (  # noqa: E402
    BLUEPRINT,
    DAG_FACTORY,
    GUSTY,
    built_wheel,
    install,
    peer_packages,
)
from processor_run import Airflow, Pass, one_pass  # noqa: E402

from airflow_ecs_dag_loader.file_names import dag_path  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ARCHIVES = 8
OURS = "airflow-ecs-dag"
PACKED, COLD = f"{OURS}, {ARCHIVES} archives", f"{OURS}, never scanned"
ONE_FILE, PLAIN, BARE = "one file over JSON", "plain files", "bare DAGs, a file each"
PEERS = ("dag-factory", "airflow-blueprint", "gusty")
IMPORTS = {
    OURS: ["airflow_ecs_dag_loader.bundle", "airflow_ecs_dag_loader.dag_file"],
    ONE_FILE: ["airflow.providers.amazon.aws.operators.ecs"],
    PLAIN: ["airflow.providers.amazon.aws.operators.ecs"],
    "dag-factory": ["airflow.providers.amazon.aws.operators.ecs", "dagfactory"],
    "airflow-blueprint": ["airflow.providers.amazon.aws.operators.ecs", "blueprint"],
    "gusty": ["airflow.providers.amazon.aws.operators.ecs", "gusty"],
    BARE: ["airflow.sdk"],
}
"""What is imported before a pass is measured, as a process has it that is not the first to parse."""
MOST_CPU = 1.6
"""Milliseconds of CPU that a DAG may take in a DagBag."""
REFRESH = 10
"""Seconds between two refreshes while deploys are watched."""
VISIBLE_WITHIN = REFRESH / 2 + 3.0


@dataclass
class Bench:
    """The folders and environments of one run.

    Attributes:
        folder: For everything; removed at the end.
        count: DAGs.
        limit: Seconds that a pass of a DAG processor may take.
        python: That of the environment in which we are installed.
        peers: That of the environment of the peers.
    """

    folder: Path
    count: int
    limit: float
    python: Path
    peers: Path
    _written: dict[tuple[str, int], Path] = field(default_factory=dict)

    def python_of(self, loader: str) -> Path:
        return self.peers if loader in PEERS else self.python

    def files(self, loader: str, count: int | None = None) -> Path:
        """Return the folder with a loader's files, written when they are asked for first."""
        key = loader, count or self.count
        if key not in self._written:
            self._written[key] = self.folder / f"{loader}-{key[1]}".replace(" ", "-")
            self._written[key].mkdir()
            WRITERS[loader](self._written[key], dag_ids(key[1]))
        return self._written[key]

    def published(self, count: int, archives: int = 0) -> tuple[Path, Path, float]:
        """Let our bundle publish ``count`` DAGs: its storage, the folder that Airflow parses, and the CPU seconds."""
        storage = self.folder / f"storage-{count}-{archives}"
        storage.mkdir()
        os.environ |= {**_of_storage(storage), "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "not-aws"}
        return storage, *fleet_registry.publish(dag_ids(count), archives)

    def airflow(self, loader: str, name: str, **settings: str) -> Airflow:
        """Return an Airflow of its own for a loader, with an empty database."""
        made = Airflow(self.python_of(loader), self.folder / f"airflow-{name}".replace(" ", "-"), settings)
        made.make_database(self.folder / f"{'peers' if loader in PEERS else 'ours'}.db")
        return made


def _of_storage(storage: Path, **bundle: int) -> dict[str, str]:
    return {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(storage),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": fleet_registry.bundle_config(**bundle),
    }


def _of_files(folder: Path) -> dict[str, str]:
    return {"AIRFLOW__CORE__DAGS_FOLDER": str(folder)}


def processors(bench: Bench) -> Iterator[Row]:
    """Yield what the real DAG processor takes until its database has all DAGs, and how much memory."""
    passes: dict[str, Pass] = {}
    packed, *_ = bench.published(bench.count, ARCHIVES)
    storage, _, seconds = bench.published(bench.count)
    with fleet_registry.registry(dag_ids(bench.count)) as ecs:
        for name, where, archives in ((PACKED, packed, ARCHIVES), (OURS, storage, 0), (COLD, bench.folder / "cold", 0)):
            airflow = bench.airflow(OURS, name, **_of_storage(where, archives=archives), **ecs.environment)
            passes[name] = _pass(name, airflow, bench)
    for loader in (ONE_FILE, PLAIN, *PEERS, BARE):
        airflow = bench.airflow(loader, loader, **_of_files(bench.files(loader)))
        passes[loader] = _pass(loader, airflow, bench)
    for mine in (PACKED, OURS):
        ours = passes[mine]
        _check_all(mine, ours.dags, bench.count)
        for loader, peer in passes.items():
            if loader == mine:
                continue
            most = {ONE_FILE: 1.1, PACKED: None, OURS: None, COLD: None, BARE: None}.get(loader, 1.0)
            name = f"DAG processor, {bench.count:,} DAGs: {{}}, {mine} against {loader}"
            wall = peer.wall
            if peer.dags < bench.count:
                name += f" ({peer.dags:,} loaded after {bench.limit:g} s)"
                wall = bench.limit
            yield Row(name.format("seconds"), ours.wall, wall, "s", most)
            yield Row(name.format("CPU seconds"), ours.cpu, peer.cpu, "s", None)
            yield Row(name.format("peak memory"), ours.peak, peer.peak, "MiB", 1.0 if loader == PLAIN else None)
    yield Row("CPU of the first scan and its proofs, a DAG, against its pass", seconds, passes[OURS].cpu, "s", None)


def _pass(name: str, airflow: Airflow, bench: Bench) -> Pass:
    found = one_pass(airflow, bench.count, bench.limit)
    _say(f"{name}: {found.dags} DAGs after {found.wall:.1f} s, {found.cpu:.1f} s CPU, {found.peak:.0f} MiB")
    return found


def bags(bench: Bench, rounds: int) -> Iterator[Row]:
    """Yield the CPU of a DAG in a DagBag."""
    folders = {loader: bench.files(loader) for loader in (ONE_FILE, PLAIN, *PEERS, BARE)}
    folders[OURS] = bench.folder / f"storage-{bench.count}-0" / fleet_registry.BUNDLE / "dags"
    folders[PACKED] = bench.folder / f"storage-{bench.count}-{ARCHIVES}" / fleet_registry.BUNDLE / "dags"
    seconds: dict[str, list[float]] = {loader: [] for loader in folders}
    for _ in range(rounds):
        for loader, folder in folders.items():
            imports = IMPORTS[OURS if loader == PACKED else loader]
            command = [str(bench.python_of(loader)), _script("bag_parse.py"), str(folder), *imports]
            found = _answer(command, Airflow(bench.python, bench.folder / "bag", _of_files(folder)))
            _check_all(loader, found["dags"], bench.count)
            if (found["tasks"], found["arrows"]) != ([len(STEPS)], [len(STEPS) - 1]):
                raise SystemExit(f"{loader} made other DAGs: {found}")
            seconds[loader].append(found["seconds"])
    a_dag = {loader: statistics.median(values) / bench.count * 1_000 for loader, values in seconds.items()}
    _say(", ".join(f"{loader} {value:.2f} ms" for loader, value in a_dag.items()))
    floor = a_dag[BARE]
    yield Row("DagBag: CPU a DAG", a_dag[OURS], MOST_CPU, "ms", 1)
    yield Row(f"DagBag: CPU a DAG, {ARCHIVES} archives", a_dag[PACKED], MOST_CPU, "ms", 1)
    yield Row("DagBag: CPU a DAG beyond Airflow's floor, against it", a_dag[OURS] - floor, floor, "ms", None)
    for loader in (ONE_FILE, PLAIN, *PEERS):
        most = None if loader == ONE_FILE else 1.0
        yield Row(f"DagBag: CPU a DAG, against {loader}", a_dag[OURS], a_dag[loader], "ms", most)


def workers(bench: Bench, counts: Iterable[int], rounds: int) -> Iterator[Row]:
    """Yield what a worker takes before one task: the bundle, and the one file."""
    first: float | None = None
    for count in counts:
        storage = bench.folder / f"storage-{count}-0"
        if not storage.exists():
            bench.published(count)
        for state in storage.glob(f"{fleet_registry.BUNDLE}/state/**/*.json"):
            os.utime(state)  # as the DAG processor leaves it at each refresh
        dag_id = dag_ids(count)[count // 2]
        ours = Airflow(bench.python, bench.folder / "worker", _of_storage(storage))
        by_hand = Airflow(bench.python, bench.folder / "worker", _of_files(bench.files(PLAIN, count)))
        file = str(dag_path(f"{ACCOUNT}/{REGION}/{dag_id}"))
        took: dict[str, list[dict[str, float]]] = {"ours": [], "by hand": []}
        for _ in range(rounds):
            took["ours"].append(_worker(ours, fleet_registry.BUNDLE, dag_id, file))
            took["by hand"].append(_worker(by_hand, "dags-folder", dag_id, f"{dag_id}.py"))
        median = {
            (who, what): statistics.median(each[what] for each in values)
            for who, values in took.items()
            for what in ("wall", "cpu", "process")
        }
        _say(f"worker, {count} DAGs: " + ", ".join(f"{' '.join(key)} {value:.3f} s" for key, value in median.items()))
        name = f"worker before a task, {count:,} DAGs"
        first = first or median["ours", "wall"]
        for what, figure in (
            ("wall", "seconds of bundle and file"),
            ("cpu", "CPU seconds of bundle and file"),
            ("process", "seconds of a fresh process"),
        ):
            ours_took, by_hand_took = median["ours", what], median["by hand", what]
            yield Row(f"{name}: {figure}, against a file by hand", ours_took, by_hand_took, "s", 1)
        if median["ours", "wall"] != first:
            yield Row(f"{name}: seconds, against the fewest DAGs", median["ours", "wall"], first, "s", 1.25)


def _worker(airflow: Airflow, bundle: str, dag_id: str, file: str) -> dict[str, float]:
    airflow.home.mkdir(exist_ok=True)
    began = time.perf_counter()
    command = [str(airflow.python), _script("worker_parse.py"), bundle, dag_id, STEPS[3], file]
    found = _answer(command, airflow)
    return {**found, "process": time.perf_counter() - began}


def deploys(bench: Bench, count: int, seed: int) -> Iterator[Row]:
    """Yield how long a registered task definition takes to be a DAG in the database."""
    moments = random.Random(seed)  # noqa: S311 - when to deploy, no secret
    there = dag_ids(min(bench.count, 100))
    seconds = []
    with fleet_registry.registry(there) as ecs:
        settings = _of_storage(bench.folder / "deploys", refresh_interval=REFRESH)
        airflow = bench.airflow(OURS, "deploys", **settings, **ecs.environment)
        with airflow.processor():
            _until(airflow, set(there), bench.limit)
            for number in range(count):
                time.sleep(moments.uniform(0, 2 * REFRESH))
                dag_id = f"deployed-{number:03}"
                fleet_registry.deploy(ecs.aws, dag_id)
                seconds.append(_until(airflow, {dag_id}, bench.limit))
    _say(f"deployed to visible: {', '.join(f'{each:.1f}' for each in sorted(seconds))} s")
    name = f"registered to visible, {count} deploys beside {len(there)} DAGs, refresh_interval {REFRESH} s"
    yield Row(f"{name}: median, against half of it and 3 s", statistics.median(seconds), VISIBLE_WITHIN, "s", 1)
    yield Row(f"{name}: longest, against it and 3 s", max(seconds), REFRESH + 3.0, "s", None)


def _until(airflow: Airflow, wanted: set[str], limit: float) -> float:
    began = time.monotonic()
    while not wanted <= airflow.serialized():
        if time.monotonic() - began > limit:
            raise SystemExit(f"not in the database after {limit:g} s: {sorted(wanted - airflow.serialized())[:3]}")
        time.sleep(0.05)
    return time.monotonic() - began


def _script(name: str) -> str:
    return str(Path(__file__).with_name(name))


def _answer(command: list[str], airflow: Airflow) -> dict[str, Any]:
    """Return the JSON object that a script prints last."""
    ran = subprocess.run(command, env=airflow.environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{ran.stderr[-3_000:]}")
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answer


def _check_all(loader: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise SystemExit(f"{loader} loaded {found} of {wanted} DAGs")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dags", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7, help="of what takes seconds; medians are shown")
    parser.add_argument("--deploys", type=int, default=12)
    parser.add_argument("--limit", type=float, default=600, help="seconds for a pass of a DAG processor")
    parser.add_argument("--worker-dags", type=int, nargs="*", default=[10, 1_000, 10_000])
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    folder = Path(HOME.name)
    (folder / "wheel").mkdir()
    wheel = built_wheel(folder / "wheel")
    bench = Bench(
        folder,
        options.dags,
        options.limit,
        python=install(folder / "ours", [wheel]),
        peers=install(folder / "peers", [*peer_packages(), f"gusty=={GUSTY}"]),
    )
    rows = [
        *processors(bench),
        *bags(bench, max(1, options.rounds // 3)),
        *workers(bench, options.worker_dags, options.rounds),
        *deploys(bench, options.deploys, options.seed),
    ]
    packages = versions("apache-airflow", "apache-airflow-providers-amazon", "boto3", "pydantic", "airflow-ecs-dag")
    print(f"{packages}; dag-factory {DAG_FACTORY}, ", end="")
    print(f"airflow-blueprint {BLUEPRINT}, gusty {GUSTY}; {os.cpu_count()} processors; seed {options.seed}")
    print(f"{options.dags:,} DAGs of {len(STEPS)} tasks; medians of {options.rounds} rounds, DAG processors run once\n")
    print(HEAD)
    print(*rows, sep="\n")


if __name__ == "__main__":
    main()

"""One bad DAG among ten: what the nine good ones and the author of the bad one notice of it, for ours and its peers.

    python benchmarks/peers_bad_input.py [--details]

Ten projects have a DAG of five ECS tasks each, in each loader's own files. Nine are good and in Airflow before the
tenth comes, which is the sixth in order and bad in one of eight ways. Then the real DAG processor parses all of it once
more, and its database is read: which DAGs the scheduler may start, whose they are, and which import errors there are.
Each loader has an Airflow of its own, with a bundle for each kind of bad input. Airflow parses new files in any order,
so a dag id that two files have is the one's or the other's by turns: it counts as taken once it was the bad one's.
Nothing else is left to chance. ``--details`` prints each import error.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "tests"))

import fleet_registry  # noqa: E402 - below the path of the strict ECS
from bad_inputs import KINDS, OTHER_OWNER, SECRET_NAME, SPOILERS, NoWayError, spoil_labels  # noqa: E402
from figure_table import versions  # noqa: E402
from fleet_files import ACCOUNT, OWNER, REGION, WRITERS  # noqa: E402
from peer_environment import BLUEPRINT, DAG_FACTORY, GUSTY, install, peer_packages  # noqa: E402
from processor_run import Airflow  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OURS = "ours"
LOADERS = (OURS, *SPOILERS)
SECRET = "c4n4ry-of-the-worker"  # noqa: S105 - what the bad one would read; it opens nothing
PROJECTS = 10
BAD = 5
"""The place of the bad one among them."""
WATCH = """\
create table changed (dag_id text, owners text);
create trigger watch after update on dag when old.owners <> new.owners
begin insert into changed values (new.dag_id, new.owners); end;
"""
"""What notes, in Airflow's database, each DAG that becomes another owner's."""
LIMIT = 600.0
"""Seconds that a run of the DAG processor may take."""


@dataclass(frozen=True)
class Found:
    """What Airflow has of the ten DAGs.

    Attributes:
        good: How many of the nine are there, as their own projects wrote them.
        bad: The ids under which the bad one is there.
        shown: Whether Airflow's pages show a value of the environment in which the DAG processor runs.
        errors: The import errors.
        says: Whether one of them names the bad project.
    """

    good: int
    bad: list[str]
    shown: bool
    errors: list[str]
    says: bool

    def __str__(self) -> str:
        if self.bad:
            end = "let in"
        elif not self.errors:
            end = "no error"
        else:
            end = "error" if self.says else "error that does not name it"
        return f"{self.good}, {end}" + (", and shows the value" if self.shown else "")

    @property
    def is_met(self) -> bool:
        """Whether the nine run and one error tells of the tenth."""
        is_told = len(self.errors) == 1 and self.says and not self.shown
        return self.good == PROJECTS - 1 and not self.bad and is_told


def dag_ids(kind: str) -> list[str]:
    """Return the ids of the ten projects' DAGs, which are their families' and files' names, too."""
    prefix = "".join(each if each.isalpha() else "-" for each in kind)
    return [f"{prefix}-{number}" for number in range(PROJECTS)]


def good_ids(kind: str) -> list[str]:
    """Return those of the nine."""
    return [dag_id for number, dag_id in enumerate(dag_ids(kind)) if number != BAD]


@dataclass
class Bench:
    """The folders and environments of one run.

    Attributes:
        folder: For everything; removed at the end.
        peers: The Python of the environment of the peers.
    """

    folder: Path
    peers: Path
    unsaid: dict[tuple[str, str], str] = field(default_factory=dict)
    """By loader and kind, why it has no way to say it."""

    def results(self, loader: str) -> dict[str, Found]:
        """Return what Airflow has, by kind."""
        return self._ours() if loader == OURS else self._files(loader)

    def _ours(self) -> dict[str, Found]:
        source = {"name": "projects", "regions": [REGION]}
        bundles = [
            {
                "name": _name(kind),
                "classpath": "airflow_ecs_dag_loader.EcsDagBundle",
                "kwargs": {"sources": [source | dict.fromkeys(("family_prefix", "dag_id_prefix"), _name(kind))]},
            }
            for kind in KINDS
        ]
        good = [dag_id for kind in KINDS for dag_id in good_ids(kind)]
        with fleet_registry.registry(good) as ecs:
            airflow = self._airflow(OURS, bundles, ecs.environment)

            def spoil(kind: str) -> None:
                ids = dag_ids(kind)
                definitions = ecs.aws.region(ACCOUNT, REGION).definitions
                definitions.register(ids[BAD], spoil_labels(kind, ids[BAD], ids[0]))

            return self._twice(OURS, airflow, spoil)

    def _files(self, loader: str) -> dict[str, Found]:
        folders = {kind: self.folder / _file_name(loader) / _name(kind) for kind in KINDS}
        bundles = [
            {
                "name": _name(kind),
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": str(folder)},
            }
            for kind, folder in folders.items()
        ]
        for kind, folder in folders.items():
            folder.mkdir(parents=True)
            WRITERS[loader](folder, good_ids(kind))
        benchmarks = {"PYTHONPATH": str(Path(__file__).parent)} if loader == "2019" else {}
        airflow = self._airflow(loader, bundles, benchmarks)

        def spoil(kind: str) -> None:
            ids = dag_ids(kind)
            if loader != "2019":
                WRITERS[loader](folders[kind], [ids[BAD]])
            SPOILERS[loader](folders[kind], kind, ids[BAD], ids[0])

        return self._twice(loader, airflow, spoil)

    def _airflow(self, loader: str, bundles: Sequence[Mapping[str, object]], more: Mapping[str, str]) -> Airflow:
        name = _file_name(loader)
        settings = {
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.folder / f"storage-{name}"),
            "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
            SECRET_NAME: SECRET,
            **more,
        }
        python = Path(sys.executable) if loader == OURS else self.peers
        made = Airflow(python, self.folder / f"airflow-{name}", settings)
        made.make_database(self.folder / f"{'ours' if loader == OURS else 'peers'}.db")
        return made

    def _twice(self, loader: str, airflow: Airflow, spoil: Callable[[str], None]) -> dict[str, Found]:
        """Let the good ones in, make the tenth bad, and look again."""
        parse_once(airflow)
        before = {kind: found_of(airflow, kind, since="") for kind in KINDS}
        if any((found.good, found.errors) != (PROJECTS - 1, []) for found in before.values()):
            raise SystemExit(f"{loader} does not load even the good DAGs: {before}")
        (since,) = query(airflow, "select max(last_parsed_time) from dag")[0]
        with closing(sqlite3.connect(airflow.home / "airflow.db")) as connection:
            connection.executescript(WATCH)
        said = []
        for kind in KINDS:
            try:
                spoil(kind)
                said.append(kind)
            except NoWayError as error:
                self.unsaid[loader, kind] = str(error)
        parse_once(airflow)
        return {kind: found_of(airflow, kind, since=since) for kind in said}


def parse_once(airflow: Airflow) -> None:
    """Run the DAG processor until it has parsed each file once."""
    command = [str(airflow.python), "-m", "airflow", "dag-processor", "--num-runs", "1"]
    log = airflow.home / "processor.log"
    with log.open("ab") as written:
        ran = subprocess.run(
            command,
            env=airflow.environment,
            stdout=written,
            stderr=written,
            cwd=airflow.home,
            timeout=LIMIT,
            check=False,
        )
    if ran.returncode:
        raise SystemExit(f"the DAG processor ended with status {ran.returncode}:\n{log.read_text()[-3_000:]}")


def found_of(airflow: Airflow, kind: str, since: str) -> Found:
    """Read what Airflow has of a kind's ten DAGs, of what was parsed after ``since``."""
    ids = dag_ids(kind)
    # What the scheduler asks for before it makes a run. A DAG that was not found in its file again goes stale later.
    rows = query(
        airflow,
        "select d.dag_id, d.owners, s.data from dag d join serialized_dag s on s.dag_id = d.dag_id "
        "where d.bundle_name = ? and not d.is_stale and not d.has_import_errors and d.last_parsed_time > ?",
        _name(kind),
        since,
    )
    errors = query(airflow, "select stacktrace, filename from import_error where bundle_name = ?", _name(kind))
    changed = query(airflow, "select dag_id from changed where owners = ?", OTHER_OWNER) if since else []
    taken = {dag_id for (dag_id,) in changed} & set(ids)
    good = {dag_id for dag_id, owners, _ in rows if owners == OWNER} & set(good_ids(kind)) - taken
    bad = {dag_id for dag_id, owners, _ in rows if owners == OTHER_OWNER} | taken
    return Found(
        good=len(good),
        bad=sorted(bad),
        shown=any(SECRET in text for row in (*rows, *errors) for text in map(str, row)),
        errors=[text for text, _ in errors],
        says=any(ids[BAD] in f"{text} {name}" for text, name in errors),
    )


def query(airflow: Airflow, text: str, *values: str) -> list[tuple[str, ...]]:
    """Return the rows of a query to Airflow's database."""
    path = airflow.home / "airflow.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        return list(connection.execute(text, values))


def _file_name(loader: str) -> str:
    return loader.replace(",", "").replace(" ", "-")


def _name(kind: str) -> str:
    return dag_ids(kind)[0].rpartition("-")[0]


def table(by_loader: Mapping[str, Mapping[str, Found]]) -> list[str]:
    """Return the rows: a kind a line, for each loader what Airflow has."""
    lines = ["| bad input | " + " | ".join(by_loader) + " |", "|---|" + "---|" * len(by_loader)]
    for kind in KINDS:
        cells = [str(found[kind]) if kind in found else "no way to say it" for found in by_loader.values()]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    met = [f"{sum(each.is_met for each in found.values())} of {len(found)}" for found in by_loader.values()]
    return [*lines, f"| nine run, one error | {' | '.join(met)} |"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--details", action="store_true", help="print each import error")
    details = parser.parse_args().details
    with tempfile.TemporaryDirectory(prefix="peers-bad-input-") as name:
        folder = Path(name)
        bench = Bench(folder, peers=install(folder / "peers", [*peer_packages(), f"gusty=={GUSTY}"]))
        by_loader = {}
        for loader in LOADERS:
            by_loader[loader] = bench.results(loader)
            print(f"{loader}: done", file=sys.stderr, flush=True)
    print(f"{versions('apache-airflow', 'apache-airflow-providers-amazon', 'airflow-ecs-dag')}; ", end="")
    print(f"dag-factory {DAG_FACTORY}, airflow-blueprint {BLUEPRINT}, gusty {GUSTY}; nothing drawn by chance")
    print("each cell: how many of the nine good DAGs are in Airflow, and what became of the bad one\n")
    print("\n".join(table(by_loader)))
    for (loader, kind), why in bench.unsaid.items():
        print(f"\n{loader}, {kind}: {why}")
    if details:
        for loader, found in by_loader.items():
            for kind, each in found.items():
                print(f"\n## {loader}, {kind}: {each}", *each.errors, sep=f"{os.linesep}")


if __name__ == "__main__":
    main()

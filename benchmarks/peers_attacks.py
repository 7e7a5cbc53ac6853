"""The attack corpus against the peers: what each of them lets through, refuses, or loses other DAGs by.

``python benchmarks/peers_attacks.py``; it makes a throw-away environment with the peers and the locked Airflow, and a
temporary folder for every side effect. Results are the same at each run: nothing is drawn by chance. ``--details``
prints each case.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
sys.path.append(str(REPOSITORY / "tests"))

import yaml  # noqa: E402 - below the path of the corpus
from peer_documents import NotApplicableError, of_2019, of_blueprint, of_dag_factory, of_ours  # noqa: E402
from peer_environment import BLUEPRINT, DAG_FACTORY, install, peer_packages, python_of  # noqa: E402

from attacks.corpus_files import Attack, Legitimate, attacks, bundles  # noqa: E402

PEERS = ("ours", "2019", "dag-factory", "blueprint")
SECRET = "c4n4ry-of-the-worker"  # noqa: S105 - what an attack would read; it opens nothing
OUTCOMES = {"through": "let through", "refused": "refused", "silent": "dropped without an import error",
            "others": "takes others with it", "none": "not applicable"}  # fmt: skip
HEALTHY = (
    Legitimate(name="a healthy neighbour before it", labels={"airflow.dag.dag_id": "team-a.before"}, family="0-before"),
    Legitimate(name="a healthy neighbour after it", labels={"airflow.dag.dag_id": "team-a.after"}, family="zz-after"),
)


@dataclass(frozen=True)
class Trial:
    """One attack in a peer's own documents, beside DAGs that must stay.

    Attributes:
        case: The attack.
        documents: Those of the healthy DAGs, then the attack's.
        healthy: The dag ids that must stay.
    """

    case: Attack
    documents: list[Any]
    healthy: list[str]

    def to_json(self, canary: Path) -> dict[str, Any]:
        bundle = bundles()[self.case.bundle]
        return {
            "name": self.case.name,
            "runs": self.case.runs,
            "canary": str(canary),
            "documents": self.documents,
            "healthy": self.healthy,
            "healthy_tasks": ["healthy"],
            "prefix": bundle.prefix,
            "policy": bundle.policy,
        }


def healthy_of(peer: str, case: Attack) -> list[Attack]:
    """Return the DAGs that are there before the attack, as cases: two neighbours, or those whose place it wants."""
    kept: list[Legitimate] = list(HEALTHY)
    prefix = bundles()[case.bundle].prefix or "team-a."
    if case.rules == ["source.too-many-dags"]:
        kept.append(
            Legitimate(name="a healthy third one", labels={"airflow.dag.dag_id": "team-a.third"}, family="1-third")
        )
    if case.rules == ["dag-id.taken"]:
        taken = case.all_labels().get("airflow.dag.dag_id") or case.all_labels()["airflow.dag.name"]
        kept.append(Legitimate(name="the one with the dag id", labels={"airflow.dag.dag_id": taken}, family="1-has-it"))
    made = []
    for each in kept:
        labels = dict(each.labels) | {"airflow.tasks.build.kind": None, "airflow.tasks.healthy.kind": "ecs"}
        labels["airflow.dag.dag_id"] = str(labels["airflow.dag.dag_id"]).replace("team-a.", prefix)
        if case.bundle == "strict" and peer == "ours":  # the others have no policy that asks for it
            labels |= {
                "airflow.ecs.launch_type": "EC2",
                "airflow.dag.dagrun_timeout": "PT1H",
                "airflow.tasks.healthy.execution_timeout": "PT1H",
            }
        made.append(
            Attack(name=each.name, labels=labels, family=each.family, bundle=case.bundle, wants="nothing at all")
        )
    return made


def trials_of(peer: str, canary: Path) -> tuple[list[Trial], list[Trial]]:
    """Return the trials of a peer, and those of its second way of writing templates, where it has two."""
    first, second = [], []
    for case in attacks():
        healthy = healthy_of(peer, case)
        ids = [each.all_labels()["airflow.dag.dag_id"] for each in healthy]
        try:
            first.append(Trial(case, [_document(peer, each, canary) for each in [*healthy, case]], ids))
            if peer == "blueprint" and case.runs:
                documents = [_document(peer, each, canary) for each in healthy]
                documents.append(of_blueprint(case, str(canary), is_raw=False))
                second.append(Trial(case, documents, ids))
        except (NotApplicableError, RecursionError):  # a YAML file that deep can't even be written
            continue
    return first, second


def _document(peer: str, case: Attack, canary: Path) -> Any:  # noqa: ANN401 - text or JSON
    match peer:
        case "ours":
            return of_ours(case, str(canary))
        case "2019":
            return of_2019(case, str(canary))
        case "dag-factory":
            return of_dag_factory(case, str(canary))
        case _:
            return of_blueprint(case, str(canary), is_raw=True)


def environment_of(peer: str, folder: Path) -> tuple[str, dict[str, str]]:
    """Return the Python of a peer and the variables in which it runs; the peers share an environment of their own."""
    home = folder / f"airflow-{peer}"
    connection = json.dumps({"conn_type": "aws", "login": "worker", "password": SECRET})
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW_CONN_CANARY": connection,
        "AIRFLOW_CONN_AWS_DEFAULT": connection,
        "AIRFLOW_VAR_CANARY": SECRET,
        "AIRFLOW_VAR_CANARY_JSON": json.dumps({"secret": SECRET}),
        "ATTACKS_CANARY_SECRET": SECRET,
        "ATTACKS_FOLDER": str(folder),
        "AWS_EC2_METADATA_DISABLED": "true",
        "DO_NOT_TRACK": "1",
        "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "benchmarks"), str(REPOSITORY / "tests")]),
    }
    python = sys.executable if peer == "ours" else str(python_of(folder / "peers"))
    return python, variables


def results_of(peer: str, trials: list[Trial], folder: Path) -> dict[str, dict[str, Any]]:
    """Run the trials in the peer's environment."""
    python, variables = environment_of(peer, folder)
    canary = folder / "canary" / "canary"
    given, taken = folder / "trials.json", folder / "results.json"
    given.write_text(json.dumps([trial.to_json(canary) for trial in trials]))
    script = str(REPOSITORY / "benchmarks" / "peer_trials.py")
    started = time.monotonic()
    command = [python, script, peer, str(given), str(taken)]
    subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL)
    print(f"{peer}: {len(trials)} trials in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return {result["name"]: result for result in json.loads(taken.read_text())}


def verdict(case: Attack, result: dict[str, Any]) -> str:
    """Return what came of an attack: a key of :data:`OUTCOMES`."""
    if result["ran"]:
        return "through"
    if case.rules == ["dag-id.taken"] and len(result.get("lost", ())) == 1 and result.get("there"):
        return "through"
    if "crash" in result or result["lost"]:
        return "others"
    if result["there"] and not case.runs:
        return "through"
    if result["there"]:
        return "refused"  # the DAG is there, and what the attack wanted did not happen when it was run
    return "refused" if result["errors"] else "silent"


def outcomes(peer: str, folder: Path) -> dict[str, str]:
    """Return the outcome of each case of the corpus for a peer."""
    first, second = trials_of(peer, folder / "canary" / "canary")
    results = results_of(peer, first, folder)
    again = results_of(peer, second, folder) if second else {}
    found = {}
    for trial in first:
        name = trial.case.name
        found[name] = verdict(trial.case, results[name])
        if name in again and verdict(trial.case, again[name]) == "through":
            found[name] = "through"
    return {case.name: found.get(case.name, "none") for case in attacks()}


def table(by_peer: dict[str, dict[str, str]]) -> list[str]:
    """Return the rows: a category a line, for each peer what it let through, refused, dropped and lost others by."""
    categories = sorted({case.category for case in attacks()})
    head = "| category | cases | " + " | ".join(PEERS) + " |"
    lines = [head, "|---|---|" + "---|" * len(PEERS)]
    for category in [*categories, "all"]:
        cases = [case.name for case in attacks() if category in {case.category, "all"}]
        cells = []
        for peer in PEERS:
            count = Counter(by_peer[peer][name] for name in cases)
            cells.append(" / ".join(str(count[outcome]) for outcome in OUTCOMES))
        lines.append(f"| {category} | {len(cases)} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--details", action="store_true", help="print each case")
    details = parser.parse_args().details
    with tempfile.TemporaryDirectory(prefix="peers-attacks-") as name:
        folder = Path(name)
        (folder / "canary").mkdir()
        (folder / "canary" / "canary.secret").write_text(SECRET)
        install(folder / "peers", peer_packages())
        by_peer = {peer: outcomes(peer, folder) for peer in PEERS}
    print(
        f"Airflow {version('apache-airflow')}, amazon provider {version('apache-airflow-providers-amazon')}, "
        f"dag-factory {DAG_FACTORY}, airflow-blueprint {BLUEPRINT}, Python {sys.version.split()[0]}; no seed"
    )
    print(f"each cell: {' / '.join(OUTCOMES.values())}\n")
    print("\n".join(table(by_peer)))
    if details:
        rows = [
            {"category": case.category, "name": case.name, **{peer: by_peer[peer][case.name] for peer in PEERS}}
            for case in attacks()
        ]
        print("\n" + yaml.safe_dump(rows, sort_keys=False, width=200))


if __name__ == "__main__":
    main()

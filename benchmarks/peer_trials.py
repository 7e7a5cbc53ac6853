"""Runs inside one peer's environment: each attack beside healthy DAGs, in a process of its own, and what came of it.

``python peer_trials.py PEER TRIALS.json RESULTS.json``; the trials are :func:`peers_attacks.trials_of`'s. A process has
30 seconds of a processor and 6 GB.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

CPU_SECONDS, WALL_SECONDS = 30, 300
BYTES = 6 << 30
SECRET_NAME = "ATTACKS_CANARY_SECRET"  # noqa: S105 - the name of a variable
_STARTS_NOTHING_HERE = frozenset(
    {
        "airflow.providers.amazon.aws.operators.ecs",
        "airflow.providers.standard.operators.latest_only",
        "airflow_ecs_dag_loader.runner.ecs_task_operator",
    }
)
"""Operators whose work is elsewhere; any other one that a label brought in is run."""
_LOADERS = {
    "2019": (
        "import json, pathlib\n"
        "from loader_2019 import dags_of\n"
        "globals().update(dags_of(json.loads(pathlib.Path(__file__).with_name('definitions.txt').read_text())))\n"
        "# airflow dag\n"
    ),
    "dag-factory": (
        "import pathlib\n"
        "from dagfactory import load_yaml_dags\n"
        "folder = str(pathlib.Path(__file__).parent)\n"
        "load_yaml_dags(globals(), dags_folder=folder, defaults_config_path=folder)\n"
        "# airflow dag\n"
    ),
    "blueprint": "from blueprint import build_all_airflow_dags\nbuild_all_airflow_dags()\n",
}


def main() -> None:
    peer, given, results = sys.argv[1], *map(Path, sys.argv[2:4])
    trials = json.loads(given.read_text())
    _prepare(peer, trials[0])
    found = [{"name": trial["name"], **_in_a_process_of_its_own(peer, trial)} for trial in trials]
    results.write_text(json.dumps(found))


def _prepare(peer: str, trial: dict[str, Any]) -> None:
    """Load the healthy DAGs of a trial, so that what takes long to import is there before processes are forked."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(dir=os.environ["ATTACKS_FOLDER"]) as folder:
        healthy = trial | {
            "documents": trial["documents"][: len(trial["healthy"])],
            "healthy_tasks": [],
            "runs": "leak",
        }
        outcome = _outcome(peer, healthy, Path(folder) / "dags")
    if sorted(outcome["there"]) != sorted(trial["healthy"]):
        raise SystemExit(f"{peer} does not load even the healthy DAGs: {outcome}")


def _in_a_process_of_its_own(peer: str, trial: dict[str, Any]) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="attack-", dir=os.environ["ATTACKS_FOLDER"]))
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        signal.alarm(WALL_SECONDS)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        try:
            outcome = _outcome(peer, trial, folder / "dags")
        except BaseException as error:  # noqa: BLE001 - an attack may raise anything; it is told as it is
            outcome = {"crash": repr(error)[:300]}
        (folder / "outcome.json").write_text(json.dumps(outcome))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    try:
        outcome = json.loads((folder / "outcome.json").read_text())
    except (OSError, ValueError):
        outcome = {"crash": f"the process ended with status {status}"}
    shutil.rmtree(folder)
    canary = Path(trial["canary"])
    outcome["ran"] = outcome.get("ran", False) or canary.exists()
    for each in canary.parent.iterdir():
        if each.suffix != ".secret":
            each.unlink()
    return outcome


def _outcome(peer: str, trial: dict[str, Any], folder: Path) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import BundleDagBag  # noqa: PLC0415 - imported before the fork

    folder.mkdir()
    if peer == "ours":
        folder = _published(trial, folder)
    else:
        _write_documents(peer, trial, folder)
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="attacks")
    mark = set(trial["healthy_tasks"])
    healthy = {dag_id for dag_id, dag in bag.dags.items() if mark & set(dag.task_ids)}
    others = {dag_id: dag for dag_id, dag in bag.dags.items() if dag_id not in healthy}
    return {
        "lost": sorted(set(trial["healthy"]) - healthy),
        "there": sorted(others),
        "errors": len(bag.import_errors),
        "ran": any(_leaks(dag) for dag in others.values()) if trial["runs"] else False,
    }


def _write_documents(peer: str, trial: dict[str, Any], folder: Path) -> None:
    (folder / "peer_dags.py").write_text(_LOADERS[peer])
    if peer == "2019":
        (folder / "definitions.txt").write_text(json.dumps(trial["documents"]))
        return
    if peer == "blueprint":
        shutil.copy(Path(__file__).with_name("platform_blueprints.py"), folder / "platform_blueprints.py")
    suffix = ".dag.yaml" if peer == "blueprint" else ".yaml"
    for number, text in enumerate(trial["documents"]):
        (folder / f"{number}{suffix}").write_text(text, encoding="utf-8", errors="surrogatepass")


def _published(trial: dict[str, Any], folder: Path) -> Path:
    """Admit and publish as the bundle does after its scan; first the healthy ones, then all."""
    from airflow_ecs_dag_loader.admission import admit  # noqa: PLC0415 - not in the peers' environments
    from airflow_ecs_dag_loader.definition import Definition  # noqa: PLC0415
    from airflow_ecs_dag_loader.registry import Registry  # noqa: PLC0415
    from airflow_ecs_dag_loader.snapshot import dags_folder, publish  # noqa: PLC0415
    from airflow_ecs_dag_loader.source import RegistrySource  # noqa: PLC0415
    from airflow_ecs_dag_schema import Policy  # noqa: PLC0415

    definitions = []
    for document in trial["documents"]:
        found = Definition.from_task_definition(
            {
                "taskDefinitionArn": f"arn:aws:ecs:eu-west-1:123456789012:task-definition/{document['family']}:1",
                "containerDefinitions": [
                    {"name": name, "dockerLabels": labels} for name, labels in document["containers"].items()
                ],
            }
        )
        if found is not None:
            definitions.append(found)
    source = RegistrySource(cluster="shared", dag_id_prefix=trial["prefix"])
    policy = Policy.of(trial["policy"])
    first = admit(definitions[: len(trial["healthy"])], source=source, owners={}, policy=policy)
    owners = publish(folder, registry=Registry(), verdicts=first, source=source).owners
    verdicts = admit(definitions, source=source, owners=owners, policy=policy)
    publish(folder, registry=Registry(), verdicts=verdicts, source=source)
    return dags_folder(folder)


def _leaks(dag: Any) -> bool:  # noqa: ANN401 - a DAG, or what a peer made in its place
    """Fill in the templates of each task and run it, as the task runner does; tell whether the secret is there."""
    from loader.task_runs import task_run  # noqa: PLC0415 - imported before the fork

    secret = os.environ[SECRET_NAME]
    for task in dag.tasks:
        if _named(task, secret):
            return True
        try:
            context = task_run(task)
            context["ti"].render_templates(context)
        except Exception:  # noqa: BLE001, S112 - an attack may raise anything; its side effect is looked at
            continue
        if _shows(task, secret):
            return True
        if type(task).__module__ in _STARTS_NOTHING_HERE:
            continue
        with contextlib.suppress(Exception):  # as above
            task.execute(context)
        if _shows(task, secret):
            return True
    return False


def _shows(task: Any, secret: str) -> bool:  # noqa: ANN401 - any operator
    return any(secret in str(getattr(task, field, "")).lower() for field in task.template_fields)


def _named(task: Any, secret: str) -> bool:  # noqa: ANN401 - a task, mapped or not
    """Fill in the name of an instance of a mapped task, as the task runner does; tell whether the secret is in it."""
    from airflow.sdk import DAG, BaseOperator  # noqa: PLC0415 - imported before the fork

    from loader.task_runs import task_run  # noqa: PLC0415 - imported before the fork

    template = getattr(task, "map_index_template", None)
    if not template:
        return False
    try:
        context = task_run(BaseOperator(task_id=task.task_id, dag=DAG(task.dag_id, schedule=None)))
        return secret in task.dag.get_template_env().from_string(template).render(context).lower()
    except Exception:  # noqa: BLE001 - as above
        return False


if __name__ == "__main__":
    main()

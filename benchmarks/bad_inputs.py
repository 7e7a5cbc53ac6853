"""One DAG of a fleet made bad, in eight ways and in each loader's own files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from fleet_files import STEPS, labels, labels_2019

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = (
    "unknown parameter",
    "cycle",
    "unknown dependency",
    "bad cron",
    "broken label",
    "another team's dag id",
    "forbidden class",
    "environment read",
)
OTHER_OWNER = "other-team"
"""Who owns the bad DAG, in every loader's files; the good ones are ``fleet_files.OWNER``'s."""
SECRET_NAME = "WORKER_SECRET"  # noqa: S105 - the name of a variable
_PARAMETER = "max_active_rums"
_UNKNOWN_STEP = "stpe_2"
_CRON = "61 * * * *"
_UNCLOSED = '["--day", "today"'
_BASH = "airflow.providers.standard.operators.bash.BashOperator"
_TEMPLATE = f"{{{{ macros.uuid.os.environ.{SECRET_NAME} }}}}"
_SPOILED = STEPS[3]


class NoWayError(Exception):
    """A loader's files have no way to say a kind; the message says why."""


def spoil_labels(kind: str, bad: str, taken: str) -> dict[str, str]:
    """Return our labels of the bad DAG."""
    task = f"airflow.tasks.{_SPOILED}"
    more = {
        "unknown parameter": {f"airflow.dag.{_PARAMETER}": "3"},
        "cycle": {f"airflow.tasks.{STEPS[0]}.upstream.0": STEPS[-1]},
        "unknown dependency": {f"{task}.upstream.0": _UNKNOWN_STEP},
        "bad cron": {"airflow.dag.schedule.cron": _CRON},
        "broken label": {f"{task}.args": _UNCLOSED},
        "another team's dag id": {"airflow.dag.dag_id": taken},
        "forbidden class": {
            f"{task}.kind": "operator",
            f"{task}.operator": _BASH,
            f"{task}.arguments.bash_command": "id",
        },
        "environment read": {f"{task}.command.2": _TEMPLATE},
    }
    found = labels(bad) | {"airflow.dag.owner": OTHER_OWNER} | more[kind]
    if kind == "forbidden class":
        found = {key: text for key, text in found.items() if not key.startswith(f"{task}.command.")}
    return found


def spoil_2019(folder: Path, kind: str, bad: str, taken: str) -> None:
    """Add the bad DAG to the task definitions that the loader of 2019 is given."""
    task = f"airflow.tasks.{_SPOILED}"
    more = {
        "unknown parameter": {f"airflow.dag.{_PARAMETER}": "3"},
        "cycle": {f"airflow.tasks.{STEPS[0]}.depends.0": STEPS[-1]},
        "unknown dependency": {f"{task}.depends.0": _UNKNOWN_STEP},
        "bad cron": {"airflow.dag.schedule_interval": _CRON},
        "broken label": {f"{task}.args": _UNCLOSED},
        "another team's dag id": {"airflow.dag.name": taken},
        "forbidden class": {f"{task}.class": _BASH, f"{task}.bash_command": "id"},
        "environment read": {f"{task}.args.1": _TEMPLATE},
    }
    found = labels_2019(bad) | {"airflow.dag.owner": OTHER_OWNER} | more[kind]
    without = {"broken label": (f"{task}.args.",), "forbidden class": (f"{task}.args.", f"{task}.command")}
    found = {key: text for key, text in found.items() if not key.startswith(without.get(kind, ("-",)))}
    path = folder / "fleet.json"
    definitions = json.loads(path.read_text())
    place = next((place for place, each in enumerate(definitions) if each["family"] > bad), len(definitions))
    definitions.insert(place, {"family": bad, "containers": {"main": found}})
    path.write_text(json.dumps(definitions))


def spoil_plain(folder: Path, kind: str, bad: str, taken: str) -> None:
    """Make the bad DAG's file of Python bad."""
    step = f"{_SPOILED} = EcsRunTaskOperator("
    send = "BashOperator(task_id='send', bash_command='id')"
    old, new = {
        "unknown parameter": ("    catchup=False,", f"    catchup=False,\n    {_PARAMETER}=3,"),
        "cycle": (" >> ".join(STEPS), " >> ".join([*STEPS, STEPS[0]])),
        "unknown dependency": (f">> {_SPOILED}", f">> {_UNKNOWN_STEP} >> {_SPOILED}"),
        "bad cron": ("schedule='0 3 * * *'", f"schedule={_CRON!r}"),
        "broken label": (step, f"{step}\n        retries=[1,"),
        "another team's dag id": (f"    {bad!r},\n", f"    {taken!r},\n"),
        "forbidden class": (
            f"    {step}\n",
            f"    from {_BASH.rpartition('.')[0]} import BashOperator\n    {send}\n    {step}\n",
        ),
        "environment read": (
            f"'{_SPOILED}', '--day', '{{{{ ds }}}}'",
            f"'--day', __import__('os').environ[{SECRET_NAME!r}]",
        ),
    }[kind]
    path = folder / f"{bad}.py"
    text = path.read_text().replace("'owner': 'team'", f"'owner': {OTHER_OWNER!r}")
    if text.count(old) != 1:
        raise ValueError(f"{old!r} is {text.count(old)} times in the file, not once")
    path.write_text(text.replace(old, new))


def spoil_dag_factory(folder: Path, kind: str, bad: str, taken: str) -> None:
    """Make the bad DAG's YAML file bad."""
    path = folder / f"{bad}.yaml"
    tree = yaml.safe_load(path.read_text())
    dag = tree[bad]
    dag["default_args"]["owner"] = OTHER_OWNER
    task = dag["tasks"][STEPS.index(_SPOILED)]
    match kind:
        case "unknown parameter":
            dag[_PARAMETER] = 3
        case "cycle":
            dag["tasks"][0]["dependencies"] = [STEPS[-1]]
        case "unknown dependency":
            task["dependencies"] = [_UNKNOWN_STEP]
        case "bad cron":
            dag["schedule"] = _CRON
        case "another team's dag id":
            tree = {taken: dag}
        case "forbidden class":
            given = {name: task[name] for name in ("task_id", "dependencies")}
            dag["tasks"][STEPS.index(_SPOILED)] = {**given, "operator": _BASH, "bash_command": "id"}
        case "environment read":  # it fills in variables of the shell
            task["overrides"]["containerOverrides"][0]["command"][2] = f"${SECRET_NAME}"
    _write_yaml(path, tree, kind)


def spoil_blueprint(folder: Path, kind: str, bad: str, taken: str) -> None:
    """Make the bad DAG's YAML file bad."""
    path = folder / f"{bad}.dag.yaml"
    dag = yaml.safe_load(path.read_text())
    dag["owner"] = OTHER_OWNER
    step = dag["steps"][_SPOILED]
    match kind:
        case "unknown parameter":
            dag[_PARAMETER] = 3
        case "cycle":
            dag["steps"][STEPS[0]]["depends_on"] = [STEPS[-1]]
        case "unknown dependency":
            step["depends_on"] = [_UNKNOWN_STEP]
        case "bad cron":
            dag["schedule"] = _CRON
        case "another team's dag id":
            dag["dag_id"] = taken
        case "forbidden class":
            dag["steps"][_SPOILED] = {"blueprint": _BASH, "depends_on": step["depends_on"], "bash_command": "id"}
        case "environment read":  # it fills in its own templates when a file is read
            step["command"][1] = f"{{{{ env.{SECRET_NAME} }}}}"
    _write_yaml(path, dag, kind)


def spoil_gusty(folder: Path, kind: str, bad: str, taken: str) -> None:  # noqa: ARG001 - it has no way to take it
    """Make a file in the bad DAG's folder bad."""
    path = folder / bad / "METADATA.yml"
    dag = yaml.safe_load(path.read_text())
    dag["default_args"]["owner"] = OTHER_OWNER
    tasks = {step: yaml.safe_load((folder / bad / f"{step}.yml").read_text()) for step in STEPS}
    match kind:
        case "unknown parameter":
            dag[_PARAMETER] = 3
        case "cycle":
            tasks[STEPS[0]]["dependencies"] = [STEPS[-1]]
        case "unknown dependency":
            tasks[_SPOILED]["dependencies"] = [_UNKNOWN_STEP]
        case "bad cron":
            dag["schedule"] = _CRON
        case "another team's dag id":
            raise NoWayError("a dag id is the name of a folder, and a folder has one DAG")
        case "forbidden class":
            given = {"operator": _BASH, "bash_command": "id", "dependencies": tasks[_SPOILED]["dependencies"]}
            tasks[_SPOILED] = given
        case "environment read":
            tasks[_SPOILED]["overrides"]["containerOverrides"][0]["command"][2] = _TEMPLATE
    _write_yaml(path, dag, "")
    for step, task in tasks.items():
        _write_yaml(folder / bad / f"{step}.yml", task, kind if step == _SPOILED else "")


SPOILERS: dict[str, Callable[[Path, str, str, str], None]] = {
    "2019": spoil_2019,
    "plain files": spoil_plain,
    "dag-factory": spoil_dag_factory,
    "dag-factory, a file each": spoil_dag_factory,
    "airflow-blueprint": spoil_blueprint,
    "gusty": spoil_gusty,
    "gusty, a file each": spoil_gusty,
}
"""For each loader of files what makes a DAG bad there: its folder, the kind, the DAG's id, and one that it may take."""


def _write_yaml(path: Path, value: dict[str, Any], kind: str) -> None:
    broken = f"broken: {_UNCLOSED}\n" if kind == "broken label" else ""
    path.write_text(yaml.safe_dump(value, sort_keys=False, width=120) + broken)

"""The same DAGs for each loader, in its own files: five ECS tasks in a row, of one task definition each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from peer_documents import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT, REGION = "100000000000", "eu-west-1"
STEPS = [f"step_{number}" for number in range(5)]
SCHEDULE, START, OWNER = "0 3 * * *", "2026-01-01T00:00:00+00:00", "team"
SUBNETS, SECURITY_GROUPS = ["subnet-0a1b2c3d", "subnet-4e5f6a7b"], ["sg-0a1b2c3d"]
_HEAD = """\
from datetime import datetime

from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.sdk import DAG
"""
_ONE_FILE = """\
import json
from pathlib import Path

{head}
for each in json.loads(Path(__file__).with_suffix(".json").read_text()):
    with DAG(
        each["dag_id"],
        schedule=each["schedule"],
        start_date=datetime.fromisoformat(each["start_date"]),
        catchup=False,
        default_args=each["default_args"],
    ) as dag:
        made = {{task["task_id"]: EcsRunTaskOperator(**task) for task in each["tasks"]}}
        for before, after in zip(made.values(), list(made.values())[1:]):
            before >> after
"""
_DAG_FACTORY = """\
from pathlib import Path

from dagfactory import load_yaml_dags

folder = str(Path(__file__).parent)
load_yaml_dags(globals(), dags_folder=folder, defaults_config_path=folder)
# airflow dag
"""
_DAG_FACTORY_EACH = """\
from pathlib import Path

from dagfactory import load_yaml_dags

path = Path(__file__).with_suffix(".yaml")
load_yaml_dags(globals(), config_filepath=str(path), defaults_config_path=str(path.parent))
# airflow dag
"""
_BLUEPRINT = "from blueprint import build_all_airflow_dags\n\nbuild_all_airflow_dags()\n"
_GUSTY = """\
from pathlib import Path

from gusty import create_dags

create_dags(str(Path(__file__).parent), globals(), latest_only=False)
# airflow dag
"""
_GUSTY_EACH = """\
from pathlib import Path

from gusty import create_dag

dag = create_dag(str(Path(__file__).with_suffix("")), latest_only=False)
# airflow dag
"""
_OF_2019 = """\
import json
from pathlib import Path

from loader_2019 import dags_of

globals().update(dags_of(json.loads(Path(__file__).with_suffix(".json").read_text())))
# airflow dag
"""
_BARE = """\
from datetime import datetime

from airflow.sdk import DAG, BaseOperator

with DAG({dag_id!r}, schedule={schedule!r}, start_date=datetime.fromisoformat({start!r}), catchup=False):
    made = [BaseOperator(task_id=f"step_{{number}}") for number in range(5)]
    for before, after in zip(made, made[1:]):
        before >> after
"""


def dag_ids(count: int) -> list[str]:
    """Return the ids of the DAGs, which are the families' names, too."""
    return [f"fleet-{number:05}" for number in range(count)]


def labels(dag_id: str) -> dict[str, str]:
    """Return the labels of a DAG on its task definition."""
    found = {
        "airflow.schema_version": "1",
        "airflow.dag.dag_id": dag_id,
        "airflow.dag.owner": OWNER,
        "airflow.dag.schedule.kind": "cron_trigger",
        "airflow.dag.schedule.cron": SCHEDULE,
        "airflow.dag.start_date": START,
        "airflow.dag.defaults.retries": "1",
        "airflow.ecs.cluster": "work",
        "airflow.ecs.launch_type": "FARGATE",
        **{f"airflow.ecs.subnets.{number}": each for number, each in enumerate(SUBNETS)},
        **{f"airflow.ecs.security_groups.{number}": each for number, each in enumerate(SECURITY_GROUPS)},
    }
    for number, step in enumerate(STEPS):
        found |= {f"airflow.tasks.{step}.{name}": text for name, text in _task_labels(number).items()}
    return found


def _task_labels(number: int) -> dict[str, str]:
    command = {f"command.{place}": word for place, word in enumerate(_command(STEPS[number]))}
    return {"kind": "ecs", **command} | ({"upstream.0": STEPS[number - 1]} if number else {})


def labels_2019(dag_id: str) -> dict[str, str]:
    """Return the labels of a DAG as they were written in 2019."""
    found = {
        "airflow.dag.name": dag_id,
        "airflow.dag.owner": OWNER,
        "airflow.dag.schedule_interval": SCHEDULE,
        "airflow.dag.start_date": START,
        "airflow.dag.retries": "1",
    }
    for number, step in enumerate(STEPS):
        command, *args = _command(step)
        found[f"airflow.tasks.{step}.command"] = command
        found |= {f"airflow.tasks.{step}.args.{place}": word for place, word in enumerate(args)}
        if number:
            found[f"airflow.tasks.{step}.depends.0"] = STEPS[number - 1]
    return found


LOG_CONFIGURATION = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/ecs/work", "awslogs-stream-prefix": "airflow", "awslogs-region": REGION},
}


def write_plain(folder: Path, ids: list[str]) -> None:
    """Write a file a DAG, as a person writes it."""
    for dag_id in ids:
        tasks = [
            f"    {step} = EcsRunTaskOperator(\n"
            + "".join(f"        {name}={value!r},\n" for name, value in _task(dag_id, step).items())
            + "    )\n"
            for step in STEPS
        ]
        text = (
            f"{_HEAD}\nwith DAG(\n    {dag_id!r},\n    schedule={SCHEDULE!r},\n"
            f"    start_date=datetime.fromisoformat({START!r}),\n    catchup=False,\n"
            f"    default_args={_default_args()!r},\n):\n{''.join(tasks)}    {' >> '.join(STEPS)}\n"
        )
        (folder / f"{dag_id}.py").write_text(text)


def write_one_file(folder: Path, ids: list[str]) -> None:
    """Write one file that makes all from a JSON file."""
    (folder / "fleet.py").write_text(_ONE_FILE.format(head=_HEAD))
    dags = [
        {
            "dag_id": dag_id,
            "schedule": SCHEDULE,
            "start_date": START,
            "default_args": _default_args(),
            "tasks": [_task(dag_id, step) for step in STEPS],
        }
        for dag_id in ids
    ]
    (folder / "fleet.json").write_text(json.dumps(dags))


def write_dag_factory(folder: Path, ids: list[str]) -> None:
    """Write a YAML file a DAG, and the one file that loads them."""
    (folder / "fleet.py").write_text(_DAG_FACTORY)
    for dag_id in ids:
        tasks = [
            {**_task(dag_id, step), "operator": OPERATOR, "dependencies": STEPS[number - 1 : number] if number else []}
            for number, step in enumerate(STEPS)
        ]
        defaults = {**_default_args(), "start_date": START}
        dag = {"default_args": defaults, "schedule": SCHEDULE, "catchup": False, "tasks": tasks}
        _dump(folder / f"{dag_id}.yaml", {dag_id: dag})


def write_dag_factory_each(folder: Path, ids: list[str]) -> None:
    """Write a YAML file a DAG, and a file for each that loads it."""
    write_dag_factory(folder, ids)
    _write_loaders(folder, ids, _DAG_FACTORY_EACH)


def write_blueprint(folder: Path, ids: list[str]) -> None:
    """Write a YAML file a DAG, the platform's blueprints, and the file that loads them."""
    (folder / "fleet.py").write_text(_BLUEPRINT)
    shutil.copy(Path(__file__).with_name("platform_blueprints.py"), folder / "platform_blueprints.py")
    for dag_id in ids:
        steps = {
            step: {
                "blueprint": "ecs_container",
                "depends_on": STEPS[number - 1 : number] if number else [],
                "command": [step, "--day"],
                "cluster": "work",
                "subnets": SUBNETS,
                "security_groups": SECURITY_GROUPS,
            }
            for number, step in enumerate(STEPS)
        }
        dag = {"dag_id": dag_id, "schedule": SCHEDULE, "start_date": START, **_default_args(), "steps": steps}
        _dump(folder / f"{dag_id}.dag.yaml", dag)


def write_gusty(folder: Path, ids: list[str]) -> None:
    """Write a folder a DAG with a YAML file a task, and the file that loads them."""
    (folder / "fleet.py").write_text(_GUSTY)
    for dag_id in ids:
        (folder / dag_id).mkdir()
        defaults = {**_default_args(), "start_date": START}
        _dump(folder / dag_id / "METADATA.yml", {"schedule": SCHEDULE, "catchup": False, "default_args": defaults})
        for number, step in enumerate(STEPS):
            task = {name: value for name, value in _task(dag_id, step).items() if name != "task_id"}
            if number:
                task["dependencies"] = [STEPS[number - 1]]
            _dump(folder / dag_id / f"{step}.yml", {"operator": OPERATOR, **task})


def write_gusty_each(folder: Path, ids: list[str]) -> None:
    """Write a folder a DAG with a YAML file a task, and a file for each that loads it."""
    write_gusty(folder, ids)
    _write_loaders(folder, ids, _GUSTY_EACH)


def write_2019(folder: Path, ids: list[str]) -> None:
    """Write the task definitions, as the loader of 2019 finds them, and the file that loads them."""
    (folder / "fleet.py").write_text(_OF_2019)
    definitions = [{"family": dag_id, "containers": {"main": labels_2019(dag_id)}} for dag_id in ids]
    (folder / "fleet.json").write_text(json.dumps(definitions))


def write_bare(folder: Path, ids: list[str]) -> None:
    """Write a file a DAG with nothing but Airflow's own: the floor."""
    for dag_id in ids:
        (folder / f"{dag_id}.py").write_text(_BARE.format(dag_id=dag_id, schedule=SCHEDULE, start=START))


WRITERS: dict[str, Callable[[Path, list[str]], None]] = {
    "one file over JSON": write_one_file,
    "plain files": write_plain,
    "dag-factory": write_dag_factory,
    "airflow-blueprint": write_blueprint,
    "gusty": write_gusty,
    "dag-factory, a file each": write_dag_factory_each,
    "gusty, a file each": write_gusty_each,
    "2019": write_2019,
    "bare DAGs, a file each": write_bare,
}


def _write_loaders(folder: Path, ids: list[str], text: str) -> None:
    """Have a loader for each DAG in the place of the one for all."""
    (folder / "fleet.py").unlink()
    for dag_id in ids:
        (folder / f"{dag_id}.py").write_text(text)


def _default_args() -> dict[str, Any]:
    return {"owner": OWNER, "retries": 1}


def _command(step: str) -> list[str]:
    return [step, "--day", "{{ ds }}"]


def _task(dag_id: str, step: str) -> dict[str, Any]:
    """Return the arguments of ``EcsRunTaskOperator``."""
    return {
        "task_id": step,
        "cluster": "work",
        "task_definition": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{dag_id}:1",
        "container_name": "main",
        "launch_type": "FARGATE",
        "region_name": REGION,
        "aws_conn_id": None,
        "overrides": {"containerOverrides": [{"name": "main", "command": _command(step)}]},
        "network_configuration": {
            "awsvpcConfiguration": {"subnets": SUBNETS, "securityGroups": SECURITY_GROUPS},
        },
        "awslogs_group": "/ecs/work",
        "awslogs_region": REGION,
        "awslogs_stream_prefix": "airflow",
    }


def _dump(path: Path, value: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(value, sort_keys=False, width=120))

"""Small CloudFormation templates of task definitions with Airflow labels, and waiting for what becomes of them."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.airflow_api import TaskState
from airflow_ecs_dag_cli.cloud_assembly import Stack
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ecs_dag_cli.local_project import LocalProject

REPOSITORY = Path(__file__).parents[2]
TROUBLE = re.compile(r"error|exception|reported that|killed", re.IGNORECASE)
"""Marks the lines in the logs of Airflow's processes that are shown with a failed run."""
SECONDS = 60.0
"""How long Airflow may take to show a change before a test gives up; not what it should take."""
RUN_SECONDS = 180.0
"""As above, for a run from its first task to its last."""


def copy_sample(folder: Path) -> Path:
    """Copy the sample project, so that a test's state and the developer's own don't meet."""
    shutil.copy(REPOSITORY / "cdk.json", folder)
    shutil.copytree(REPOSITORY / "cdk", folder / "cdk", ignore=shutil.ignore_patterns("__pycache__", "cdk.out"))
    return folder


def labels(dag_id: str, *task_ids: str, **fields: Any) -> dict[str, str]:
    return encode(DagSpec(dag_id=dag_id, tasks=[EcsTaskSpec(task_id=task_id) for task_id in task_ids], **fields))


def task_definition(family: str, docker_labels: dict[str, str], image: str) -> dict[str, Any]:
    return {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": family,
            "ContainerDefinitions": [
                {
                    "Name": "main",
                    "Image": image,
                    "Memory": 128,
                    "Essential": True,
                    "DockerLabels": docker_labels,
                    "LogConfiguration": {
                        "LogDriver": "awslogs",
                        "Options": {
                            "awslogs-group": f"/jobs/{family}",
                            "awslogs-stream-prefix": "jobs",
                            "awslogs-region": "eu-west-1",
                            "awslogs-create-group": "true",
                        },
                    },
                }
            ],
        },
    }


def stack(name: str, **resources: dict[str, Any]) -> Stack:
    return Stack(id=name, name=name, path=name, template={"Resources": resources})


def broken_resource() -> dict[str, Any]:
    """Return a resource that CloudFormation can't create, so that the whole deployment is rolled back."""
    return {"Type": "AWS::No::SuchThing", "Properties": {}}


def image_of(local: LocalProject) -> str:
    """Return the sample's image, as its task definition names it."""
    return local.assembly.images[0].uri


def wait_for(what: Callable[[], Any], describe: str, *, local: LocalProject, within: float = SECONDS) -> Any:
    """Return the first true value of ``what``."""
    deadline = time.monotonic() + within
    while not (found := what()):
        local.airflow.check()
        assert time.monotonic() < deadline, f"not within {within:g} s: {describe}; {local.airflow.api.import_errors()}"
        time.sleep(0.3)
    return found


def task_ids(local: LocalProject, dag_id: str) -> set[str]:
    """Return the ids of the tasks that Airflow shows for a DAG."""
    if local.airflow.api.dag(dag_id) is None:
        return set()
    return {task["task_id"] for task in local.airflow.api.dag_tasks(dag_id)}


def run_to_end(local: LocalProject, dag_id: str, **options: Any) -> tuple[str, str]:
    """Trigger a run; return its id and the state in which it ended."""
    run_id = local.airflow.api.trigger(dag_id, **options)
    return run_id, end_of_run(local, dag_id, run_id)


def end_of_run(local: LocalProject, dag_id: str, run_id: str) -> str:
    """Return the state in which a run ends."""
    state: str = wait_for(
        lambda: (state := local.airflow.api.run_state(dag_id, run_id)) in {"success", "failed"} and state,
        f"the end of run {run_id}",
        local=local,
        within=RUN_SECONDS,
    )
    if state == "failed":
        show_failure(local, dag_id, run_id)
    return state


def show_failure(local: LocalProject, dag_id: str, run_id: str) -> None:
    """Print what a person would look for, so that a test that expected success shows it."""
    for task in local.airflow.api.tasks(dag_id, run_id):
        print(task)  # noqa: T201 - pytest keeps it for a test that fails
        if task.state == "failed":
            print(log_text(local, dag_id, run_id, task.task_id))  # noqa: T201 - as above
    for process in sorted(local.airflow.folder.glob("*.log")):
        told = [line for line in process.read_text(errors="replace").splitlines() if TROUBLE.search(line)]
        print(f"{process.name}:", *told[-20:], sep="\n")  # noqa: T201 - as above


def log_text(local: LocalProject, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1) -> str:
    """Return the messages in the log of a task's first try."""
    first = TaskState(task_id=task_id, try_number=1, state=None, operator="", map_index=map_index)
    events = local.airflow.api.log(dag_id, run_id, first)
    causes = [str(cause.get("exc_value")) for event in events for cause in event.error_detail]
    return "\n".join([*(event.message for event in events), *causes])

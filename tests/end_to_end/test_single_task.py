"""One task of a DAG by itself: it runs with all its instances, the tasks before and after it don't."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly
from airflow_ecs_dag_cli.single_task import SingleTask
from airflow_ecs_dag_cli.stack_deployment import deploy, destroy
from airflow_ecs_dag_cli.terminal import Terminal
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, encode
from airflow_ecs_dag_schema.tasks import ExpandItems, TaskSpec
from end_to_end.stacks import image_of, log_text, stack, task_definition, task_ids, wait_for

if TYPE_CHECKING:
    from airflow_ecs_dag_cli.local_project import LocalProject

pytestmark = [pytest.mark.airflow, pytest.mark.emulator]

TASKS: list[TaskSpec] = [
    EcsTaskSpec(task_id="first"),  # the sample's program has no such command
    EcsTaskSpec(task_id="days", upstream=["first"], expand=ExpandItems(items=["x"])),
    EcsTaskSpec(
        task_id="mapped",
        upstream=["days"],
        command=["convert"],
        args=["{{ item }}"],
        expand=ExpandItems(items=["2020-01-01", "2020-01-02"]),
    ),
    EcsTaskSpec(
        task_id="group.given",
        upstream=["first"],
        command=["convert"],
        args=["{{ ti.xcom_pull(task_ids='first')['day'] }}"],
    ),
    EcsTaskSpec(task_id="mend", upstream=["first"], trigger_rule="one_failed", command=["convert", "2020-03-01"]),
    EcsTaskSpec(task_id="last", upstream=["mapped", "group.given"]),
]


def test_one_task_runs_and_no_other(local: LocalProject) -> None:
    jobs = stack(
        "Single", Jobs=task_definition("single", encode(DagSpec(dag_id="single", tasks=TASKS)), image_of(local))
    )
    deploy(local.aws, jobs)
    assembly = CloudAssembly(folder=Path(), stacks=(jobs,))
    wait_for(lambda: len(task_ids(local, "single")) == len(TASKS), "the DAG", local=local)

    def run(task_id: str, **outputs: str) -> tuple[str, dict[str, str | None], str]:
        task = SingleTask.of(assembly, "single", task_id, outputs)
        verdict = task.run(local.airflow, Terminal(), date=None, params={})
        last = local.airflow.api.last_run("single")
        assert last is not None
        run_id = last["dag_run_id"]
        return verdict, {each.name: each.state for each in local.airflow.api.tasks("single", run_id)}, run_id

    verdict, states, run_id = run("mapped")
    assert verdict == "success"
    assert states == {
        "first": "success",
        "days[0]": "success",
        "mapped[0]": "success",
        "mapped[1]": "success",
        "group.given": "skipped",
        "mend": "skipped",
        "last": "skipped",
    }
    assert "Converted data of date 2020-01-02" in log_text(local, "single", run_id, "mapped", map_index=1)
    assert log_text(local, "single", run_id, "first") == ""

    verdict, _, run_id = run("group.given", first='{"day": "2020-02-01"}')
    assert verdict == "success"
    assert "Converted data of date 2020-02-01" in log_text(local, "single", run_id, "group.given")

    verdict, states, _ = run("mend")
    assert (verdict, states["first"]) == ("success", "failed")

    verdict, states, _ = run("first")
    assert (verdict, states["last"]) == ("failed", "skipped")
    destroy(local.aws, "Single")

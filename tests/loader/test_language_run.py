"""A DAG from its labels to the end of its run: outputs, mapping, branches, params, groups, another task definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_schema import DagSpec, EcsSettings, EcsTaskSpec, decode, encode
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.params import IntegerParam, StringListParam
from airflow_ecs_dag_schema.tasks import BranchSpec, ExpandOutput, ParamItemsSpec, ShortCircuitSpec
from loader.dag_runs import run_dag
from loader.ecs_operators import LOGS, ecs_tasks
from loader.sources import SOURCE

if TYPE_CHECKING:
    from loader.ecs_account import EcsAccount

pytestmark = pytest.mark.emulator

SPEC = DagSpec(
    dag_id="language",
    ecs=EcsSettings(cluster="work"),
    params={"countries": StringListParam(default=("nl", "be")), "rows": IntegerParam(default=4)},
    tasks=(
        EcsTaskSpec(
            task_id="load.extract",
            command=("output",),
            args=('{"rows": {{ params.rows }}, "files": ["x", "y"], "next": "load.write"}',),
        ),
        ShortCircuitSpec(
            task_id="any", output=OutputRef(task_id="load.extract", key="rows"), upstream=("load.extract",)
        ),
        EcsTaskSpec(
            task_id="files",
            command=("output", OutputRef(task_id="load.extract", key="files").template),
            upstream=("any",),
        ),
        EcsTaskSpec(
            task_id="each",
            command=("say", "{{ item }}"),
            expand=ExpandOutput(task_id="files"),
            map_index_template="file {{ item }}",
            upstream=("files",),
        ),
        ParamItemsSpec(task_id="items", param="countries", upstream=("any",)),
        EcsTaskSpec(
            task_id="country",
            task_definition="model",
            environment={"COUNTRY": "{{ item }}"},
            expand=ExpandOutput(task_id="items"),
            upstream=("items",),
        ),
        BranchSpec(
            task_id="which",
            output=OutputRef(task_id="load.extract", key="next"),
            upstream=("each", "load.extract"),
        ),
        EcsTaskSpec(task_id="load.write", upstream=("which",)),
        EcsTaskSpec(task_id="other", upstream=("which",)),
        EcsTaskSpec(task_id="done", command=("exit", "99"), skip_on_exit_code=(99,)),
    ),
)


def test_from_labels_to_the_end_of_a_run(work: EcsAccount) -> None:
    model = work.register("model", {"airflow.run_by": "language"}, logConfiguration=LOGS)
    own = work.register("language", encode(SPEC), logConfiguration=LOGS)
    definition = scan(work.ecs(), known={}).definitions[own]
    assert definition is not None
    spec = decode(definition.labels)
    assert spec == SPEC

    run = run_dag(build_dag(spec, DagSource.of(definition, spec, SOURCE)), rows=7)

    assert run.errors == []
    assert {task for task, state in run.states.items() if state == "skipped"} == {"other", "done"}
    assert {state for task, state in run.states.items() if task not in {"other", "done"}} == {"success"}
    assert run.outputs == {
        "load.extract": {"rows": 7, "files": ["x", "y"], "next": "load.write"},
        "files": ["x", "y"],
        "items": ["nl", "be"],
    }
    assert (run.names["each[0]"], run.names["each[1]"]) == ("file x", "file y")
    ran = [(each["taskDefinitionArn"], each["overrides"]["containerOverrides"][0]) for each in ecs_tasks(work)]
    commands = sorted(container["command"] for arn, container in ran if arn == own)
    assert commands == [
        ["exit", "99"],
        ["output", '["x","y"]'],
        ["output", '{"rows": 7, "files": ["x", "y"], "next": "load.write"}'],
        ["say", "x"],
        ["say", "y"],
        ["write"],
    ]
    countries = [container["environment"] for arn, container in ran if arn == model]
    assert sorted(each["value"] for (each,) in countries) == ["be", "nl"]

"""Mapped tasks in whole runs: over texts, over an output, over a param; their names, and what is in an item."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from airflow_ecs_dag_loader.branching import ParamItems
from airflow_ecs_dag_loader.runner.ecs_task_operator import MAP_INDEX_TEMPLATE, EcsTaskOperator
from airflow_ecs_dag_schema.templates import check_template
from loader.dag_runs import Puts, run_dag
from loader.ecs_operators import LOGS, arguments_for, ecs_tasks

if TYPE_CHECKING:
    from loader.ecs_account import EcsAccount

pytestmark = pytest.mark.emulator

HOSTILE = "{{ macros.uuid.os.popen('touch /tmp/hostile').read() }}{{ 7 * 7 }}{% raw %}"
"""What a container could put out in the hope that Airflow fills it in."""


def commands(account: EcsAccount) -> list[list[str]]:
    return sorted(list(task["overrides"]["containerOverrides"][0]["command"]) for task in ecs_tasks(account))


def mapped(definition: str, over: Any, *command: str, name: str | None = None, **arguments: Any) -> Any:
    if name is not None:
        arguments |= {"map_name": name, "map_index_template": MAP_INDEX_TEMPLATE}
    partial = EcsTaskOperator.partial(
        task_id="convert", command=list(command), **arguments_for(definition, **arguments)
    )
    return partial.expand(item=over)


def test_over_texts(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    with DAG("mapped_texts", schedule=None) as dag:
        mapped(
            definition,
            ["nl", "be"],
            "environment",
            "COUNTRY",
            "{{ item }}",
            environment={"COUNTRY": "{{ item | upper }}"},
            name="{{ item }} {{ map_index }}",
        )
    run = run_dag(dag)
    assert run.states == {"convert[0]": "success", "convert[1]": "success"}
    assert run.names == {"convert[0]": "nl 0", "convert[1]": "be 1"}
    assert commands(work) == [["environment", "COUNTRY", "be"], ["environment", "COUNTRY", "nl"]]
    assert {"COUNTRY=NL", "COUNTRY=BE"} <= set(run.lines)


def test_over_an_output_and_its_results_in_a_task_after_it(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    with DAG("mapped_output", schedule=None) as dag:
        files = '[{"key": "a", "rows": 2}, {"key": "b", "rows": null}]'
        listed = EcsTaskOperator(
            task_id="list", command=["output", files], output_needed=True, **arguments_for(definition)
        )
        convert = mapped(definition, listed.output, "output", "{{ item['rows'] }}", name="{{ item['key'] }}")
        report = EcsTaskOperator(
            task_id="report",
            command=["say", "{{ ti.xcom_pull(task_ids='convert') }}", "{{ ti.xcom_pull(task_ids='list')[1] }}"],
            **arguments_for(definition),
        )
        listed >> convert >> report
    run = run_dag(dag)
    assert set(run.states.values()) == {"success"}, run.errors
    assert (run.names["convert[0]"], run.names["convert[1]"]) == ("a", "b")
    assert run.outputs["convert[0]"] == 2
    assert run.outputs["convert[1]"] is None
    assert ["say", "[2,null]", '{"key":"b","rows":null}'] in commands(work)


def test_over_a_param(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    with DAG("mapped_param", schedule=None, params={"countries": ["nl"]}) as dag:
        items = ParamItems(task_id="items", param="countries")
        mapped(definition, items.output, "convert", "{{ item }}")
    run = run_dag(dag, countries=["de", "fr", HOSTILE])
    assert run.state == "success"
    assert commands(work) == [["convert", "de"], ["convert", "fr"], ["convert", HOSTILE]]


def test_an_empty_list_makes_no_instance_and_skips(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    with DAG("mapped_empty", schedule=None) as dag:
        items = Puts(task_id="items", value=[])
        mapped(definition, items.output, "convert", "{{ item }}")
    run = run_dag(dag)
    assert run.states == {"items": "success", "convert": "skipped"}
    assert ecs_tasks(work) == []


def test_an_item_and_a_name_are_never_filled_in(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    with DAG("mapped_hostile", schedule=None) as dag:
        items = Puts(task_id="items", value=[{"name": HOSTILE}, {"name": "{{ ds }}"}])
        mapped(definition, items.output, "convert", "{{ item['name'] }}", name="{{ item['name'] }}")
    run = run_dag(dag)
    assert run.states["convert[0]"] == run.states["convert[1]"] == "success"
    assert commands(work) == [["convert", "{{ ds }}"], ["convert", HOSTILE]]
    assert (run.names["convert[0]"], run.names["convert[1]"]) == (HOSTILE, "{{ ds }}")


@pytest.mark.parametrize(
    "name",
    [
        "{{ macros.uuid.os.popen('id').read() }}",
        "{{ conn.aws_default.password }}",
        "{{ task.item }}",
        "{{ item.__class__ }}",
    ],
)
def test_a_hostile_template_of_a_name_fails_the_task_and_names_nothing(work: EcsAccount, name: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        check_template(name)  # no label gets so far; if one did:
    with DAG("mapped_hostile_name", schedule=None) as dag:
        mapped(work.register("reports"), ["nl"], "convert", name=name)
    run = run_dag(dag)
    assert run.states == {"convert[0]": "failed"}
    assert run.names == {"convert[0]": "0"}  # its number, as Airflow shows what has no name
    run.assert_failed_with("allowed")
    assert ecs_tasks(work) == []


def test_a_failed_instance_has_its_name_and_only_it_is_tried_again(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    with DAG("mapped_retries", schedule=None) as dag:
        mapped(
            definition,
            ["0", "3"],
            "exit",
            "{{ item }}",
            name="{{ item }}, try {{ try_number }}",
            retries=1,
            retry_delay=timedelta(0),
        )
    run = run_dag(dag)
    assert run.states == {"convert[0]": "success", "convert[1]": "failed"}
    assert run.tries == {"convert[0]": 1, "convert[1]": 2}
    assert run.names == {"convert[0]": "0, try 1", "convert[1]": "3, try 2"}
    assert commands(work) == [["exit", "0"], ["exit", "3"], ["exit", "3"]]


def test_an_instance_is_skipped_by_its_exit_code(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    with DAG("mapped_skips", schedule=None) as dag:
        mapped(definition, ["0", "99"], "exit", "{{ item }}", skip_on_exit_code=[99])
    assert run_dag(dag).states == {"convert[0]": "success", "convert[1]": "skipped"}


def test_a_name_longer_than_airflow_keeps_is_cut(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    with DAG("mapped_long_name", schedule=None) as dag:
        mapped(definition, ["x" * 2_000], "convert", name="{{ item }}")
    assert run_dag(dag).names == {"convert[0]": "x" * 250}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["output", '{"a": 1}'], r"mapped over the output of list, so it must be a JSON list; got '\{\"a\": 1\}'"),
        (["output", "null"], "must be a JSON list; got 'null'"),
        (["output", str(list(range(1_025)))], r"has 1025 entries; Airflow takes 1024 \(\[core\] max_map_length\)"),
        (["convert"], "mapped over the output of list, but its container printed no line airflow-output:"),
    ],
    ids=["object", "null", "too long", "nothing"],
)
def test_what_is_no_list_fails_the_task_that_puts_it_out(work: EcsAccount, command: list[str], words: str) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    with DAG("mapped_over_no_list", schedule=None) as dag:
        listed = EcsTaskOperator(task_id="list", command=command, output_needed=True, **arguments_for(definition))
        mapped(definition, listed.output, "convert")
    run = run_dag(dag)
    assert run.states == {"list": "failed", "convert": "upstream_failed"}
    run.assert_failed_with(words)

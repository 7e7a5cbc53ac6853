"""What goes on after an output is known, in whole runs under Airflow's own scheduling."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TaskGroup

from airflow_ecs_dag_loader.branching import OutputBranch, OutputShortCircuit, ParamItems
from loader.dag_runs import Puts, run_dag

if TYPE_CHECKING:
    from loader.dag_runs import DagRunResult

JSON_TRUE = [True, 1, -0.5, "no", "false", [0], {"a": None}]
JSON_FALSE = [False, 0, 0.0, "", [], {}, None]


def short_circuit(*values: object, key: str | None = None, **arguments: Any) -> DagRunResult:
    """Run a DAG that decides each of ``values`` on a branch of its own."""
    with DAG("short_circuit", schedule=None) as dag:
        for number, value in enumerate(values):
            look = Puts(task_id=f"look{number}", value=value)
            decide = OutputShortCircuit(
                task_id=f"decide{number}", output_task_id=look.task_id, output_key=key, **arguments
            )
            always = EmptyOperator(task_id=f"always{number}", trigger_rule="all_done")
            look >> decide >> EmptyOperator(task_id=f"work{number}") >> always
    return run_dag(dag)


def test_what_is_true_goes_on() -> None:
    run = short_circuit(*JSON_TRUE)
    assert set(run.states.values()) == {"success"}


def test_what_is_not_true_skips_all_tasks_after_it() -> None:
    run = short_circuit(*JSON_FALSE)
    for number, value in enumerate(JSON_FALSE):
        for task, state in (("look", "success"), ("decide", "success"), ("work", "skipped"), ("always", "skipped")):
            assert run.states[f"{task}{number}"] == state, value
    assert run.state == "success"
    assert "the output of task look6 is 'null': skipped are always6, work6" in run.lines


def test_an_output_of_airflows_own_operators_need_not_be_json() -> None:
    run = short_circuit({"at": datetime(2026, 1, 31, tzinfo=UTC)})
    assert set(run.states.values()) == {"success"}
    assert any("2026-01-31 00:00:00+00:00" in line for line in run.lines)


def test_trigger_rules_count_where_they_are_not_ignored() -> None:
    run = short_circuit(0, ignore_downstream_trigger_rules=False)
    assert run.states == {"look0": "success", "decide0": "success", "work0": "skipped", "always0": "success"}


def test_a_teardown_is_not_skipped() -> None:
    with DAG("short_circuit_teardown", schedule=None) as dag:
        setup = EmptyOperator(task_id="setup").as_setup()  # type: ignore[no-untyped-call] # Airflow leaves it out
        decide = OutputShortCircuit(task_id="decide", output_task_id="look")
        work = EmptyOperator(task_id="work")
        setup >> Puts(task_id="look", value=0) >> decide >> work >> EmptyOperator(task_id="clean").as_teardown()
        setup >> dag.get_task("clean")
    states = run_dag(dag).states
    assert (states["work"], states["clean"]) == ("skipped", "success")


def test_one_entry_decides() -> None:
    run = short_circuit({"rows": 3}, {"rows": 0}, key="rows")
    assert (run.states["work0"], run.states["work1"]) == ("success", "skipped")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Puts.NOTHING, "task look0 has no output in this run"),
        ({"lines": 3}, "the output of task look0 has no entry 'rows': its entries are 'lines'"),
        ([3], r"has no entry 'rows': it is no JSON object but '\[3\]'"),
    ],
    ids=["nothing", "another entry", "a list"],
)
def test_an_output_that_is_not_there_is_an_error(value: object, words: str) -> None:
    run = short_circuit(value, key="rows")
    assert run.states["decide0"] == "failed"
    assert run.states["work0"] == "upstream_failed"
    run.assert_failed_with(words)


def branch(value: object, *, key: str | None = None) -> DagRunResult:
    with DAG("branch", schedule=None) as dag:
        choose = OutputBranch(task_id="choose", output_task_id="look", output_key=key)
        join = EmptyOperator(task_id="join", trigger_rule="none_failed_min_one_success")
        with TaskGroup("load"):
            full = EmptyOperator(task_id="full")
        Puts(task_id="look", value=value) >> choose >> [EmptyOperator(task_id="part"), full] >> join
    return run_dag(dag)


@pytest.mark.parametrize(
    ("value", "part", "full", "join"),
    [
        ("part", "success", "skipped", "success"),
        ("load.full", "skipped", "success", "success"),
        (["load.full"], "skipped", "success", "success"),
        (["load.full", "part"], "success", "success", "success"),
        ([], "skipped", "skipped", "skipped"),
    ],
)
def test_the_output_chooses(value: object, part: str, full: str, join: str) -> None:
    run = branch(value)
    assert run.states == {"look": "success", "choose": "success", "part": part, "load.full": full, "join": join}


def test_an_entry_of_the_output_chooses() -> None:
    assert branch({"next": "part"}, key="next").states["load.full"] == "skipped"


@pytest.mark.parametrize(
    "value", ["full", "load", "join", "look", ["part", "join"], [["part"]], None, 1, {"part": 1}, ""], ids=repr
)
def test_what_is_no_task_right_after_it_fails_the_task(value: object) -> None:
    run = branch(value)
    assert run.states["choose"] == "failed"
    run.assert_failed_with(
        r"the id of a task right after choose, or a list of them; got .*, allowed are load.full, part"
    )
    assert run.states["part"] == run.states["load.full"] == "upstream_failed"


@pytest.mark.parametrize("given", [["a", "b"], []])
def test_the_texts_of_a_param_are_put_out(given: list[str]) -> None:
    with DAG("param_items", schedule=None, params={"countries": ["nl"]}) as dag:
        ParamItems(task_id="items", param="countries")
    assert run_dag(dag).outputs == {"items": ["nl"]}
    assert run_dag(dag, countries=given).outputs == {"items": given}


def test_a_param_that_was_left_empty_has_no_items() -> None:
    with DAG("param_items_empty", schedule=None, params={"countries": None}) as dag:
        ParamItems(task_id="items", param="countries")
    assert run_dag(dag).outputs == {"items": []}


def test_a_param_that_is_no_list_is_an_error() -> None:
    with DAG("param_items_text", schedule=None, params={"countries": "nl"}) as dag:
        ParamItems(task_id="items", param="countries")
    run = run_dag(dag)
    assert run.states == {"items": "failed"}
    run.assert_failed_with("a task is mapped over the param countries, so it must be a JSON list; got '\"nl\"'")

"""Outputs, params and items: what stands for them in a task, and where they can't be."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag import (
    Branch,
    DagDefinitionError,
    EcsTask,
    IntegerParam,
    LatestOnly,
    Output,
    ParamItems,
    ShortCircuit,
    StringListParam,
    StringParam,
    TaskGroup,
    item,
    param,
)
from airflow_ecs_dag_schema.outputs import OutputRef
from airflow_ecs_dag_schema.tasks import BranchSpec, EcsTaskSpec, ExpandItems, ExpandOutput, ShortCircuitSpec
from construct.defined import defined, refused, task_of

if TYPE_CHECKING:
    from airflow_ecs_dag.tasks import Task


@pytest.fixture
def extract() -> EcsTask:
    return EcsTask("extract")


def ecs(tasks: object, task_id: str, **fields: Any) -> EcsTaskSpec:
    found = task_of(tasks, task_id, **fields)
    assert isinstance(found, EcsTaskSpec)
    return found


def test_an_output_is_airflows_own_template(extract: EcsTask) -> None:
    load = EcsTask(
        "load",
        command=["load", extract.output],
        args=[extract.output["rows"], f"--from={extract.output['path']}/{extract.output['rows']}"],
        environment={"ALL": extract.output, "ROWS": f"{extract.output['rows']} rows"},
    )
    found = ecs(extract >> load, "load")
    rows = "{{ ti.xcom_pull(task_ids='extract')['rows'] }}"
    assert found.command == ("load", "{{ ti.xcom_pull(task_ids='extract') }}")
    assert found.args == (rows, f"--from={{{{ ti.xcom_pull(task_ids='extract')['path'] }}}}/{rows}")
    assert found.environment == {"ALL": "{{ ti.xcom_pull(task_ids='extract') }}", "ROWS": f"{rows} rows"}


def test_an_output_of_a_task_in_groups_has_its_whole_id(extract: EcsTask) -> None:
    check = EcsTask("check", args=[f"--rows={extract.output['rows']}"])
    flow = TaskGroup("get", TaskGroup("all", extract)) >> check
    assert ecs(flow, "check").args == ("--rows={{ ti.xcom_pull(task_ids='get.all.extract')['rows'] }}",)


def test_params_and_items() -> None:
    load = EcsTask(
        "load",
        args=[param("country"), f"--year={param('year')}", item, item["name"], item[0]],
        expand=["a", "b"],
        map_index_template=item["name"],
    )
    found = ecs(load, "load", params={"country": StringParam(default="nl"), "year": IntegerParam(default=2026)})
    assert found.args == (
        "{{ params.country }}",
        "--year={{ params.year }}",
        "{{ item }}",
        "{{ item['name'] }}",
        "{{ item[0] }}",
    )
    assert found.expand == ExpandItems(items=["a", "b"])
    assert found.map_index_template == "{{ item['name'] }}"


def test_a_task_mapped_over_an_output_and_over_a_param(extract: EcsTask) -> None:
    assert ecs(extract >> EcsTask("load", expand=extract.output), "load").expand == ExpandOutput(task_id="extract")
    countries = ParamItems("countries", param=param("countries"))
    flow = countries >> EcsTask("load", args=[item], expand=countries.output)
    found = ecs(flow, "load", params={"countries": StringListParam(default=["nl", "be"])})
    assert found.expand == ExpandOutput(task_id="countries")


def test_deciding_by_an_output(extract: EcsTask) -> None:
    any_rows = ShortCircuit("any", condition=extract.output["rows"], ignore_downstream_trigger_rules=False)
    which = Branch("which", choice=extract.output["next"])
    spec = defined(extract >> any_rows >> which >> [EcsTask("full"), EcsTask("delta")])
    assert [task for task in spec.tasks if not isinstance(task, EcsTaskSpec)] == [
        ShortCircuitSpec(
            task_id="any",
            upstream=("extract",),
            output=OutputRef(task_id="extract", key="rows"),
            ignore_downstream_trigger_rules=False,
        ),
        BranchSpec(task_id="which", upstream=("any",), output=OutputRef(task_id="extract", key="next")),
    ]


class TestRefused:
    def test_an_output_of_a_task_that_the_dag_does_not_have(self, extract: EcsTask) -> None:
        found = refused(EcsTask("load", args=[extract.output]))
        assert found.keys() == {"tasks.load"}
        assert "the DAG doesn't have the task whose output this is, made at tests" in found["tasks.load"]

    def test_an_output_of_a_changed_copy(self, extract: EcsTask) -> None:
        flow = replace(extract, retries=3) >> EcsTask("load", args=[extract.output])
        assert "pass that very value" in refused(flow)["tasks.load"]

    def test_an_output_of_an_equal_copy_is_the_same(self, extract: EcsTask) -> None:
        for same in (copy.copy(extract), copy.deepcopy(extract), replace(extract)):
            assert ecs(same >> EcsTask("load", args=[extract.output]), "load").args

    def test_an_output_without_an_arrow(self, extract: EcsTask) -> None:
        found = refused([extract, EcsTask("load", args=[extract.output["rows"]])])
        assert "does not run before this one, so its output is not there yet" in found["tasks.load.args.0"]

    def test_deciding_by_a_later_task(self, extract: EcsTask) -> None:
        found = refused(ShortCircuit("any", condition=extract.output) >> extract)
        assert found.keys() == {"tasks.any.condition"}
        found = refused(Branch("which", choice=extract.output["x"]) >> extract)
        assert found.keys() == {"tasks.which.choice"}

    def test_a_param_that_is_not_declared(self) -> None:
        found = refused(EcsTask("load", args=[param("country")]))
        assert "the DAG has no param 'country'" in found["tasks.load.args.0"]

    def test_an_item_without_a_list(self) -> None:
        assert "give expand, too" in refused(EcsTask("load", args=[item]))["tasks.load.args.0"]

    def test_outputs_where_nothing_fills_them_in(self, extract: EcsTask) -> None:
        load = EcsTask("load", doc_md=f"Loads {extract.output['rows']}", pool=str(extract.output))
        found = refused(extract >> load, description=f"{extract.output}")
        assert found.keys() == {"description", "tasks.load.doc_md", "tasks.load.pool"}
        assert "known only when a task runs" in found["description"]

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: EcsTask("a").output[""], "a key of an output is a text"),
            (lambda: EcsTask("a").output["it's"], "a key of an output is a text"),
            (lambda: EcsTask("a").output[0], "a key of an output is a text"),  # type: ignore[index]
            (lambda: EcsTask("a").output["x"]["y"], "an entry of an entry"),
            (lambda: item["it's"], "a key of an item is a text"),
            (lambda: item[-1], "a key of an item is a text"),
            (lambda: item[True], "a key of an item is a text"),
            (lambda: item["x"]["y"], "an entry of an entry"),
            (lambda: param("my param"), "the name of a param"),
            (lambda: bool(EcsTask("a").output), r"has no value before the task runs.*ShortCircuit"),
            (lambda: EcsTask("a", args=EcsTask("b").output), r"write args=\[b.output\]"),  # type: ignore[arg-type]
            (lambda: EcsTask("a", expand=EcsTask("b").output["x"]), "over the whole output"),
            (lambda: EcsTask("a", expand=param("x")), "ParamItems"),  # type: ignore[arg-type]
            (lambda: EcsTask("a", expand=[item]), "an item is data"),  # type: ignore[list-item]
            (lambda: EcsTask("a", expand="nl"), r"write expand=\['nl'\]"),  # type: ignore[arg-type]
            (lambda: ShortCircuit("a", condition="yes"), "expected the output of a task"),  # type: ignore[arg-type]
            (lambda: Branch("a", choice=item), "expected the output of a task"),  # type: ignore[arg-type]
            (lambda: ParamItems("a", param=3), "expected the name of a param"),  # type: ignore[arg-type]
            (lambda: EcsTask("a", environment={"A": 3}), "expected a value as in"),  # type: ignore[dict-item]
            (lambda: EcsTask("a", environment=["A"]), "expected a mapping such as"),  # type: ignore[arg-type]
        ],
    )
    def test_at_once(self, make: Any, words: str) -> None:
        with pytest.raises(DagDefinitionError, match=words):
            make()

    def test_a_loop_over_an_output_ends(self) -> None:
        for value in (EcsTask("a").output, item, param("x")):
            with pytest.raises(TypeError, match="not iterable"):
                list(value)  # type: ignore[call-overload]

    def test_latest_only_has_no_output(self) -> None:
        assert not hasattr(LatestOnly("a"), "output")


def test_values_are_frozen_and_hashable(extract: EcsTask) -> None:
    environment: dict[str, str | Output] = {"A": "b", "ROWS": extract.output["rows"]}
    task = EcsTask("load", environment=environment, args=[extract.output])
    environment["C"] = "d"
    assert task.environment == {"A": "b", "ROWS": extract.output["rows"]}
    assert len({task, replace(task)}) == 1
    assert repr(task) == (
        "EcsTask('load', args=(extract.output,), environment={'A': 'b', 'ROWS': extract.output['rows']})"
    )


def test_a_long_chain_of_outputs_stays_cheap() -> None:
    task: Task = EcsTask("t0")
    flow = task.as_flow()
    for number in range(1, 1_000):
        assert isinstance(task, EcsTask)
        after = EcsTask(f"t{number}", args=[task.output])
        flow = flow >> after
        task = after
    assert hash(task)
    assert len(defined(flow).tasks) == 1_000

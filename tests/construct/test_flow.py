"""Flows are values: what `>>` and `<<` make of tasks, flows and lists."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest

from airflow_ecs_dag import DagDefinitionError, EcsTask, Flow, LatestOnly


def arrows(flow: Flow) -> set[str]:
    assert len(flow.arrows) == len(set(flow.arrows))
    return {f"{before.task_id}-{after.task_id}" for before, after in flow.arrows}


def ids(flow: Flow) -> list[str]:
    return [task.task_id for task in flow.tasks]


@pytest.fixture
def tasks() -> tuple[EcsTask, EcsTask, EcsTask, EcsTask]:
    return EcsTask("a"), EcsTask("b"), EcsTask("c"), EcsTask("d")


Four = tuple[EcsTask, EcsTask, EcsTask, EcsTask]


def test_a_chain(tasks: Four) -> None:
    a, b, c, _ = tasks
    assert arrows(a >> b >> c) == {"a-b", "b-c"}
    assert ids(a >> b >> c) == ["a", "b", "c"]


def test_brackets_make_no_difference(tasks: Four) -> None:
    a, b, c, d = tasks
    assert a >> b >> c >> d == a >> (b >> (c >> d)) == (a >> b) >> (c >> d)


def test_a_list_fans_out_and_in(tasks: Four) -> None:
    a, b, c, d = tasks
    assert arrows(a >> [b, c] >> d) == {"a-b", "a-c", "b-d", "c-d"}
    assert arrows([b, c] >> d) == {"b-d", "c-d"}
    assert arrows((a, b) >> d) == {"a-d", "b-d"}
    assert arrows(Flow.of(a, b) >> [c, d]) == {"a-c", "a-d", "b-c", "b-d"}


def test_a_list_of_flows_joins_their_ends(tasks: Four) -> None:
    a, b, c, d = tasks
    assert arrows(a >> [b >> c, d]) == {"a-b", "b-c", "a-d"}
    assert arrows([a >> b, c] >> d) == {"a-b", "b-d", "c-d"}


def test_left_arrows_are_right_arrows_reversed(tasks: Four) -> None:
    a, b, c, d = tasks
    assert arrows(d << [b, c] << a) == {"b-d", "c-d", "a-b", "a-c"}
    assert arrows([b, c] << a) == {"a-b", "a-c"}
    assert arrows(b << (c >> d)) == {"c-d", "d-b"}


def test_mixed_arrows_are_refused_because_they_can_be_read_in_two_ways(tasks: Four) -> None:
    a, b, c, _ = tasks
    with pytest.raises(DagDefinitionError, match=r"mixes >> and <<.*as in c >> \(a, b\)"):
        a >> b << c
    with pytest.raises(DagDefinitionError, match="mixes >> and <<"):
        a << b >> c


def test_nothing_changes_but_the_new_flow(tasks: Four) -> None:
    a, b, c, _ = tasks
    flow = a >> b
    longer = flow >> c
    assert arrows(flow) == {"a-b"}
    assert arrows(longer) == {"a-b", "b-c"}
    assert (a, b) == (EcsTask("a"), EcsTask("b"))
    with pytest.raises(FrozenInstanceError):
        flow.tasks = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        a.retries = 3  # type: ignore[misc]


def test_values_are_hashable_and_keep_no_list_of_the_author() -> None:
    words = ["--date", "{{ ds }}"]
    task = EcsTask("a", args=words, command=["run"])
    words.append("more")
    assert task.args == ("--date", "{{ ds }}")
    assert task == EcsTask("a", args=("--date", "{{ ds }}"), command=("run",))
    assert len({task, replace(task), task >> EcsTask("b")}) == 2


def test_equal_tasks_are_two_tasks_and_the_same_one_is_one(tasks: Four) -> None:
    a, b, c, _ = tasks
    assert len(Flow.of(EcsTask("a"), EcsTask("a")).tasks) == 2
    assert ids(Flow.of(a >> b, a >> c)) == ["a", "b", "c"]


@pytest.mark.parametrize("wrong", ["b", None, 3, [], (), ["b"], [[]], EcsTask, {"b"}])
def test_only_tasks_flows_and_lists_can_be_joined(wrong: object) -> None:
    with pytest.raises(DagDefinitionError, match=r"tasks: expected a task such as EcsTask"):
        EcsTask("a") >> wrong  # type: ignore[operator]
    with pytest.raises(DagDefinitionError, match=r"tasks: expected a task such as EcsTask"):
        wrong >> EcsTask("a")  # type: ignore[operator]


@pytest.mark.parametrize("name", ["args", "command"])
def test_a_text_is_no_list_of_texts(name: str) -> None:
    with pytest.raises(DagDefinitionError) as caught:
        EcsTask("convert", **{name: "--all now"})  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"1 problem in EcsTask('convert'):\n  - tasks.convert.{name}: expected a list of texts, one for each word: "
        f"write {name}=['--all', 'now'] (got '--all now')"
    )


def test_the_words_of_a_command_are_texts() -> None:
    with pytest.raises(DagDefinitionError) as caught:
        EcsTask("convert", args=["a", 3], command={"a"})  # type: ignore[list-item, arg-type]
    assert [problem.path for problem in caught.value.problems] == ["tasks.convert.args.1", "tasks.convert.command"]


@pytest.mark.parametrize("text", ["{ ds }", "--day={ ds_nodash }", "a { logical_date | ds } b", "{ params.country }"])
def test_braces_that_an_f_string_took_are_missed(text: str) -> None:
    with pytest.raises(DagDefinitionError) as caught:
        EcsTask("load", args=["x", text], environment={"DAY": text})
    assert [problem.path for problem in caught.value.problems] == ["tasks.load.args.1", "tasks.load.environment.DAY"]
    assert "is no template, which has two braces on each side" in str(caught.value)


@pytest.mark.parametrize("text", ["{{ ds }}", "{ds}", "{ 'ds': 1 }", "{ day }", "{{{ ds }}}", '{"a": { }}'])
def test_other_braces_are_the_containers(text: str) -> None:
    assert EcsTask("load", environment={"DAY": text}).environment == {"DAY": text}


def test_a_task_needs_an_id() -> None:
    with pytest.raises(DagDefinitionError, match="task_id: expected the task's id"):
        LatestOnly(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="positional"):
        EcsTask("a", ["b"])  # type: ignore[call-arg, arg-type]


def test_a_task_shows_the_call_that_makes_it() -> None:
    assert repr(EcsTask("a", args=["x"], retries=2)) == "EcsTask('a', retries=2, args=('x',))"
    assert repr(LatestOnly("b")) == "LatestOnly('b')"


def test_what_a_task_was_given() -> None:
    task = LatestOnly("latest", trigger_rule="all_done", retry_delay=timedelta(minutes=1), retries=0)
    assert task.given() == {
        "kind": "latest_only",
        "task_id": "latest",
        "trigger_rule": "all_done",
        "retries": 0,
        "retry_delay": timedelta(minutes=1),
    }

"""A task or an arrow that no DAG was given is named at synth; values of others never are."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs

from airflow_ecs_dag import AirflowEcsDag, EcsTask, EdgeLabel, Empty, Flow, Schedule, TaskGroup, item

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_ecs_dag.tasks import Task

    Make = Callable[[Task | Flow | Sequence[Task | Flow]], AirflowEcsDag]

A, B, C = EcsTask("a"), EcsTask("b"), EcsTask("c")
FIRST, SECOND = A >> B, A >> C


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(outdir=str(tmp_path / "cdk.out"))


@pytest.fixture
def make(app: App) -> Make:
    """Makes a DAG of tasks, each in a stack of its own."""

    def dag(tasks: Task | Flow | Sequence[Task | Flow]) -> AirflowEcsDag:
        number = len(app.node.children)
        stack = Stack(app, f"S{number}")
        task_definition = ecs.ExternalTaskDefinition(stack, "Task")
        task_definition.add_container(
            "main",
            image=ecs.ContainerImage.from_registry("x"),
            memory_limit_mib=64,
            logging=ecs.LogDriver.aws_logs(stream_prefix="d"),
        )
        return AirflowEcsDag(
            stack, "Dag", dag_id=f"d{number}", task_definition=task_definition, schedule=Schedule.manual(), tasks=tasks
        )

    return dag


def complaints(app: App) -> list[str]:
    try:
        app.synth()
    except RuntimeError as error:
        return [line.partition("] ")[2] for line in str(error).splitlines() if "[AirflowEcsDags]" in line]
    return []


def place_of(comment: str) -> str:
    """The place of the line of this file that ends in a comment, as messages show it."""
    lines = Path(__file__).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if line.endswith(f"  # {comment}")]
    return f"{os.path.relpath(__file__)}:{number}"


def test_a_task_in_no_flow(app: App, make: Make) -> None:
    a, b = EcsTask("a"), EcsTask("b")
    EcsTask("forgotten")  # no flow
    make(a >> b)
    assert complaints(app) == [
        (
            f"the task 'forgotten', made at {place_of('no flow')}, is in no flow that an "
            "AirflowEcsDag was given: pass it in tasks=[...] or remove it; a >> b alone does nothing, it returns a "
            "flow to pass"
        )
    ]


def test_a_task_made_after_the_dag(app: App, make: Make) -> None:
    make(EcsTask("a"))
    EcsTask("late")
    assert [text[:15] for text in complaints(app)] == ["the task 'late'"]


def test_a_task_in_a_comprehension(app: App, make: Make) -> None:
    tasks = [EcsTask(f"t{number}") for number in range(3)]
    make(tasks[:2])
    assert [text[:13] for text in complaints(app)] == ["the task 't2'"]


def test_an_arrow_that_was_only_written(app: App, make: Make) -> None:
    a, b, c = EcsTask("a"), EcsTask("b"), EcsTask("c")
    a >> c  # only written
    make([a >> b, c])
    assert complaints(app) == [
        (
            f"the arrow a >> c, written at {place_of('only written')}, is in no flow that "
            "an AirflowEcsDag was given: a >> b alone does nothing, it returns a flow to pass in tasks=[...]"
        )
    ]


def test_an_arrow_that_a_helper_only_wrote(app: App, make: Make) -> None:
    def flow() -> Flow:
        a, b, c = EcsTask("a"), EcsTask("b"), EcsTask("c")
        a >> c
        return a >> b

    make(flow())
    assert [text[:12] for text in complaints(app)] == ["the task 'c'"]


def test_a_group_that_was_only_made(app: App, make: Make) -> None:
    a, b = EcsTask("a"), EcsTask("b")
    flow = a >> b
    TaskGroup("load", flow)  # only made
    make(flow)
    assert complaints(app) == [
        (
            f"the task group 'load', made at {place_of('only made')}, is in no flow that an AirflowEcsDag was given, "
            "but tasks of it are: pass the group instead of its tasks, or remove it"
        )
    ]


def test_a_task_of_another_kind_in_no_flow(app: App, make: Make) -> None:
    Empty("forgotten")
    make(EcsTask("a"))
    assert [text[:20] for text in complaints(app)] == ["the task 'forgotten'"]


def test_a_labelled_arrow_that_was_only_written(app: App, make: Make) -> None:
    a, b = EcsTask("a"), EcsTask("b")
    a >> EdgeLabel("if ok") >> b
    make([a, b])
    assert [text[:16] for text in complaints(app)] == ["the arrow a >> b"]


def test_groups_outputs_and_labels_that_are_passed(app: App, make: Make) -> None:
    a, b, c = EcsTask("a"), EcsTask("b"), EcsTask("c")
    copies = EcsTask("copies", args=[item], expand=a.output)
    make(a >> EdgeLabel("x") >> TaskGroup("g", [b, TaskGroup("h", copies)]) >> c)
    assert complaints(app) == []


def test_flows_grow_without_complaint(app: App, make: Make) -> None:
    a, b, c, d = EcsTask("a"), EcsTask("b"), EcsTask("c"), EcsTask("d")
    flow = a >> b
    flow = flow >> [c, d]
    make(flow)
    assert complaints(app) == []


def test_two_dags_of_one_function(app: App, make: Make) -> None:
    a, b, c = EcsTask("a"), EcsTask("b"), EcsTask("c")
    make(a >> b)
    make([a, c])
    assert complaints(app) == []


def test_constants_of_a_module_are_not_this_apps(app: App, make: Make) -> None:
    make(FIRST)
    assert complaints(app) == []


def test_values_that_a_function_made_and_left_are_not_this_apps(app: App, make: Make) -> None:
    def compared() -> bool:
        return EcsTask("x") >> EcsTask("y") == EcsTask("x") >> EcsTask("y")

    assert compared()
    assert SECOND == A >> C
    make(SECOND)
    assert complaints(app) == []


def test_an_app_does_not_answer_for_another(tmp_path: Path, app: App, make: Make) -> None:
    EcsTask("forgotten")
    make(EcsTask("a"))
    other = App(outdir=str(tmp_path / "other"))
    task_definition = ecs.ExternalTaskDefinition(Stack(other, "Other"), "Task")
    task_definition.add_container("main", image=ecs.ContainerImage.from_registry("x"), memory_limit_mib=64)
    AirflowEcsDag(
        task_definition.stack,
        "Dag",
        dag_id="other",
        task_definition=task_definition,
        schedule=Schedule.manual(),
        tasks=EcsTask("b"),
    )
    assert complaints(other) == []
    assert len(complaints(app)) == 1


def test_a_copied_task_is_a_task(app: App, make: Make) -> None:
    make(copy.deepcopy(A))
    assert complaints(app) == []


def test_a_dag_that_raised_leaves_no_trace(app: App, make: Make) -> None:
    with pytest.raises(ValueError, match="task_id"):
        make(EcsTask("no way"))
    make(EcsTask("a"))
    assert complaints(app) == []

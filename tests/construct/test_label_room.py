"""Flat labels where they fit, packed ones where they don't; tokens whole in both."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3

from airflow_ecs_dag import EcsTask
from airflow_ecs_dag.label_room import RESERVE
from airflow_ecs_dag_schema import decode, encode
from airflow_ecs_dag_schema.limits import LABEL_BYTES, TASK_DEFINITION_BYTES, compact_size
from airflow_ecs_dag_schema.packed import is_packed
from airflow_ecs_dag_schema.tasks import EcsTaskSpec
from construct.cdk_stacks import containers, dag, deployed, fargate, labels, problems, template

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False), "Main")


def many(count: int, *args: str) -> list[EcsTask]:
    return [EcsTask(f"task_{number}", args=["--table", f"t{number}", *args]) for number in range(count)]


def test_a_thousand_tasks_of_three_arguments(stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket")
    tasks = [*many(999, "--full"), EcsTask("last", args=["--to", f"s3://{bucket.bucket_name}/x", "{{ ds }}"])]
    made = dag(stack, tasks=tasks)
    written = labels(stack)
    assert is_packed(written)
    (container,) = containers(stack)
    assert compact_size(container) < TASK_DEFINITION_BYTES
    assert max(len(key) + len(str(text)) for key, text in written.items()) <= LABEL_BYTES
    name = stack.resolve(bucket.bucket_name)
    assert written["airflow.tasks.last.args.1"] == {"Fn::Join": ["", ["s3://", name, "/x"]]}
    assert written["airflow.dag.dag_id"] == "a"
    spec = decode(deployed(written))
    assert len(spec.tasks) == 1_000
    last = next(task for task in spec.tasks if task.task_id == "last")
    assert isinstance(last, EcsTaskSpec)
    assert last.args == ("--to", deployed(written)["airflow.tasks.last.args.1"], "{{ ds }}")
    assert [task for task in spec.tasks if task is not last] == [
        task for task in made.spec.tasks if task.task_id != "last"
    ]


def test_what_else_is_in_the_task_definition_counts(stack: Stack) -> None:
    noise = {f"NAME{number}": "x" * 1_000 for number in range(50)}
    spacious, crowded = fargate(stack, "Spacious"), fargate(stack, "Crowded", environment=noise)
    flat = dag(stack, "Flat", dag_id="flat", task_definition=spacious, tasks=many(100))
    small = dag(stack, "Small", dag_id="small", task_definition=crowded, tasks=many(100))
    assert not is_packed(flat.labels)
    assert is_packed(small.labels)
    assert small.spec.tasks == flat.spec.tasks
    template(stack)


def test_some_room_is_left_for_what_comes_later(stack: Stack) -> None:
    sizes = [
        compact_size(dict(dag(stack, f"D{count}", dag_id=f"d{count}", tasks=many(count)).labels))
        for count in (100, 200)
    ]
    each = (sizes[1] - sizes[0]) / 100
    count = 200 + int((TASK_DEFINITION_BYTES - 500 - RESERVE / 2 - sizes[1]) / each)
    task_definition = fargate(stack)
    made = dag(stack, dag_id="full", tasks=many(count), task_definition=task_definition)
    flat = compact_size(encode(made.spec))
    assert TASK_DEFINITION_BYTES - RESERVE < flat < TASK_DEFINITION_BYTES - 500
    assert is_packed(made.labels)
    task_definition.default_container.add_environment("LATER", "x" * (RESERVE - 100))  # type: ignore[union-attr]
    template(stack)


def test_tokens_count_as_the_template_has_them(stack: Stack) -> None:
    """A token's text is short, the function that it stands for is not."""
    bucket = s3.Bucket(stack, "BucketWithAnUncommonlyLongNameThatMakesItsLogicalIdLongToo")
    made = dag(stack, tasks=many(190, f"s3://{bucket.bucket_name}/a", f"s3://{bucket.bucket_name}/b"))
    flat = encode(made.spec)
    assert not is_packed(flat)
    assert compact_size(stack.resolve(flat)) > TASK_DEFINITION_BYTES > compact_size(flat)
    assert is_packed(made.labels)
    template(stack)


def test_one_text_that_no_flat_label_can_hold(stack: Stack) -> None:
    made = dag(stack, tasks=EcsTask("t", args=["x" * 5_000]))
    assert decode(deployed(labels(stack))).tasks == made.spec.tasks


def test_what_fits_in_no_form_names_the_largest_parts(stack: Stack) -> None:
    noise = Random(7)  # noqa: S311 - texts that can't be packed, the same each time
    tasks = [EcsTask(f"t{number}", args=[noise.randbytes(1_500).hex()]) for number in range(60)]
    message = problems(stack, tasks=[*tasks, EcsTask("big", args=[noise.randbytes(1_900).hex()])])["airflow"]
    assert "at most 60000 fit; the largest labels: airflow.tasks.big 3" in message


def test_a_task_definition_that_has_no_room_at_all(stack: Stack) -> None:
    full = fargate(stack, environment={f"NAME{number}": "x" * 1_000 for number in range(60)})
    message = problems(stack, task_definition=full)["task_definition"]
    assert message.startswith("with the DAG it is 6")
    assert "at most 60000 fit, and 6" in message


def test_a_token_in_a_text_of_many_bytes(stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket")
    found = problems(stack, tasks=EcsTask("t", args=[bucket.bucket_name + "x" * 5_000]))
    assert "at most 4000 fit" in found["airflow.tasks.t.args.0"]


def test_on_ec2_too(stack: Stack) -> None:
    task_definition = ecs.Ec2TaskDefinition(stack, "Task")
    task_definition.add_container("main", image=ecs.ContainerImage.from_registry("x"), memory_limit_mib=64)
    made = dag(stack, task_definition=task_definition, vpc_subnets=..., tasks=many(600))
    assert is_packed(made.labels)
    assert decode(deployed(labels(stack))).tasks == made.spec.tasks

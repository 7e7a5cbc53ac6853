"""How large labels may be, and that the message names what is too large."""

from __future__ import annotations

import json
import random
import string

import pytest

from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, LabelError, decode, encode, labels_v1
from airflow_ecs_dag_schema.limits import LABEL_BYTES, TASK_DEFINITION_BYTES, compact_size, label_problems, too_large
from airflow_ecs_dag_schema.packed import is_packed, packed
from airflow_ecs_dag_schema.values import TOKEN_START

_LETTERS = string.ascii_letters + string.digits


def spec(*tasks: EcsTaskSpec) -> DagSpec:
    return DagSpec(dag_id="reports", tasks=tasks)


def longest_argument(key: str) -> str:
    return "x" * (LABEL_BYTES - len(key))


def test_a_label_of_exactly_the_limit_fits() -> None:
    text = longest_argument("airflow.tasks.build.args.0")
    assert decode(encode(spec(EcsTaskSpec(task_id="build", args=[text])))).tasks[0].args == (text,)  # type: ignore[union-attr]


def test_a_label_over_the_limit_is_packed() -> None:
    dag = spec(EcsTaskSpec(task_id="build", args=[longest_argument("airflow.tasks.build.args.0") + "x"]))
    labels = encode(dag)
    assert is_packed(labels)
    assert decode(labels) == dag


def test_a_label_over_the_limit_that_can_not_be_packed_is_named_with_its_size() -> None:
    text = f"{TOKEN_START}TOKEN.1]}}".ljust(len(longest_argument("airflow.tasks.build.args.1")) + 2, "x")
    with pytest.raises(LabelError) as caught:
        encode(spec(EcsTaskSpec(task_id="build", args=["fine", text])))
    (problem,) = caught.value.problems
    assert problem.path == "airflow.tasks.build.args.1"
    assert "are 4002 bytes together, at most 4000 fit: move the value into" in problem.message


def test_escapes_count_as_they_are_written() -> None:
    assert is_packed(encode(spec(EcsTaskSpec(task_id="build", args=["é" * 700]))))
    assert not is_packed(encode(spec(EcsTaskSpec(task_id="build", args=["é" * 600]))))


def test_bytes_count_and_not_characters() -> None:
    (problem,) = label_problems({"airflow.x": "é" * 2_000})
    assert "are 4009 bytes together" in problem.message
    assert not list(label_problems({"airflow.x": "é" * 1_900}))
    assert "are 6009 bytes" in next(iter(label_problems({"airflow.x": "\ud800" * 2_000}))).message


def test_labels_that_are_too_large_together_name_the_largest() -> None:
    noise = random.Random(60_000)  # noqa: S311 - text that hardly gets smaller, the same each time
    heavy = [
        EcsTaskSpec(task_id=f"heavy{n:02}", args=["".join(noise.choices(_LETTERS, k=1_900)) for _ in range(3)])
        for n in range(10)
    ]
    light = [EcsTaskSpec(task_id=f"light{n:03}", args=["x"]) for n in range(100)]
    with pytest.raises(LabelError) as caught:
        encode(spec(*light, *heavy), room=TASK_DEFINITION_BYTES - 10_000)
    (problem,) = caught.value.problems
    assert problem.path == "airflow"
    assert (
        f"at most {TASK_DEFINITION_BYTES - 10_000} fit; the largest labels: airflow.tasks.heavy00 5" in problem.message
    )
    assert all(f"airflow.tasks.heavy{n:02} " in problem.message for n in range(5))
    assert "light" not in problem.message
    assert "divide the DAG over two task definitions" in problem.message


def test_templates_are_counted_before_they_are_parsed() -> None:
    """Packed, a thousand tasks with fifty templates each take a few kilobytes, and parsing them takes seconds."""
    tasks = [EcsTaskSpec(task_id=f"t{n}", args=["{{ ds }}" * 50]) for n in range(1_000)]
    assert decode(encode(spec(*tasks))) == spec(*tasks)
    different = [EcsTaskSpec(task_id=f"t{n}", args=["{{- ds }}" * 50 + str(n)]) for n in range(11)]
    message = r"airflow: the texts of the DAG hold 550 templates that are more than .*, at most 500 are read"
    with pytest.raises(LabelError, match=message):
        encode(spec(*different))
    with pytest.raises(LabelError, match=message):
        decode(packed(labels_v1.write(spec(*different))))
    assert decode(encode(spec(*different[:10]))) == spec(*different[:10])


def test_the_same_limits_hold_for_a_reader() -> None:
    labels = {f"airflow.tasks.t.args.{n}": "x" * 3_900 for n in range(16)}
    with pytest.raises(LabelError, match=r"at most 60000 fit; the largest labels: airflow\.tasks\.t "):
        decode(labels)
    with pytest.raises(LabelError, match=r"airflow\.dag\.owner: key and value are 4018 bytes"):
        decode({"airflow.dag.owner": "x" * 4_001})


def test_labels_of_others_do_not_count() -> None:
    decode(encode(spec(EcsTaskSpec(task_id="t"))) | {f"com.example.{n}": "x" * 3_000 for n in range(30)})


@pytest.mark.parametrize(
    "key", ["airflow.", "airflow.a b", "airflow.é", "airflow.a\n", "airflow.[0]", "airflow." + "x" * 1_000]
)
def test_a_key_that_ecs_may_not_take(key: str) -> None:
    problems = list(label_problems({key: "x"}))
    assert key == "airflow." or [problem.value for problem in problems] == [key]
    assert all(str(problem).isprintable() for problem in problems)


def test_the_size_of_a_task_definition_is_that_of_its_compact_json() -> None:
    definition = {"family": "a", "containerDefinitions": [{"name": "é", "dockerLabels": {"a": "b"}}]}
    assert compact_size(definition) == len(json.dumps(definition).replace(": ", ":").replace(", ", ","))
    assert "is 60001 bytes" in too_large({"airflow.dag.owner": "x"}, 60_001).message

"""Any DAG, written as Python and executed in a CDK app, has labels that mean the same DAG."""

from __future__ import annotations

import io
import tokenize
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_ecs_dag import __all__ as authors_names
from airflow_ecs_dag import sensors
from airflow_ecs_dag.operator_tasks import OperatorTask
from airflow_ecs_dag_cli.python_tasks import ARGUMENT_NAMES, OPERATOR_CLASSES
from airflow_ecs_dag_schema import DagSpec, EcsSettings, EcsTaskSpec, decode
from airflow_ecs_dag_schema.dag import GroupSpec
from airflow_ecs_dag_schema.operators import BUILT_IN
from airflow_ecs_dag_schema.params import DateParam, DatetimeParam
from airflow_ecs_dag_schema.tasks import EdgeLabel, OperatorSpec
from importing.generated_apps import comparable, complaints, functions_of, read_back, source_of, synthesized
from schema.spec_strategies import specs
from vectors.vector_files import read_vectors

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ecs_dag_schema.tasks import TaskSpec

_SETTINGS = settings(
    max_examples=max(settings().max_examples // 4, 20), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
VECTORS = {name: vector.labels for version in ("2019", "v1") for name, vector in read_vectors(version) if vector.valid}
HOSTILE = '"""\'\'\'\\"\n\r\f#\x00{}}{${x}%s\u2028\u202e\u0085é🌷' + "\\" * 3 + "__import__('os').abort()"


def differences(spec: DagSpec) -> tuple[dict[str, object], dict[str, object]]:
    """What a DAG says and what the one that was written and executed says, where that differs."""
    want, got = comparable(spec), comparable(read_back(synthesized(source_of(spec), spec)))
    names = [name for name in want if want[name] != got[name]]
    return {name: want[name] for name in names}, {name: got[name] for name in names}


@_SETTINGS
@given(specs())
def test_a_written_dag_means_what_was_read(spec: DagSpec) -> None:
    want, got = differences(spec)
    assert got == want


@pytest.mark.parametrize("labels", VECTORS.values(), ids=VECTORS)
def test_the_vectors_mean_the_same(labels: dict[str, str]) -> None:
    want, got = differences(decode(labels))
    assert got == want


@pytest.mark.parametrize("width", [88, 120])
def test_generated_files_are_as_ruff_would_have_them(width: int, tmp_path: Path) -> None:
    found = [source_of(decode(labels), width) for labels in VECTORS.values()]

    @_SETTINGS
    @given(specs())
    def collect(spec: DagSpec) -> None:
        source = source_of(spec, width)
        if not any(unicodedata.category(each)[0] == "M" for each in source):  # how wide these are, not all agree on
            found.append(source)

    collect()
    assert complaints(tmp_path, *found, width=width) == ""


@_SETTINGS
@given(st.text(max_size=300), st.text(max_size=300), st.integers(60, 130))
def test_no_text_gets_out_of_its_comment(origin: str, remark: str, width: int) -> None:
    spec = DagSpec(dag_id="a", tasks=[EcsTaskSpec(task_id="t", args=["x"])])
    plain = source_of(spec, width)
    for place in ("", "t"):
        hostile = source_of(spec, width, origin=origin, remarks=[(place, HOSTILE + remark)])
        assert _code(hostile) == _code(plain)
    assert _code(source_of(spec, width, dag_id="${Token[" + origin.replace("]", "") + "]}")).count("def ") == 1


def _code(source: str) -> str:
    """The tokens of a file that are no comments, each of which is a line of its own."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    assert all(each.line.strip() == each.string for each in tokens if each.type == tokenize.COMMENT)
    without = {tokenize.COMMENT, tokenize.NL}
    return " ".join(each.string for each in tokens if each.type not in without)


@_SETTINGS
@given(st.lists(st.text(max_size=200), max_size=6), st.integers(60, 130))
def test_any_text_is_the_value_of_its_literal(texts: list[str], width: int) -> None:
    """Texts that no label may hold are among them: what guards a literal is not the contract."""
    spec = DagSpec(dag_id="a", tasks=[EcsTaskSpec(task_id="t")])
    given_ = [HOSTILE, "", *texts]
    source = source_of(spec.model_copy(update={"tags": given_, "description": HOSTILE.join(texts)}), width)
    seen: dict[str, object] = {}
    (function,) = functions_of(source).values()
    function.__globals__["AirflowEcsDag"] = lambda *_, **fields: seen.update(fields)
    function(None, task_definition=None)
    assert seen["tags"] == given_
    assert seen.get("description") == HOSTILE.join(texts)


def test_a_chain_is_a_chain_and_a_fan_a_list() -> None:
    chain: list[TaskSpec] = [
        EcsTaskSpec(task_id="a"),
        EcsTaskSpec(task_id="b", upstream=["a"]),
        EcsTaskSpec(task_id="c", upstream=["b"]),
    ]
    assert "tasks=a >> b >> c," in source_of(DagSpec(dag_id="x", tasks=chain))
    fan: list[TaskSpec] = [
        EcsTaskSpec(task_id="a"),
        EcsTaskSpec(task_id="b"),
        EcsTaskSpec(task_id="c", upstream=["a", "b"]),
    ]
    assert "tasks=[a, b] >> c," in source_of(DagSpec(dag_id="x", tasks=fan))
    assert 'tasks=a >> EdgeLabel("if new") >> b,' in source_of(
        DagSpec(
            dag_id="x",
            tasks=[
                EcsTaskSpec(task_id="a"),
                EcsTaskSpec(task_id="b", upstream=["a"], edge_labels=[EdgeLabel(upstream="a", label="if new")]),
            ],
        )
    )


def test_a_group_is_a_task_group() -> None:
    tasks: list[TaskSpec] = [
        EcsTaskSpec(task_id="load.copy"),
        EcsTaskSpec(task_id="load.check", upstream=["load.copy"]),
    ]
    spec = DagSpec(dag_id="x", tasks=tasks, groups=[GroupSpec(group_id="load", tooltip="into the lake")])
    assert 'load = TaskGroup("load", [load_copy, load_check], tooltip="into the lake")' in source_of(spec)
    assert differences(spec) == ({}, {})


def test_a_large_graph_means_the_same(tmp_path: Path) -> None:
    names = [f"a_task_with_a_name_{number}" for number in range(60)]
    tasks = [
        EcsTaskSpec(task_id=name, upstream=names[max(number - 1, 0) : number]) for number, name in enumerate(names)
    ]
    last = EcsTaskSpec(task_id="last", upstream=names)
    spec = DagSpec(dag_id="x", tasks=[*tasks, last])
    assert differences(spec) == ({}, {})
    assert complaints(tmp_path, source_of(spec)) == ""


def test_imports_and_long_lines_are_as_ruff_would_have_them(tmp_path: Path) -> None:
    labels = [(words * 100)[:size].strip() for size in (5, 60, 76, 90, 100) for words in ("x", "é", "x ")]
    names = [f"a_task_with_a_long_name_{number}" for number in range(len(labels) + 1)]
    chain: list[TaskSpec] = [EcsTaskSpec(task_id=names[0])]
    for before, name, label in zip(names, names[1:], labels, strict=False):
        chain.append(
            EcsTaskSpec(task_id=name, upstream=[before], edge_labels=[EdgeLabel(upstream=before, label=label)])
        )
    wait = OperatorSpec(task_id="wait", operator="date_time_sensor", arguments={"target_time": "{{ ts }}"})
    spec = DagSpec(
        dag_id="x",
        params={"day": DatetimeParam(default=datetime(2026, 1, 31, tzinfo=UTC)), "other": DateParam(optional=True)},
        ecs=EcsSettings(cluster=f"arn:aws:ecs:eu-west-1:123456789012:cluster/{'c' * 40}"),
        tasks=[*chain, wait],
    )
    for width in (60, 88, 120):
        assert complaints(tmp_path, source_of(spec, width), width=width) == ""
    assert differences(spec) == ({}, {})


def test_each_operator_is_the_constructs_own_class() -> None:
    classes = {
        each.operator_name: name
        for name, each in vars(sensors).items()
        if isinstance(each, type) and issubclass(each, OperatorTask) and each.operator_name
    }
    assert classes == OPERATOR_CLASSES
    assert OPERATOR_CLASSES.keys() == BUILT_IN.keys()
    assert set(OPERATOR_CLASSES.values()) <= set(authors_names)
    for operator, name in OPERATOR_CLASSES.items():
        fields = getattr(sensors, name).__dataclass_fields__
        assert {ARGUMENT_NAMES.get(each, each) for each in BUILT_IN[operator].arguments} <= fields.keys()

"""What is told to be a plain template without the parser is one to the parser too; the others are few in a DAG."""

from __future__ import annotations

from random import Random

import pytest

from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, LabelError, decode, encode
from airflow_ecs_dag_schema.plain_templates import plain_names
from airflow_ecs_dag_schema.templates import MOST_PARSED, TemplateNames, _checked_tree, _names, check_template
from fuzz.label_grammar import new_template

PLAIN = [
    "{{ds}}", "{{ ds }}", "s3://b/{{ ds }}/{{run_id}}\n", "{{ ts|lower }}", "{{ ds | trim }} }} %}", "{ {{ ds }} }",
    "{{ macros.ds_add(ds, -7) }}", "{{macros.ds_add(ds,1)}}", "{{ logical_date.year }}",
    "{{ run_after.isoformat() }}", "{{ params.country | upper }}", "{{ item }}{{ item['key'] }}",
    "{{ ti.xcom_pull(task_ids='a.b') | tojson }}", "{{ ti.xcom_pull('a')['b'] | default('no-thing') }}",
    "{{ data_interval_start.strftime('%Y/%m/%d %H:%M') }}",
]  # fmt: skip
PARSED = [
    "{{{ ds }}", "{{ {{ ds }} }}", "{{ ds }}{{", "{# {{ ds }} #}", "{% raw %}{{ ds }}", "{{- ds }}", "{{ ds.x }}",
    "{{ ds|lower|upper }}", "{{ ds | default(ds) }}", "{{ params }}", "{{ ti }}", "{{ item.key }}",
    "{{ ti.xcom_pull('a', key='b') }}",
    "{{ ti.xcom_pull(task_ids='a', dag_id='b') }}", "{{ ds(1) }}", "{{ conn }}", "{{ dsx }}", "{{ DS }}",
    "{{ macros.ds_add(ds, 01) }}", "{{ macros.ds_add(conn, 1) }}", "{{ logical_date.strftime('%9d') }}",
    "{{ logical_date.strftime('{{ ds }}') }}", "{{ logical_date.year() }}", "{{ ds }}" * 51, "{{ ds", "{{ ds\u2003}}",
]  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_plain(text: str) -> None:
    assert plain_names(text) == _names(_checked_tree(text))


@pytest.mark.parametrize("text", PARSED)
def test_not_plain(text: str) -> None:
    assert plain_names(text) is None


def test_what_is_plain_passes_the_parser() -> None:
    seen = 0
    for seed in range(20_000):
        random = Random(seed)  # noqa: S311 - repeatable on purpose
        text = random.choice(("", "{", "{#", "}}", "'")).join(
            new_template(random) for _ in range(random.choice((1, 1, 2)))
        )
        if (names := plain_names(text)) is not None and len(text) < 4_000:
            assert names == (_names(_checked_tree(text)) if "{{" in text else TemplateNames())
            seen += 1
    assert seen > 1_000


def test_a_refusal_is_the_same_the_second_time() -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="unknown variable 'conn' in a template"):
            check_template("{{ conn }}")


def test_a_dag_has_so_many_other_templates() -> None:
    texts = [f"{{{{ {100 + number} }}}}" for number in range(MOST_PARSED)]
    assert decode(encode(spec(texts))) == spec(texts)
    with pytest.raises(LabelError, match=f"at most {MOST_PARSED} are read: compute in the containers"):
        decode(encode(spec([*texts, "{{ 99 }}"])))


def test_plain_templates_are_not_counted() -> None:
    texts = [f"b/{{{{ macros.ds_add(ds, -1) }}}}/{number}" for number in range(MOST_PARSED // 2)]
    assert decode(encode(spec(texts))) == spec(texts)


def spec(texts: list[str]) -> DagSpec:
    halves = texts[: len(texts) // 2], texts[len(texts) // 2 :]
    tasks = tuple(EcsTaskSpec(task_id=f"task_{number}", args=half) for number, half in enumerate(halves))
    return DagSpec(dag_id="reports", tasks=tasks)

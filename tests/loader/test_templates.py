"""Templates when a task runs: plain values of the run for every kind of run, and nothing of Airflow's."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_ecs_dag_loader.dag_builder import build_dag
from airflow_ecs_dag_loader.projected_templates import ProjectedTemplates
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.template_sandbox import NamedParts, PlainEnvironment
from airflow_ecs_dag_loader.template_values import NO_ITEM, render, template_values
from airflow_ecs_dag_schema.templates import FILTERS, VARIABLES
from loader.dag_runs import Puts, run_dag
from loader.task_runs import LOGICAL_DATE, RUN_AFTER, task_run
from loader.test_dag_builder import SOURCE, spec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from airflow.sdk import Context

    from loader.dag_runs import DagRunResult

HOSTILE = "{{ macros.uuid.os.popen('id').read() }}{% raw %}"
NO_DATE = {"logical_date": None, "data_interval_start": None, "data_interval_end": None}


def operator(*command: str, item: object = NO_ITEM, params: dict[str, Any] | None = None) -> EcsTaskOperator:
    with DAG("reports", schedule=None, params=params or {}):
        return EcsTaskOperator(
            task_id="build",
            task_definition="reports:1",
            cluster="work",
            container_name="main",
            command=list(command),
            item=item,
        )


def rendered(*command: str, **run: Any) -> list[str]:
    task = operator(*command)
    context = task_run(task, **run)
    context["ti"].render_templates(context)
    return task.command


def test_a_run_for_a_date() -> None:
    assert rendered(
        "build", "{{ ds }}", "--at={{ ts }}", "{{ ds_nodash }} {{ ts_nodash }}", "{{ data_interval_start }}", "plain"
    ) == [
        "build", "2019-12-04", "--at=2019-12-04T03:00:00+00:00", "20191204 20191204T030000",
        "2019-12-04 03:00:00+00:00", "plain",
    ]  # fmt: skip


def test_a_run_without_a_date_is_for_the_moment_after_which_it_may_run() -> None:
    command = [
        "{{ ds }}",
        "{{ ts_nodash }}",
        "{{ data_interval_start }}",
        "{{ data_interval_end }}",
        "{{ logical_date }}",
    ]
    assert rendered(*command, **NO_DATE) == ["2026-02-28", "20260228T233015", *["2026-02-28 23:30:15+00:00"] * 3]


def test_the_interval_is_the_runs_own() -> None:
    start, end = datetime(2019, 12, 3, tzinfo=UTC), datetime(2019, 12, 4, tzinfo=UTC)
    command = "{{ data_interval_start | ds }}/{{ data_interval_end | ds }}"
    assert rendered(command, data_interval_start=start, data_interval_end=end) == ["2019-12-03/2019-12-04"]


@pytest.mark.parametrize("run", [{}, NO_DATE], ids=["date", "no date"])
def test_every_variable_of_the_contract_has_a_value(run: dict[str, Any]) -> None:
    values = template_values(task_run(operator("x"), **run))
    assert set(values) == VARIABLES
    for name in VARIABLES - {"item", "params", "ti"}:
        assert values[name] is not None
        assert rendered(f"{{{{ {name} }}}}", **run) == [str(values[name])]


ROW = {"key": "a", "rows": 3, "items": "own", "upper": "entry", "none": None, "list": [1, "b"], "__class__": "text"}


@pytest.mark.parametrize(
    ("item", "text", "expected"),
    [
        ("nl", "{{ item }}", "nl"),
        ("nl", "--country={{ item | upper }}", "--country=NL"),
        ("{{ ds }}", "{{ item }}", "{{ ds }}"),
        ("a<b'\"", "{{ item }} {{ item | tojson }}", 'a<b\'" "a<b\'\\""'),
        (3, "{{ item }}", "3"),
        (1.5, "{{ item }}", "1.5"),
        (True, "{{ item }} {{ item | upper }}", "true TRUE"),
        (None, "{{ item }}", "null"),
        ([1, None, "é"], "{{ item }}", '[1,null,"é"]'),
        ([1, None, "é"], "{{ item[2] }}{{ item[1] }}", "énull"),
        ({"a": {"b": 1}}, "{{ item }} {{ item['a'] }} {{ item | lower }}", '{"a":{"b":1}} {"b":1} {"a":{"b":1}}'),
        (ROW, "{{ item['rows'] }} {{ item['none'] }} {{ item['list'] }}", '3 null [1,"b"]'),
        (ROW, "{{ item['items'] }} {{ item['upper'] }} {{ item['__class__'] }}", "own entry text"),
        (ROW, "{{ item['lines'] | default('0') }}", "0"),
    ],
)
def test_what_is_in_an_item_is_data(item: object, text: str, expected: str) -> None:
    task = operator(text, item=item)
    context = task_run(task)
    context["ti"].render_templates(context)
    assert task.command == [expected]


@pytest.mark.parametrize(
    ("item", "text", "words"),
    [
        (NO_ITEM, "{{ item }}", "this task is not mapped, so it has no item: give it expand"),
        (NO_ITEM, "{{ item['a'] }}", "this task is not mapped"),
        ("text", "{{ item['upper'] }}", "no entry 'upper' in a text, which has no entries"),
        ("text", "{{ item['__class__'] }}", "no entry '__class__' in a text"),
        ("text", "{{ item[0] }}", "no entry '0' in a text"),
        ({"a": 1}, "{{ item['keys'] }}", "no entry 'keys', the entries are a"),
        ({"a": 1}, "{{ item[0] }}", "no entry '0' in a JSON object"),
        ([1, 2], "{{ item['append'] }}", "no entry 'append' in a JSON array"),
        ([1, 2], "{{ item[2] }}", "no entry 2, it has 2 entries from 0 on"),
        ([1, 2], "{{ item[true] }}", "no entry 'True' in a JSON array"),
        (3, "{{ item['real'] }}", "no entry 'real' in 3"),
        (None, "{{ item['a'] }}", "no entry 'a' in null"),
        ("x", "{{ item | ds }}", "the filter ds takes a moment"),
        (b"x", "{{ item }}", "type bytes can't be written as JSON"),
        ({"a": {1, 2}}, "{{ item }}", "it has a set in it"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_so(item: object, text: str, words: str) -> None:
    task = operator(text, item=item)
    context = task_run(task)
    with pytest.raises(ValueError, match=re.escape(words)):
        context["ti"].render_templates(context)


def test_an_error_names_the_template() -> None:
    with pytest.raises(ValueError, match=r"\(in the template \"x {{ item\['b'\] }}\"\)"):
        operator(item={"a": 1}).render_template("x {{ item['b'] }}", task_run(operator()))


PARAMS = {"country": "nl", "rows": 3, "share": 0.5, "full": True, "countries": ["nl", "be"], "note": None, "get": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ params.country }}/{{ params['country'] }}", "nl/nl"),
        ("{{ params.rows }} {{ params.share }} {{ params.full }}", "3 0.5 true"),
        ("{{ params.countries }}", '["nl","be"]'),
        ("[{{ params.note }}]", "[]"),
        ("{{ params.note | default('none', true) }}", "none"),
        ("{{ params.get }}", "x"),
    ],
)
def test_params(text: str, expected: str) -> None:
    task = operator(text, params=PARAMS)
    context = task_run(task)
    context["ti"].render_templates(context)
    assert task.command == [expected]


def test_params_of_the_run_are_those_that_a_person_gave() -> None:
    task = operator("{{ params.country }} {{ params.countries }}", params=PARAMS)
    context = task_run(task, conf={"country": "{{ ds }}", "countries": []})
    context["ti"].render_templates(context)
    assert task.command == ["{{ ds }} []"]


@pytest.mark.parametrize("name", ["values", "items", "dump", "__class__", "unknown"])
def test_a_param_that_is_not_declared_is_an_error(name: str) -> None:
    task = operator(f"{{{{ params.{name} }}}}", params=PARAMS)
    with pytest.raises(ValueError, match=f"params has no '{name}', it has country, rows, share"):
        task.render_template(task.command, task_run(task))


class _ReadsFiles(BaseOperator):
    template_ext: Sequence[str] = (".sql",)


class Writes(ProjectedTemplates, _ReadsFiles):
    """Some operator of Airflow's whose templates are ours; it puts out what became of them."""

    template_fields = ("texts",)

    def __init__(self, *, texts: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.texts = texts

    def execute(self, context: Context) -> Any:  # noqa: ARG002 - BaseOperator's own
        return self.texts


def pulled(value: object, *texts: str) -> DagRunResult:
    with DAG("pulled", schedule=None) as dag:
        Puts(task_id="extract", value=value) >> Writes(task_id="write", texts=list(texts))
    return run_dag(dag)


def test_outputs() -> None:
    own = "ti.xcom_pull(task_ids='extract')"
    value = {"rows": 3, "day": HOSTILE, "none": None, "list": [1]}
    run = pulled(
        value, f"{{{{ {own}['rows'] }}}} {{{{ {own}['none'] }}}}", f"{{{{ {own}['day'] }}}}", f"{{{{ {own} }}}}"
    )
    assert run.outputs["write"] == ["3 null", HOSTILE, json.dumps(value, separators=(",", ":"))]


def test_an_output_of_null_is_null() -> None:
    run = pulled(None, "{{ ti.xcom_pull('extract') }}", "{{ ti.xcom_pull('extract') | default('none') }}")
    assert run.outputs["write"] == ["null", "null"]


def test_an_output_that_is_not_there_may_have_a_default() -> None:
    own = "ti.xcom_pull('extract')"
    run = pulled(Puts.NOTHING, f"{{{{ {own} | default('none') }}}}", f"{{{{ {own}['rows'] | default('0') }}}}")
    assert run.outputs["write"] == ["none", "0"]


@pytest.mark.parametrize(
    ("value", "text", "words"),
    [
        (Puts.NOTHING, "{{ ti.xcom_pull('extract') }}", "task extract has no output in this run: it was skipped, or"),
        (Puts.NOTHING, "{{ ti.xcom_pull('extract')['rows'] }}", "task extract has no output in this run"),
        (
            {"lines": 3},
            "{{ ti.xcom_pull(task_ids='extract')['rows'] }}",
            "there is no entry 'rows', the entries are lines (in the template \"{{ ti.xcom_pull(task_ids='extract')",
        ),
        ("text", "{{ ti.xcom_pull('extract')['__class__'] }}", "no entry '__class__' in a text"),
    ],
)
def test_an_output_or_an_entry_that_is_not_there_fails_the_task(value: object, text: str, words: str) -> None:
    run = pulled(value, text)
    assert run.states == {"extract": "success", "write": "failed"}
    run.assert_failed_with(re.escape(words))
    assert "::endgroup::" in run.lines  # or Airflow's page would fold the reason away


@pytest.mark.parametrize(
    "text",
    [
        "{{ ti.xcom_pull('extract', dag_id='other') }}",
        "{{ ti.xcom_pull('extract', include_prior_dates=True) }}",
        "{{ ti.xcom_pull(['extract']) }}",
        "{{ ti.task }}",
        "{{ ti['xcom_pull'] }}",
        "{{ ti }}",
    ],
)
def test_no_more_of_a_task_instance_is_there(text: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        rendered(text)


def test_any_operator_has_its_fields_filled_in() -> None:
    fields: Any = {"{{ ds }}": ["{{ ds }}", ("{{ dag_id }}", 3)], "verify": None, "n": b"{{ ds }}"}
    with DAG("foreign", schedule=None):
        task = Writes(task_id="write", texts=fields)
    context = task_run(task)
    context["ti"].render_templates(context)
    assert task.texts == {"{{ ds }}": ["2019-12-04", ("foreign", 3)], "verify": None, "n": b"{{ ds }}"}


@pytest.mark.parametrize("texts", ["query.sql", ["query.sql"]])
def test_no_field_is_read_from_a_file(texts: Any, tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_text("read")
    with DAG("foreign", schedule=None, template_searchpath=str(tmp_path)):
        task = Writes(task_id="write", texts=texts)
    task.resolve_template_files()
    context = task_run(task)
    context["ti"].render_templates(context)
    assert task.texts == texts


@pytest.mark.parametrize("text", ["{{ x.upper }}", "{{ x.__class__ }}", "{{ x['upper'] }}", "{{ x['__class__'] }}"])
def test_even_without_the_allow_list_no_attribute_of_pythons_is_there(text: str) -> None:
    """A second wall: had the check of templates a hole, a value would still be no way into Python."""
    template = PlainEnvironment().from_string(text)
    for value in ("text", 3, [1], {"a": 1}, RUN_AFTER, NamedParts("params", {"a": 1})):
        with pytest.raises((jinja2.UndefinedError, ValueError), match=r"no (entry )?'?(upper|__class__)"):
            template.render(x=value)


def test_no_operator_gets_airflows_own_templates() -> None:
    with DAG("foreign", schedule=None):
        task = Writes(task_id="write", texts={"query": ["{{ conn.aws_default.password }}"]})
    with pytest.raises(ValueError, match="unknown variable 'conn' in a template"):
        task.render_template(task.texts, task_run(task))


@pytest.mark.parametrize("name", ["ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"])
def test_values_are_those_that_airflow_itself_gives(name: str) -> None:
    context = task_run(operator("x"))
    assert template_values(context)[name] == context[name]  # type: ignore[literal-required] # one of the names above


@pytest.mark.parametrize("name", ["ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"])
def test_date_filters_are_airflows(name: str) -> None:
    task = operator("x")
    theirs = task.get_template_env().from_string(f"{{{{ logical_date | {name} }}}}").render(logical_date=LOGICAL_DATE)
    assert rendered(f"{{{{ logical_date | {name} }}}}") == [theirs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ 'a' | default('b') }}", "a"),
        ("{{ 'aB' | lower }}{{ 'aB' | upper }}{{ ' x ' | trim }}", "abABx"),
        ("{{ run_id | tojson }}", '"manual__2026-02-28"'),
    ],
)
def test_plain_filters(text: str, expected: str) -> None:
    assert rendered(text) == [expected]


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_of_the_contract_is_there(name: str) -> None:
    subject = "ds" if name == "tojson" else "run_after"
    assert render(f"{{{{ {subject} | {name} }}}}", {"run_after": RUN_AFTER, "ds": "2026-02-28"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ macros.ds_add(ds, 7) }}", "2019-12-11"),
        ("{{ macros.ds_add(ds, -4) }}", "2019-11-30"),
        ("{{ macros.ds_format(ds, '%Y-%m-%d', '%d/%m/%Y') }}", "04/12/2019"),
        ("{{ logical_date.strftime('%H:%M') }}", "03:00"),
        ("{{ run_after.year }}", "2026"),
        ("{{ data_interval_end.isoformat() }}", "2019-12-04T03:00:00+00:00"),
    ],
)
def test_date_functions(text: str, expected: str) -> None:
    assert rendered(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "{{ macros.uuid.os.popen('id').read() }}",
        "{{ conn.aws_default.password }}",
        "{{ var.value.secret }}",
        "{{ ti.task.hook.get_credentials() }}",
        "{{ task }}",
        "{{ dag }}",
        "{{ params.x }}",
        "{{ ds.__class__ }}",
        "{{ ds['__class__'] }}",
        "{% for x in range(9) %}{% endfor %}",
        "{{ self }}",
        "{{ lipsum.__globals__ }}",
        "{{ 9 * 9 }}",
        "{{ unknown }}",
        "{{ ds",
    ],
)
def test_what_is_not_allowed_raises_and_is_not_filled_in(text: str) -> None:
    task = operator("build", text)
    context = task_run(task)
    with pytest.raises(ValueError, match=r"template|allowed"):
        context["ti"].render_templates(context)
    assert task.command == ["build", text]


def test_airflows_own_environment_is_kept_out() -> None:
    """The task runner hands its environment over; one that would betray itself is not asked."""
    task = operator("{{ ds }}")
    airflows = jinja2.Environment(variable_start_string="<<", variable_end_string=">>", autoescape=True)
    assert task.render_template(["{{ ds }}<<ds>>"], task_run(task), airflows) == ["2019-12-04<<ds>>"]


def test_a_built_dag_fills_in_the_same_way() -> None:
    task = build_dag(spec(), SOURCE).get_task("build")
    assert isinstance(task, EcsTaskOperator)
    task.command = ["{{ dag_id }}.{{ task_id }} {{ try_number }} {{ map_index }}"]
    context = task_run(task, try_number=3)
    context["ti"].render_templates(context)
    assert task.command == ["reports.build 3 -1"]

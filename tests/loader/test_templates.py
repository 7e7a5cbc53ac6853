"""Templates when a task runs: plain values of the run for every kind of run, and nothing of Airflow's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jinja2
import pytest
from airflow.sdk import DAG

from airflow_ecs_dag_loader.dag_builder import build_dag
from airflow_ecs_dag_loader.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.template_values import render, template_values
from airflow_ecs_dag_schema.templates import FILTERS, VARIABLES
from loader.task_runs import LOGICAL_DATE, RUN_AFTER, task_run
from loader.test_dag_builder import SOURCE, spec

NO_DATE = {"logical_date": None, "data_interval_start": None, "data_interval_end": None}


def operator(*command: str) -> EcsTaskOperator:
    with DAG("reports", schedule=None):
        return EcsTaskOperator(
            task_id="build", task_definition="reports:1", cluster="work", container_name="main", command=list(command)
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
    assert None not in values.values()
    for name in VARIABLES:
        assert rendered(f"{{{{ {name} }}}}", **run) == [str(values[name])]


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

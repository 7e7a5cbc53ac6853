"""The contract's names are Airflow's own: compared with the Airflow that is installed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest
from airflow.sdk import Context, TriggerRule
from airflow.sdk.definitions._internal.templater import FILTERS as AIRFLOW_FILTERS
from airflow.sdk.execution_time import macros
from airflow.timetables.base import TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable
from airflow.utils.dates import cron_presets
from jinja2.filters import FILTERS as JINJA_FILTERS
from pendulum import instance

from airflow_ecs_dag_loader.template_sandbox import NamedParts
from airflow_ecs_dag_loader.template_values import render
from airflow_ecs_dag_schema import Schedule
from airflow_ecs_dag_schema.schedule import _TIMEZONES, PRESETS
from airflow_ecs_dag_schema.tasks import TriggerRule as OurTriggerRule
from airflow_ecs_dag_schema.templates import DATE_FUNCTIONS, FILTERS, MOMENT_FIELDS, MOMENT_VARIABLES, VARIABLES

OUR_OWN_VARIABLES = {"dag_id", "task_id", "map_index", "run_after", "item"}
"""Plain values in place of Airflow's objects, which a template may not see: ``dag``, ``ti``, ``dag_run``; and an item,
which Airflow has for its own operators' ``expand`` only."""
IN_PARTS = {"params", "ti"}


def test_trigger_rules_are_all_of_airflows() -> None:
    assert list(get_args(OurTriggerRule)) == [rule.value for rule in TriggerRule]


def test_template_variables_are_airflows_but_for_ours() -> None:
    airflows = set(Context.__annotations__)
    assert VARIABLES - airflows == OUR_OWN_VARIABLES
    assert {name for name in airflows if name.startswith(("ds", "ts"))} <= VARIABLES


def test_filters_and_date_functions_are_airflows_or_jinjas() -> None:
    assert set(AIRFLOW_FILTERS) <= FILTERS
    assert FILTERS - set(AIRFLOW_FILTERS) <= set(JINJA_FILTERS)
    assert all(callable(getattr(macros, name)) for name in DATE_FUNCTIONS)


def test_presets_are_airflows() -> None:
    assert cron_presets == PRESETS


@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *",
        "*/99 * * * *",
        "59 23 31 12 *",
        "5-1 22-3 * nov-feb sat-mon",
        "0 0 L * *",
        "0 0 l * fri#2,fri#4",
        "0 0 ? * L5",
        "0 0 29 2 *",
        "0 0 30 2 1",
        "0 0 * 2 tue#5",
        "0-59/99999999999999999999 * * * *",
        "0 0 * * 7",
        "0,1,2,3 0-23/2 1,15 JAN-jun Mon#1",
    ],
)
@pytest.mark.parametrize("timezone", ["UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires"])
def test_a_cron_expression_that_is_taken_fires_in_airflow(cron: str, timezone: str) -> None:
    taken = Schedule.cron(cron, timezone=timezone).cron
    window = TimeRestriction(earliest=instance(datetime(2026, 1, 1, tzinfo=UTC)), latest=None, catchup=True)
    for timetable in (
        CronTriggerTimetable(taken, timezone=timezone),
        CronDataIntervalTimetable(taken, timezone=timezone),
    ):
        timetable.validate()
        first = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=window)
        assert first is not None
        second = timetable.next_dagrun_info(last_automated_data_interval=first.data_interval, restriction=window)
        assert second is not None
        assert first.run_after < second.run_after


def test_airflow_knows_every_timezone_that_is_taken() -> None:
    for name in sorted(_TIMEZONES):
        assert CronTriggerTimetable("0 0 * * *", timezone=name).serialize()["timezone"]


_NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
_VALUES = {
    **{name: _NOON if name in MOMENT_VARIABLES else "2026-01-31" for name in VARIABLES},
    "params": NamedParts("params", {"country": "nl"}),
    "ti": NamedParts("ti", {"xcom_pull": {"extract": {"rows": 3}}.__getitem__}),
}


@pytest.mark.parametrize(
    "template",
    [
        *(f"{{{{ {name} }}}}" for name in sorted(VARIABLES - IN_PARTS)),
        "{{ params.country }}",
        "{{ params['country'] }}",
        "{{ ti.xcom_pull('extract') }}",
        "{{ ti.xcom_pull('extract')['rows'] }}",
        *(f"{{{{ logical_date | {name} }}}}" for name in sorted(AIRFLOW_FILTERS)),
        *(f"{{{{ ds | {name} }}}}" for name in sorted(FILTERS - set(AIRFLOW_FILTERS))),
        *(f"{{{{ {name}.{field} }}}}" for name in sorted(MOMENT_VARIABLES) for field in sorted(MOMENT_FIELDS)),
        "{{ logical_date.strftime('%Y/%-m') }}{{ run_after.isoformat() }}",
        "{{ macros.ds_add(ds, -7) }}",
        "{{ macros.ds_format(ds, '%Y-%m-%d', '%d-%m-%Y') }}",
        "{# note #}{% raw %}{{ ds }}{% endraw %}",
    ],
)
def test_whatever_the_contract_allows_the_loader_fills_in(template: str) -> None:
    assert render(template, _VALUES)

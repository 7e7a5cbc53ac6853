"""Arguments of a DAG that must be one of the project's own values: checked before the contract sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_schema import TaskDefaults
from airflow_ecs_dag_schema.alerts import ALERTS
from airflow_ecs_dag_schema.dag import Deadline
from airflow_ecs_dag_schema.params import PARAMS
from airflow_ecs_dag_schema.problems import Problem
from airflow_ecs_dag_schema.schedule import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXPECTED: dict[str, tuple[tuple[type, ...], str]] = {
    "schedule": (
        SCHEDULES,
        (
            "expected a schedule such as Schedule.daily(timezone='Europe/Amsterdam'), Schedule.cron('0 3 * * *') or "
            "Schedule.manual()"
        ),
    ),
    "defaults": ((TaskDefaults,), "expected TaskDefaults(...), such as TaskDefaults(retries=1)"),
    "deadline": ((Deadline, type(None)), "expected Deadline(...), such as Deadline(interval=timedelta(hours=2))"),
}


def wrong_kinds(dag: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each argument that must be one of the project's own values and isn't."""
    for name, (kinds, message) in _EXPECTED.items():
        value = dag.get(name)
        if not isinstance(value, kinds):
            yield Problem(name, message, repr(value))
    alerts = dag.get("alerts", ())
    if not isinstance(alerts, tuple | list) or not all(isinstance(alert, ALERTS) for alert in alerts):
        yield Problem(
            "alerts", "expected a list of alerts, such as [EmailAlert(to=['team@example.com'])]", repr(alerts)
        )
    params = dag.get("params", {})
    if not isinstance(params, Mapping) or not all(isinstance(each, PARAMS) for each in params.values()):
        yield Problem("params", "expected params by name, such as {'country': StringParam(default='nl')}", repr(params))

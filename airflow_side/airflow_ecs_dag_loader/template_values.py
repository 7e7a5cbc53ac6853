"""What a task's templates can see: plain values of the run, and nothing of Airflow's own objects.

Airflow leaves ``{{ ds }}`` and all that is made from the logical date undefined in a run that has none (triggered by
hand without a date, or by an asset). Here every run has them: such a run is for the moment after which it may run, its
``run_after``.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow.sdk.execution_time.macros import ds_add, ds_format
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from airflow_ecs_dag_schema.templates import check_template, is_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from airflow.sdk import Context

_MOMENT_FORMS: dict[str, Callable[[datetime], str]] = {
    "ds": lambda moment: moment.strftime("%Y-%m-%d"),
    "ds_nodash": lambda moment: moment.strftime("%Y%m%d"),
    "ts": lambda moment: moment.isoformat(),
    "ts_nodash": lambda moment: moment.strftime("%Y%m%dT%H%M%S"),
    "ts_nodash_with_tz": lambda moment: moment.isoformat().replace("-", "").replace(":", ""),
}
"""A moment as a text: Airflow's filters of these names, and its variables, which are of the logical date."""
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, cache_size=0, keep_trailing_newline=True)
_ENVIRONMENT.filters |= _MOMENT_FORMS
_MACROS = SimpleNamespace(ds_add=ds_add, ds_format=ds_format)


def render(text: str, values: Mapping[str, Any]) -> str:
    """Fill in the templates of ``text``.

    Raises:
        ValueError: A template is not on the allow-list; it is checked here once more, whatever was checked before.
        jinja2.UndefinedError: A value is not there.
    """
    if not is_template(check_template(text)):
        return text
    return str(_ENVIRONMENT.from_string(text).render({**values, "macros": _MACROS}))


def template_values(context: Context) -> dict[str, Any]:
    """Return the variables of :data:`airflow_ecs_dag_schema.templates.VARIABLES` for the run of ``context``."""
    run, instance = context["dag_run"], context["ti"]
    run_after: datetime = run.run_after
    logical_date: datetime = run.logical_date or run_after
    return {
        "logical_date": logical_date,
        "data_interval_start": run.data_interval_start or logical_date,
        "data_interval_end": run.data_interval_end or logical_date,
        "run_after": run_after,
        **{name: form(logical_date) for name, form in _MOMENT_FORMS.items()},
        "run_id": instance.run_id,
        "dag_id": instance.dag_id,
        "task_id": instance.task_id,
        "try_number": instance.try_number,
        "map_index": instance.map_index,
    }

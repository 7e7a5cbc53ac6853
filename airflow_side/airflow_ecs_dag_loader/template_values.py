"""What a task's templates can see: plain values of the run, and nothing of Airflow's own objects.

Airflow leaves ``{{ ds }}`` and all that is made from the logical date undefined in a run that has none (triggered by
hand without a date, or by an asset). Here every run has them: such a run is for the moment after which it may run, its
``run_after``.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.sdk.execution_time.macros import ds_add, ds_format
from jinja2 import StrictUndefined, Undefined, UndefinedError

from airflow_ecs_dag_loader.runner.task_output import NoOutputError, output_of
from airflow_ecs_dag_loader.template_sandbox import NamedParts, PlainEnvironment, text_of
from airflow_ecs_dag_schema.problems import shown
from airflow_ecs_dag_schema.templates import check_template, is_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import Context

_MOMENT_FORMS: dict[str, Callable[[datetime], str]] = {
    "ds": lambda moment: moment.strftime("%Y-%m-%d"),
    "ds_nodash": lambda moment: moment.strftime("%Y%m%d"),
    "ts": lambda moment: moment.isoformat(),
    "ts_nodash": lambda moment: moment.strftime("%Y%m%dT%H%M%S"),
    "ts_nodash_with_tz": lambda moment: moment.isoformat().replace("-", "").replace(":", ""),
}
"""A moment as a text: Airflow's filters of these names, and its variables, which are of the logical date."""
_MACROS = NamedParts("macros", {"ds_add": ds_add, "ds_format": ds_format})


class NoItem(Enum):
    """Stands where a mapped task has its item, in a task that is not mapped; ``None`` would be JSON's ``null``."""

    NO_ITEM = "no item"


NO_ITEM = NoItem.NO_ITEM


def _moment_filter(name: str, form: Callable[[datetime], str]) -> Callable[[object], str]:
    def filtered(value: object) -> str:
        if isinstance(value, datetime):
            return form(value)
        raise ValueError(f"the filter {name} takes a moment such as data_interval_start, not {shown(text_of(value))}")

    return filtered


_ENVIRONMENT = PlainEnvironment()
_ENVIRONMENT.filters |= {name: _moment_filter(name, form) for name, form in _MOMENT_FORMS.items()}


def render(text: str, values: Mapping[str, Any]) -> str:
    """Fill in the templates of ``text``. What is not a text in ``values`` becomes JSON, a moment ISO 8601 with a space.

    Raises:
        ValueError: A template is not on the allow-list (it is checked here once more, whatever was checked before), or
            a value is not there. The message has the template.
    """
    if not is_template(check_template(text)):
        return text
    try:
        return _ENVIRONMENT.from_string(text).render({**values, "macros": _MACROS})
    except UndefinedError as error:
        raise ValueError(f"{error.message} (in the template {shown(text)})") from None


def template_values(context: Context, *, item: object = NO_ITEM) -> dict[str, Any]:
    """Return the variables of :data:`airflow_ecs_dag_schema.templates.VARIABLES` for the run of ``context``.

    Args:
        context: That of the task instance.
        item: Of a mapped task, what this instance is for: a JSON value.
    """
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
        "item": _missing("this task is not mapped, so it has no item: give it expand") if item is NO_ITEM else item,
        # A param that may be left empty, and was, is an empty text.
        "params": NamedParts(
            "params", {name: "" if value is None else value for name, value in context["params"].items()}
        ),
        "ti": NamedParts("ti", {"xcom_pull": _outputs(context)}),
    }


def _outputs(context: Context) -> Callable[[str], Any]:
    @cache
    def xcom_pull(task_ids: str) -> object:
        try:
            return output_of(context, task_ids)
        except NoOutputError as error:
            return _missing(str(error))

    return xcom_pull


def _missing(why: str) -> Undefined:
    return StrictUndefined(hint=why)

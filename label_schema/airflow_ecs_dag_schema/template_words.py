"""The words of templates: which variables, filters and functions there are, and what of them a text uses."""

from __future__ import annotations

import re
from dataclasses import dataclass

VARIABLES = frozenset(
    {
        "ds",
        "ds_nodash",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
        "logical_date",
        "data_interval_start",
        "data_interval_end",
        "run_after",
        "run_id",
        "dag_id",
        "task_id",
        "try_number",
        "map_index",
        "item",
        "params",
        "ti",
    }
)
"""Names that a template may use; ``airflow_ecs_dag_loader.template_values`` gives each its value."""

COMPOUND = frozenset({"params", "ti"})
"""Variables of which only parts may be used: ``params.country``, ``ti.xcom_pull(task_ids='extract')``."""

LOST_BRACES = re.compile(
    rf"(?<!\{{)\{{ (?:{'|'.join(sorted(VARIABLES - COMPOUND))}|params\.\w{{1,100}})(?: \| \w{{1,20}})? \}}(?!\}})",
    re.ASCII,
)
"""``{ ds }``: what an f-string makes of a template, and the construct refuses.

With the spaces around it, so that ``{ds}`` can be a format of the container's own.
"""

FILTERS = frozenset(
    {"ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "default", "lower", "upper", "trim", "tojson"}
)
DATE_FUNCTIONS = frozenset({"ds_add", "ds_format"})
"""Functions that may be called, spelled as in Airflow: ``macros.ds_add(ds, 7)``."""

MOMENT_METHODS = frozenset({"strftime", "isoformat"})
MOMENT_VARIABLES = frozenset({"logical_date", "data_interval_start", "data_interval_end", "run_after"})
MOMENT_FIELDS = frozenset({"year", "month", "day", "hour", "minute", "second"})

_MARKS = ("{{", "{%", "{#")


@dataclass(frozen=True)
class TemplateNames:
    """What the templates of a text use.

    Attributes:
        variables: Names of :data:`VARIABLES`.
        filters: Names of :data:`FILTERS`.
        functions: Names of :data:`DATE_FUNCTIONS`.
        params: Params of the DAG.
        outputs: Ids of tasks whose output is used.
    """

    variables: frozenset[str] = frozenset()
    filters: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()


def is_template(text: str) -> bool:
    """Tell whether ``text`` has anything to fill in."""
    return any(mark in text for mark in _MARKS)


def marks_in(text: str) -> int:
    """Return how many templates, statements and comments begin in ``text``."""
    return sum(text.count(mark) for mark in _MARKS)

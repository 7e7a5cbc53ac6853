"""What the labels of 2019 are called today: one notice for each that is spelled otherwise now.

They are read for ever; a notice is no problem.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import labels_v1
from airflow_ecs_dag_schema.codec import describes_dag, is_own
from airflow_ecs_dag_schema.problems import Problem, label_path

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = re.compile(r"airflow\.(?:dag|tasks\.(?P<task>[^.]+))\.(?P<field>[^.]+)(?:\.(?P<index>\d+))?\Z", re.ASCII)
_ALERT = "alerts=[EmailAlert(to=[...], on=[...])]"
_DAG = {
    "name": ("dag_id", "dag_id=..."),
    "concurrency": ("max_active_tasks", "max_active_tasks=..."),
    "retries": ("defaults.retries", "defaults=TaskDefaults(retries=...)"),
    "depends_on_past": ("defaults.depends_on_past", "defaults=TaskDefaults(depends_on_past=...)"),
    "email": ("alerts.0.to.{index}", _ALERT),
    "email_on_failure": ("alerts.0.on.0", _ALERT),
    "email_on_retry": ("alerts.0.on.1", _ALERT),
    "schedule_interval": ("schedule.cron", "schedule=Schedule.cron(..., data_interval=True)"),
    "start_date": ("start_date", "start_date=datetime(..., tzinfo=UTC)"),
    "end_date": ("end_date", "end_date=datetime(..., tzinfo=UTC)"),
}
"""A field of the DAG: what its label is called today, below ``airflow.dag.``, and its argument."""
_TASKS = {
    "class": ("kind", 'LatestOnly("{task}")'),
    "command": ("command.0", 'EcsTask("{task}", command=[...])'),
    "depends": ("upstream.{index}", "tasks=before >> {task}"),
}
"""A field of a task: what its label is called today, and how a project's app says it."""
_HOW = {
    "class": "latest_only",
    "email_on_failure": "failure, or no such label for no mail",
    "email_on_retry": "retry, or no such label for no mail",
    "schedule_interval": "the cron expression, with airflow.dag.schedule.kind: cron_data_interval",
    "start_date": "the moment with its offset from UTC",
    "end_date": "the moment with its offset from UTC",
}
"""What the value is today, where that may differ."""
_WITH_OFFSET = re.compile(r'.*T.*(?:Z|[+-]\d\d:\d\d)"?\Z', re.ASCII)


def notices(labels: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return a notice for each label of 2019 that has another spelling today; none for labels of another version.

    Args:
        labels: Docker labels, of whatever version, right or wrong, filled in by CloudFormation or not.
    """
    if labels_v1.VERSION_LABEL in labels or not describes_dag(labels):
        return ()
    found = [
        Problem(label_path(key), message, text)
        for key, text in sorted(labels.items())
        if is_own(key) and (message := _notice(key, text))
    ]
    version = Problem(
        labels_v1.VERSION_LABEL,
        f"these are the labels of 2019: deploy the DAG with AirflowEcsDag, or write them as of today and this one: "
        f'"{labels_v1.VERSION}"',
    )
    return (version, *found)


def _notice(key: str, text: str) -> str | None:
    match = _KEY.match(key)
    if match is None:
        return None
    task, field = match["task"], match["field"]
    today = (_DAG if task is None else _TASKS).get(field)
    if today is None or (field in {"start_date", "end_date"} and _WITH_OFFSET.match(text)):
        return None
    room = "airflow.dag" if task is None else f"airflow.tasks.{label_path(task)}"
    label, argument = (each.format(index=match["index"] or "0", task=label_path(task or "")) for each in today)
    how = f" ({_HOW[field]})" if field in _HOW else ""
    return f"a label of 2019, today {room}.{label}{how}; in AirflowEcsDag {argument}"

"""The labels of 2019: flat, without a version, in the words of Airflow 1.10. Read for ever, written never.

Each label is translated into the one of version 1 that means the same; problems name the label that was written.

* A value was read as JSON where it is JSON: ``"Frank"`` with its quotes is ``Frank``. Arguments of a container keep
  their text: ``2019`` and ``1.10`` are what their author typed.
* A moment without an offset is in UTC. Without ``schedule_interval`` a DAG runs daily, for the day that just ended;
  a cron expression has that meaning too.
* ``email`` tells of failures and of retries unless ``email_on_failure`` or ``email_on_retry`` says ``false``.
* Without ``catchup``, past runs are not made up for: the default then was the installation's, not the project's.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema import labels_v1
from airflow_ecs_dag_schema.problems import LabelError, Problem
from airflow_ecs_dag_schema.values import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_ecs_dag_schema.dag import DagSpec

_LATEST_ONLY = frozenset(
    {
        "airflow.operators.latest_only_operator.LatestOnlyOperator",
        "airflow.operators.latest_only.LatestOnlyOperator",
    }
)


def _unquoted(text: str) -> str:
    """Return the text that 2019's ``json.loads`` made of a quoted value; any other as it stands."""
    if text.startswith('"'):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if isinstance(value, str) and TOKEN_START not in value:
            return value
    return text


def _text(text: str) -> str:
    """Write a plain text so that version 1 reads it back as that."""
    value = _unquoted(text)
    return json.dumps(value) if value.startswith('"') else value


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(_unquoted(text))
    except ValueError:
        return text
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _flag(text: str) -> str:
    return _unquoted(text).lower()


_DAG_FIELDS: dict[str, tuple[str, Callable[[str], str]]] = {
    "name": ("dag_id", _text),
    "owner": ("owner", _text),
    "description": ("description", _text),
    "start_date": ("start_date", _moment),
    "end_date": ("end_date", _moment),
    "catchup": ("catchup", _flag),
    "max_active_runs": ("max_active_runs", _unquoted),
    "concurrency": ("max_active_tasks", _unquoted),
    "retries": ("defaults.retries", _unquoted),
    "depends_on_past": ("defaults.depends_on_past", _flag),
}
_TASK_FIELDS: dict[str, tuple[str, Callable[[str], str]]] = {
    "command": ("command.0", _text),
    "trigger_rule": ("trigger_rule", _text),
    "retries": ("retries", _unquoted),
    "depends_on_past": ("depends_on_past", _flag),
}
_TASK_LISTS = {"args": "args", "depends": "upstream"}
_SINGLE = ("email_on_failure", "email_on_retry", "schedule_interval")
_HINTED = 30
"""Problems that get a guess at what was meant; more are not shown anyway, and a guess takes time."""
_NEWER = f"labels of a newer version need {labels_v1.VERSION_LABEL}"
_ADDRESS = re.compile(r"airflow\.dag\.email(?:\.\d+)?\Z", re.ASCII)
_KEY = re.compile(r"airflow\.(?:dag|tasks\.(?P<task>[^.]+))\.(?P<field>[^.]+)(?:\.(?P<index>\d+))?\Z", re.ASCII)


def read(labels: Mapping[str, str]) -> DagSpec:
    """Return the DAG that labels of 2019 mean.

    Raises:
        LabelError: With every problem found, each under the label of 2019.
    """
    translation = _Translation()
    for key, text in sorted(labels.items()):
        translation.add(key, text)
    translation.add_alerts(labels)
    translation.add_schedule(labels)
    return translation.spec()


class _Translation:
    """Labels of version 1 made so far, and for each the label of 2019 that it came from."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._origins: dict[str, str] = {}
        self._problems: list[Problem] = []

    def _put(self, new: str, text: str, origin: str) -> None:
        self._labels[new] = text
        self._origins[new] = origin

    def add(self, key: str, text: str) -> None:
        match = _KEY.match(key)
        if match is None:
            self._problems.append(
                Problem(
                    key,
                    f"unknown label; those of 2019 are airflow.dag.<field> and airflow.tasks.<id>.<field>; {_NEWER}",
                    text,
                )
            )
        elif match["task"] is None:
            self._add_dag_field(key, match["field"], match["index"], text)
        else:
            self._add_task_field(key, match, text)

    def _add_dag_field(self, key: str, field: str, index: str | None, text: str) -> None:
        if field in _DAG_FIELDS and index is None:
            name, convert = _DAG_FIELDS[field]
            self._put(f"airflow.dag.{name}", convert(text), key)
        elif field == "tags" and index is not None:
            self._put(f"airflow.dag.tags.{index}", _text(text), key)
        elif not (field == "email" or (field in _SINGLE and index is None)):
            self._unknown(key, field, [*_DAG_FIELDS, *_SINGLE, "email", "tags"], text)

    def _add_task_field(self, key: str, match: re.Match[str], text: str) -> None:
        field, task = match["field"], f"airflow.tasks.{match['task']}"
        self._labels.setdefault(f"{task}.kind", "ecs")
        if field == "class" and match["index"] is None:
            if _unquoted(text) in _LATEST_ONLY:
                self._put(f"{task}.kind", "latest_only", key)
            else:
                self._problems.append(
                    Problem(
                        key,
                        f"this class can't be used; allowed: {', '.join(sorted(_LATEST_ONLY))}; remove the label to "
                        "run the container",
                        text,
                    )
                )
        elif field in _TASK_FIELDS and match["index"] is None:
            name, convert = _TASK_FIELDS[field]
            self._put(f"{task}.{name}", convert(text), key)
        elif field in _TASK_LISTS and match["index"] is not None:
            self._put(f"{task}.{_TASK_LISTS[field]}.{match['index']}", _text(text), key)
        else:
            self._unknown(key, field, [*_TASK_FIELDS, *_TASK_LISTS, "class"], text)

    def _unknown(self, key: str, field: str, allowed: list[str], text: str) -> None:
        near = get_close_matches(field, allowed, n=1) if len(self._problems) < _HINTED else []
        hint = f"did you mean {near[0]}? " if near else ""
        self._problems.append(
            Problem(
                key,
                f"unknown label of 2019; {hint}allowed: {', '.join(sorted(allowed))} (lists end in .0, .1); {_NEWER}",
                text,
            )
        )

    def add_alerts(self, labels: Mapping[str, str]) -> None:
        addresses = {key: text for key, text in labels.items() if _ADDRESS.match(key)}
        single = "airflow.dag.email"
        if single in addresses and len(addresses) > 1:
            self._problems.append(
                Problem(single, f"this label and {single}.0 exclude each other: number each address", labels[single])
            )
        for key, text in addresses.items():
            index = key.removeprefix("airflow.dag.email").removeprefix(".") or "0"
            self._put(f"airflow.dag.alerts.0.to.{index}", _text(text), key)
        events = []
        for event in ("failure", "retry"):
            key = f"airflow.dag.email_on_{event}"
            said = _flag(labels.get(key, "true"))
            if said not in {"true", "false"}:
                self._problems.append(Problem(key, "expected true or false", labels[key]))
            if said != "false":
                events.append(event)
        if addresses and events:
            self._labels["airflow.dag.alerts.0.kind"] = "email"
            for number, event in enumerate(events):
                self._labels[f"airflow.dag.alerts.0.on.{number}"] = event
        else:
            self._labels = {k: v for k, v in self._labels.items() if not k.startswith("airflow.dag.alerts.")}

    def add_schedule(self, labels: Mapping[str, str]) -> None:
        key = "airflow.dag.schedule_interval"
        text = _unquoted(labels[key]) if key in labels else None
        kind = "airflow.dag.schedule.kind"
        if text is None:
            self._put(kind, "delta_data_interval", key)
            self._put("airflow.dag.schedule.every", "P1D", key)
        elif text in {"null", "None", "@once"}:
            self._put(kind, "once" if text == "@once" else "manual", key)
        else:
            self._put(kind, "cron_data_interval", key)
            self._put("airflow.dag.schedule.cron", _text(text), key)

    def spec(self) -> DagSpec:
        try:
            spec = labels_v1.read(self._labels)
        except LabelError as error:
            written = sorted(self._origins)
            self._problems.extend(
                Problem(self._origin(problem.path, written), problem.message, problem.value)
                for problem in error.problems
            )
        if self._problems:
            raise LabelError(self._problems)
        return spec

    def _origin(self, path: str, written: list[str]) -> str:
        """Return the label of 2019 behind a label of version 1, or behind the first of the sorted ones below it."""
        if path in self._origins:
            return self._origins[path]
        below = written[(place := bisect_left(written, f"{path}.")) : place + 1]
        if below and below[0].startswith(f"{path}."):
            return self._origins[below[0]]
        return _MISSING.get(path, path)


_MISSING = {"airflow.dag.dag_id": "airflow.dag.name"}
"""What an absent label is called in 2019, where that differs."""

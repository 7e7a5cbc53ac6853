"""One run of a DAG on a local Airflow: triggered, followed line by line, and its verdict."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_cli.processes import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag_cli.airflow_api import LogEvent, TaskState
    from airflow_ecs_dag_cli.local_airflow import LocalAirflow
    from airflow_ecs_dag_cli.terminal import Terminal

_VISIBLE_SECONDS = 120.0
_POLL_SECONDS = 0.5
_ENDED = {"success", "failed"}
_SHOWN_LOGGERS = ("airflow.task.operators", "airflow_ecs_dag.container")
"""Those of the operators, and that of the containers' lines."""
_SERIOUS = {"warning", "error", "critical"}


@dataclass(frozen=True)
class RunDate:
    """The date an author asked for: a whole day, or an exact moment.

    Attributes:
        moment: In UTC; midnight for a whole day.
        whole_day: Whether only a day was given.
    """

    moment: datetime
    whole_day: bool

    @classmethod
    def parse(cls, text: str) -> RunDate:
        """Read ``2026-01-31`` or an ISO 8601 moment; one without an offset is in UTC.

        Raises:
            ValueError: It is neither.
        """
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(
                f"a date is a day such as 2026-01-31 or a moment such as 2026-01-31T03:00:00+00:00; got {text!r}"
            ) from None
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return cls(moment, whole_day="T" not in text and " " not in text)

    def logical_date(self, start_date: datetime | None) -> datetime:
        """Return the logical date of a run for this date; for a whole day, not before the DAG starts on that day.

        Raises:
            LocalRunError: The DAG starts later: Airflow would make a run without tasks, and call it a success.
        """
        moment = self.moment
        if start_date and self.whole_day and moment < start_date and start_date.date() == moment.date():
            moment = start_date
        if start_date and moment < start_date:
            raise LocalRunError(
                f"the date {moment.isoformat()} is before the DAG's start_date {start_date.isoformat()}: "
                "Airflow runs no task then; choose a later --date"
            )
        return moment


def wait_until_visible(airflow: LocalAirflow, dag_id: str) -> None:
    """Wait until Airflow shows the DAG.

    Raises:
        LocalRunError: It shows an import error instead, or nothing for two minutes.
    """
    deadline = time.monotonic() + _VISIBLE_SECONDS
    while airflow.api.dag(dag_id) is None:
        airflow.check()
        if errors := airflow.api.import_errors():
            texts = "\n".join(f"{file}:\n{text}" for file, text in errors.items())
            raise LocalRunError(f"Airflow can't load the DAG {dag_id}:\n{texts}")
        if time.monotonic() >= deadline:
            raise LocalRunError(
                f"Airflow did not show the DAG {dag_id} within {_VISIBLE_SECONDS:g} s; see the logs in {airflow.folder}"
            )
        time.sleep(_POLL_SECONDS)


def trigger(airflow: LocalAirflow, dag_id: str, date: RunDate | None, params: Mapping[str, str]) -> str:
    """Start a run and return its id.

    Args:
        airflow: The Airflow that runs it.
        dag_id: The DAG.
        date: What the run is for.
        params: Values for the DAG's params as a person typed them.

    Raises:
        LocalRunError: The date is before the DAG's start, or a param is none of the DAG's or not of its type.
    """
    details = airflow.api.dag_details(dag_id)
    start = datetime.fromisoformat(details["start_date"]) if details.get("start_date") else None
    return airflow.api.trigger(
        dag_id,
        logical_date=date.logical_date(start) if date else None,
        params=dict(_typed_params(details.get("params") or {}, params)),
    )


def _typed_params(declared: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, text in given.items():
        if name not in declared:
            raise LocalRunError(f"the DAG has no param {name!r}; it has: {', '.join(declared) or 'none'}")
        types = declared[name].get("schema", {}).get("type", "string")
        if "string" in ([types] if isinstance(types, str) else types):
            yield name, text
            continue
        try:
            yield name, json.loads(text)
        except ValueError:
            raise LocalRunError(
                f"the param {name} is of type {types}, which {text!r} is not: write it as JSON"
            ) from None


@dataclass
class RunFollower:
    """Shows what a run does until it ends.

    Attributes:
        airflow: The Airflow that runs it.
        dag_id: Its DAG.
        run_id: The run.
        terminal: Where to show it.
        only: The one task of it to show; all if ``None``.
    """

    airflow: LocalAirflow
    dag_id: str
    run_id: str
    terminal: Terminal
    only: str | None = None
    _states: dict[tuple[str, int], str | None] = field(default_factory=dict)
    _shown: defaultdict[tuple[str, int], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def follow(self) -> str:
        """Return the state in which the run ended: ``success`` or ``failed``."""
        while True:
            self.airflow.check()
            state = self.airflow.api.run_state(self.dag_id, self.run_id)
            tasks = self.airflow.api.tasks(self.dag_id, self.run_id)
            for task in tasks:
                if self.only in {None, task.task_id}:
                    self._show(task)
            if state in _ENDED:
                if not tasks:
                    raise LocalRunError("the run ended without any task: is its date before the tasks' start_date?")
                return state
            time.sleep(_POLL_SECONDS)

    def _show(self, task: TaskState) -> None:
        key = (task.name, task.try_number)
        if task.try_number and task.state not in {None, "scheduled", "queued"}:
            self._show_log(task)
        if self._states.get(key) != task.state:
            self._states[key] = task.state
            state = task.state or "waiting"
            if state == "up_for_retry" and (delay := self._retry_delay(task.task_id)) is not None:
                state += f", tried again in {delay:g} s (retry_delay), Ctrl-C ends the wait"
            self.terminal.say(f"  {task.name} ({task.operator}), try {task.try_number}: {state}")

    def _retry_delay(self, task_id: str) -> float | None:
        """Return the seconds between a task's tries; ``None`` if they differ from try to try."""
        found = next(each for each in self.airflow.api.dag_tasks(self.dag_id) if each["task_id"] == task_id)
        delay = found.get("retry_delay")
        if delay is None or found.get("retry_exponential_backoff"):
            return None
        return timedelta(days=delay["days"], seconds=delay["seconds"]).total_seconds()

    def _show_log(self, task: TaskState) -> None:
        """Show what is new. It may be anywhere in the log: a container's line has the time at which it was said."""
        shown = self._shown[task.name, task.try_number]
        unseen = shown.copy()
        for event in self.airflow.api.log(self.dag_id, self.run_id, task):
            name = f"{event.timestamp} {event.logger} {event.message}"
            if unseen[name]:
                unseen[name] -= 1
                continue
            shown[name] += 1
            if text := _shown_text(event):
                self.terminal.container_line(task.name, text)


def _shown_text(event: LogEvent) -> str:
    """Return what to show of an event: what operators and containers say, and what is serious; empty for the rest."""
    if not (event.logger.startswith(_SHOWN_LOGGERS) or event.level in _SERIOUS):
        return ""
    causes = [f"{cause.get('exc_type')}: {cause.get('exc_value')}" for cause in event.error_detail]
    return "\n".join([event.message, *causes[-1:]])

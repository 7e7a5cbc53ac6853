"""What the command asks of Airflow: its public REST API, as the page itself uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx

from airflow_ecs_dag_cli.processes import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_TIMEOUT = 30.0
_NOT_FOUND = 404
_ERRORS_FROM = 400


class AirflowApiError(LocalRunError):
    """Airflow's API answered with an error; the message has its words.

    Attributes:
        status: The HTTP status; 0 where nothing answered.
    """

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """A task of a run, as Airflow has it now.

    Attributes:
        task_id: Its id.
        try_number: Its current or last try, from 1; 0 before the first.
        state: Airflow's state; ``None`` before it is scheduled.
        operator: The kind of task.
        map_index: Which instance of a mapped task; -1 for a task that is not mapped.
    """

    task_id: str
    try_number: int
    state: str | None
    operator: str
    map_index: int = -1

    @property
    def name(self) -> str:
        """What a person calls it: its id, and which instance where it is mapped."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Read a task instance of the API."""
        return cls(
            task_id=value["task_id"],
            try_number=value["try_number"],
            state=value["state"],
            operator=value.get("operator_name") or value.get("operator") or "",
            map_index=value.get("map_index", -1),
        )


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    """One event of a task's log. ``error_detail`` has the exceptions that came with it."""

    message: str
    level: str
    logger: str
    timestamp: str = ""
    error_detail: Sequence[Mapping[str, Any]] = ()


class AirflowApi:
    """Airflow's REST API.

    Args:
        url: Where Airflow's page is.
        token: A token of Airflow's; without it, as a local Airflow wants it: all-admin, and no proxy on the way.
    """

    def __init__(self, url: str, *, token: str | None = None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(
            base_url=f"{url}/api/v2", timeout=_TIMEOUT, trust_env=token is not None, headers=headers
        )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def health(self) -> dict[str, Any] | None:
        """Return the state of Airflow's components, or ``None`` while its API does not answer."""
        try:
            answer = self._client.get("/monitor/health")
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code < _ERRORS_FROM else None

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """Return the DAG, or ``None`` if Airflow does not have it now."""
        answer = self._request("GET", f"/dags/{quote(dag_id, safe='')}", missing=True)
        return None if answer is None or answer.get("is_stale") else answer

    def dag_details(self, dag_id: str) -> dict[str, Any]:
        """Return all that Airflow knows of a DAG, its ``start_date`` among it."""
        return self._get(f"/dags/{quote(dag_id, safe='')}/details")

    def dag_tasks(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the tasks of a DAG's newest version."""
        return list(self._get(f"/dags/{quote(dag_id, safe='')}/tasks")["tasks"])

    def import_errors(self) -> dict[str, str]:
        """Return the import errors: file to text."""
        errors = self._get("/importErrors", limit=1000)["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def trigger(self, dag_id: str, *, logical_date: datetime | None, params: Mapping[str, Any] | None = None) -> str:
        """Start a run and return its id.

        Args:
            dag_id: The DAG.
            logical_date: The moment that the run is for, with a timezone; ``None`` for a run of none.
            params: Values for its params; those left out have their defaults.
        """
        body = {"logical_date": logical_date.isoformat() if logical_date else None, "conf": dict(params or {})}
        answer = self._request("POST", f"/dags/{quote(dag_id, safe='')}/dagRuns", json=body)
        return str((answer or {})["dag_run_id"])

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Have the scheduler leave the DAG's runs alone, or no longer."""
        self._request("PATCH", f"/dags/{quote(dag_id, safe='')}", json={"is_paused": paused})

    def set_state(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Give a task of a run, with all its instances, the state ``success``, ``failed`` or ``skipped``."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}"
        self._request("PATCH", path, json={"new_state": state})

    def set_output(self, dag_id: str, run_id: str, task_id: str, *, key: str, value: Any) -> None:  # noqa: ANN401 - JSON
        """Give a task of a run an XCom, as if it had run."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}/xcomEntries"
        self._request("POST", path, json={"key": key, "value": value})

    def output(self, dag_id: str, run_id: str, task: TaskState, *, key: str = "return_value") -> Any:  # noqa: ANN401 - JSON
        """Return an XCom of a task; ``None`` if it has none."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task.task_id, safe='')}/xcomEntries/{quote(key, safe='')}"
        answer = self._request("GET", path, missing=True, params={"map_index": str(task.map_index)})
        return None if answer is None else answer["value"]

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return all that Airflow knows of a run."""
        return self._get(_run(dag_id, run_id))

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the runs of a DAG, all that Airflow knows of each."""
        return list(self._get(f"/dags/{quote(dag_id, safe='')}/dagRuns", limit=1000)["dag_runs"])

    def last_run(self, dag_id: str) -> dict[str, Any] | None:
        """Return the run of a DAG that was due last, or ``None`` if it never ran."""
        found = self._get(f"/dags/{quote(dag_id, safe='')}/dagRuns", limit=1, order_by="-run_after")["dag_runs"]
        return found[0] if found else None

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run: ``queued``, ``running``, ``success`` or ``failed``."""
        return str(self.run(dag_id, run_id)["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return the tasks of a run, in the order in which they started."""
        found = self._get(f"{_run(dag_id, run_id)}/taskInstances", limit=1000)["task_instances"]
        ordered = sorted(found, key=lambda task: (task["start_date"] or "9999", task["task_id"]))
        return [TaskState.of(task) for task in ordered]

    def log(self, dag_id: str, run_id: str, task: TaskState) -> list[LogEvent]:
        """Return the log of a task's try as it is now, without Airflow's preface of where it was read from."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task.task_id, safe='')}/logs/{task.try_number}"
        options = {"full_content": "true", "map_index": str(task.map_index)}
        answer = self._request("GET", path, missing=True, params=options)
        content = (answer or {}).get("content") or []
        return [
            LogEvent(
                message=str(event.get("event", "")),
                level=str(event.get("level", "info")),
                logger=str(event.get("logger", "")),
                timestamp=str(event["timestamp"]),
                error_detail=event.get("error_detail") or (),
            )
            for event in content
            if isinstance(event, dict) and event.get("timestamp")
        ]

    def _get(self, path: str, **params: str | int) -> dict[str, Any]:
        return self._request("GET", path, params=params) or {}

    def _request(self, method: str, path: str, *, missing: bool = False, **options: Any) -> dict[str, Any] | None:  # noqa: ANN401 - httpx's own
        try:
            answer = self._client.request(method, path, headers={"Accept": "application/json"}, **options)
        except httpx.TransportError as error:
            raise AirflowApiError(f"Airflow does not answer at {self._client.base_url}: {error}") from error
        if missing and answer.status_code == _NOT_FOUND:
            return None
        if answer.status_code >= _ERRORS_FROM:
            raise AirflowApiError(
                f"Airflow refused {method} {path} with status {answer.status_code}: {answer.text[:1000]}",
                status=answer.status_code,
            )
        found: dict[str, Any] = answer.json()
        return found


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"

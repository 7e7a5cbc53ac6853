"""What an alert says: plain text of our own about a run, the same by mail, SNS and Slack; it has no templates."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_schema.alerts import AlertEvent

_LONGEST_REASON = 2_000
_LOG = "Log"
_RUN_PAGE = "Run's page"


@dataclass(frozen=True)
class AlertText:
    """A message: its subject, and what is known, each with its name."""

    subject: str
    facts: tuple[tuple[str, str], ...]

    @property
    def plain(self) -> str:
        """The message as text, a line a fact."""
        return "\n".join(f"{name}: {value}" for name, value in self.facts)

    @property
    def html(self) -> str:
        """The message as HTML, with no more markup than lines and links."""
        return "<br>\n".join(f"{name}: {_html(name, value)}" for name, value in self.facts)


def alert_text(event: AlertEvent, context: Mapping[str, Any]) -> AlertText:
    """Return what is to be said of ``event``.

    Args:
        event: What happened.
        context: As Airflow gives it to a callback of a task or a DAG, or, for a missed deadline, to one of those.
    """
    instance = context.get("ti")
    run = _run(context, instance)
    if event in {"failure", "retry"}:
        what = "failed" if event == "failure" else "failed and will be tried again"
        subject = f"Airflow: task {instance.task_id} of DAG {run['dag_id']} {what}" if instance else f"Airflow: {what}"
        return AlertText(subject, tuple(_task_facts(run, instance, context.get("exception"))))
    what = "succeeded" if event == "success" else "missed its deadline"
    facts = [("DAG", run["dag_id"]), ("Run", run["run_id"])]
    if deadline := context.get("deadline"):
        facts.append(("Deadline", str(deadline.get("deadline_time"))))
    facts.append((_RUN_PAGE, _page(run)))
    return AlertText(f"Airflow: a run of DAG {run['dag_id']} {what}", tuple(facts))


def _run(context: Mapping[str, Any], instance: Any) -> dict[str, str]:  # noqa: ANN401 - a task instance of any kind
    """Return the ids of the DAG and of the run, from whichever part of ``context`` has them."""
    if instance is not None:
        return {"dag_id": instance.dag_id, "run_id": instance.run_id}
    if isinstance(run := context.get("dag_run"), dict):
        return {"dag_id": run["dag_id"], "run_id": run["dag_run_id"]}
    return {"dag_id": context["dag"].dag_id, "run_id": str(context.get("run_id") or "")}


def _task_facts(run: Mapping[str, str], instance: Any, exception: object) -> list[tuple[str, str]]:  # noqa: ANN401 - as above
    task = instance.task_id if (instance.map_index or 0) < 0 else f"{instance.task_id} [{instance.map_index}]"
    facts = [("DAG", run["dag_id"]), ("Run", run["run_id"]), ("Task", task), ("Try", str(instance.try_number))]
    if exception is not None and (reason := " ".join(str(exception).split())):
        facts.append(("Reason", reason[:_LONGEST_REASON]))
    facts.append((_LOG, instance.log_url))
    return facts


def _page(run: Mapping[str, str]) -> str:
    base = conf.get("api", "base_url", fallback="http://localhost:8080/").rstrip("/")
    return f"{base}/dags/{quote(run['dag_id'])}/runs/{quote(run['run_id'], safe='')}"


def _html(name: str, value: str) -> str:
    text = html.escape(value)
    return f'<a href="{text}">{text}</a>' if name in {_LOG, _RUN_PAGE} else text

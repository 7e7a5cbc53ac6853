"""An alert is a mail that arrives: Airflow's own notifier, sending to a mail server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, EmailAlert
from loader.mail_server import mail_server
from loader.sources import SOURCE, found
from loader.task_runs import task_run

if TYPE_CHECKING:
    import pytest


def test_a_failure_is_mailed_to_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["frank@rfh.example.com", "science@rfh.example.com"]
    spec = DagSpec(dag_id="reports", alerts=[EmailAlert(to=addresses)], tasks=[EcsTaskSpec(task_id="convert")])
    dag = build_dag(spec, DagSource.of(found(), spec, SOURCE))
    task: Any = dag.get_task("convert")
    (notifier,) = task.on_failure_callback
    context: Any = task_run(task)
    context["exception"] = RuntimeError("container main exited with code 7")
    with mail_server() as server:
        options = "disable_ssl=true&disable_tls=true&from_email=airflow%40example.com"
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{server.port}/?{options}")
        notifier(context)
    ((recipients, text),) = server.mails
    assert recipients == addresses
    assert "From: airflow@example.com" in text
    assert "reports" in text
    assert "convert" in text

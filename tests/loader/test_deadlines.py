"""A deadline that a run misses is told of: Airflow's own scheduler code, its trigger, and a mail server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email import message_from_string
from typing import TYPE_CHECKING, Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.models.deadline import Deadline
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.trigger import Trigger
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.triggers.callback import CallbackTrigger
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec, EmailAlert
from airflow_ecs_dag_schema.dag import Deadline as DeadlineSpec
from loader.mail_server import mail_server
from loader.sources import SOURCE, found

if TYPE_CHECKING:
    import pytest

LOGICAL_DATE = datetime(2026, 1, 31, 3, tzinfo=UTC)


def missed(spec: DagSpec) -> list[Any]:
    """Make a run of ``spec`` miss its deadline; return the trigger of each alert, as the triggerer gets it."""
    dag = build_dag(spec, DagSource.of(found(), spec, SOURCE))
    initdb()
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)  # type: ignore[no-untyped-call] # Airflow's own
        session.flush()
        lazy = LazyDeserializedDAG.from_dag(dag)
        update_dag_parsing_results_in_db("dags-folder", None, [lazy], {}, None, set(), session=session)
    with create_session() as session:
        stored = SerializedDagModel.get(spec.dag_id, session=session)
        assert stored is not None
        run = stored.dag.create_dagrun(
            run_id="scheduled__2026-01-31",
            logical_date=LOGICAL_DATE,
            data_interval=(LOGICAL_DATE, LOGICAL_DATE),
            run_after=LOGICAL_DATE,
            run_type=DagRunType.SCHEDULED,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.QUEUED,
            session=session,
        )
        session.flush()
        triggers = []
        for deadline in session.scalars(select(Deadline).where(Deadline.dagrun_id == run.id)):
            assert deadline.deadline_time == LOGICAL_DATE + timedelta(hours=2)
            deadline.handle_miss(session)
            stored_trigger = deadline.callback.trigger
            assert stored_trigger.classpath == "airflow.triggers.callback.CallbackTrigger"
            triggers.append(CallbackTrigger(**Trigger._decrypt_kwargs(stored_trigger.encrypted_kwargs)))
        return triggers


async def events_of(trigger: Any) -> list[Any]:
    return [event.payload async for event in trigger.run()]


def test_a_missed_deadline_is_mailed(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = DagSpec(
        dag_id="late",
        deadline=DeadlineSpec(interval=timedelta(hours=2), reference="dagrun_logical_date"),
        alerts=[
            EmailAlert(to=["team@example.com"], on=["missed_deadline"]),
            EmailAlert(to=["boss@example.com"], on=["missed_deadline", "failure"]),
            EmailAlert(to=["other@example.com"], on=["failure"]),
        ],
        tasks=[EcsTaskSpec(task_id="convert")],
    )
    triggers = missed(spec)
    with mail_server() as server:
        options = "disable_ssl=true&disable_tls=true&from_email=airflow%40example.com"
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{server.port}/?{options}")
        payloads = [asyncio.run(events_of(trigger))[-1] for trigger in triggers]
    assert [payload["state"] for payload in payloads] == ["success", "success"], payloads
    assert sorted(recipients for recipients, _ in server.mails) == [["boss@example.com"], ["team@example.com"]]
    for _, text in server.mails:
        mail = message_from_string(text)
        (body,) = (part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart())
        assert mail["Subject"] == "Airflow: a run of DAG late missed its deadline"
        assert isinstance(body, bytes)
        assert b"Run: scheduled__2026-01-31" in body
        assert b"Deadline: 2026-01-31 05:00" in body

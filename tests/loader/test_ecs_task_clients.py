"""The clients that all waits of a process share, and what is made anew when a connection has other credentials."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.runner import ecs_task_clients
from airflow_ecs_dag_loader.runner.ecs_task_clients import EcsTaskClients

if TYPE_CHECKING:
    import pytest

CONNECTION, REGION = "work_account", "eu-west-1"


def connect(monkeypatch: pytest.MonkeyPatch, access_key: str) -> None:
    """Let Airflow's connection have these credentials, as a secrets backend would after a rotation."""
    value = {"conn_type": "aws", "login": access_key, "password": "not-aws", "extra": {"region_name": REGION}}
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", json.dumps(value))


def key_of(client: Any) -> str:
    return str(client._request_signer._credentials.access_key)


def test_a_client_for_logs_is_made_anew_once_for_all_who_had_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "OLD")
    clients = EcsTaskClients(CONNECTION, REGION)
    old = clients.logs(None)
    assert key_of(old) == "OLD"
    connect(monkeypatch, "NEW")
    new = clients.renewed_logs(None, old)
    assert key_of(new) == "NEW"
    assert clients.renewed_logs(None, old) is new
    assert clients.logs(REGION) is new


def test_a_client_that_is_no_better_is_not_made_anew_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "OLD")
    clients = EcsTaskClients(CONNECTION, REGION)
    new = clients.renewed_logs(None, clients.logs(None))
    connect(monkeypatch, "NEW")
    assert clients.renewed_logs(None, new) is new
    monkeypatch.setattr(ecs_task_clients, "_RENEWED_EVERY", 0.0)
    clients._logs_kept_until.clear()
    assert key_of(clients.renewed_logs(None, new)) == "NEW"

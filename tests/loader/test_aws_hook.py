"""A connection that is not there is a mistake of whoever wrote its name, and not the process's own credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_loader.aws_hook import AwsHook
from airflow_ecs_dag_loader.scan_error import ScanError

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "the-process-has-some")


def test_a_connection_that_airflow_does_not_know_is_an_error() -> None:
    with pytest.raises(AirflowNotFoundException, match="ordres"):
        AwsHook(aws_conn_id="ordres", client_type="ecs", region_name="eu-west-1").get_conn()


def test_a_connection_that_airflow_knows_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ORDERS", "aws://its-key:its-secret@/")
    session = AwsHook(aws_conn_id="orders", region_name="eu-west-1").get_session()
    assert session.get_credentials().access_key == "its-key"  # type: ignore[union-attr]


def test_without_a_connection_the_process_has_its_own_credentials() -> None:
    session = AwsHook(aws_conn_id=None, region_name="eu-west-1").get_session()
    assert session.get_credentials().access_key == "the-process-has-some"  # type: ignore[union-attr]


@pytest.mark.parametrize("role", [{}, {"role_arn": "arn:aws:iam::123456789012:role/scan", "external_id": "of-orders"}])
def test_a_scan_says_which_connection_is_not_there(role: Mapping[str, str]) -> None:
    source = {"name": "orders", "regions": ["eu-west-1"], "aws_conn_id": "ordres", **role}
    bundle = EcsDagBundle(name="ecs-hook", sources=[source])
    with pytest.raises(ScanError, match="ordres"):
        bundle.refresh()

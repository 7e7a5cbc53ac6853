"""docs/permissions.md shows the policies that its code makes, and its bundles and connections are real ones."""

from __future__ import annotations

import configparser
import json
import re

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

from airflow_ecs_dag_loader import EcsDagBundle
from iam.permission_page import PAGE, PLATFORM, PROJECT, page_section, role, section

TEXT = PAGE.read_text()


def test_the_policies_are_those_that_the_code_makes() -> None:
    assert page_section() == section(), "call `python -m iam.permission_page` in the folder tests"


def test_nobody_else_may_take_on_a_role_of_the_projects_account() -> None:
    for name, trusted in (("airflow-scan", "airflow-loader"), ("airflow-run", "airflow-runner")):
        trust = role(PROJECT, name).trust
        assert trust is not None
        assert [(each["Principal"], each["Condition"]) for each in trust["Statement"]] == [
            (
                {"AWS": f"arn:aws:iam::{PLATFORM}:role/{trusted}"},
                {"StringEquals": {"sts:ExternalId": "orders-7f3a"}},
            )
        ]


def test_the_bundles_of_the_page_can_be_made() -> None:
    (text,) = re.findall(r"^```ini\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(text)
    bundles = json.loads(config["dag_processor"]["dag_bundle_config_list"])
    made = [EcsDagBundle(name=bundle["name"], **bundle["kwargs"]) for bundle in bundles]
    assert [bundle.source.aws_conn_id for bundle in made] == [None, "orders"]


CONNECTIONS = re.findall(r"^```json\n(\{\"conn_type.*?)\n```$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("text", CONNECTIONS)
def test_the_connections_of_the_page_name_a_role(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ORDERS", text)
    config = AwsBaseHook(aws_conn_id="orders", client_type="ecs").conn_config
    assert config.role_arn in {f"arn:aws:iam::{PROJECT}:role/airflow-scan", f"arn:aws:iam::{PROJECT}:role/airflow-run"}
    assert config.assume_role_kwargs == {"ExternalId": "orders-7f3a"}


def test_there_are_two_connections() -> None:
    assert len(CONNECTIONS) == 2

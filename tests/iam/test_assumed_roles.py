"""The page's stacks in two accounts of an emulator that enforces IAM: Airflow's connection takes on the other's role.

What the emulator can't judge is not asked here: it takes the cluster for the resource of every ECS call.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from airflow_ecs_dag_cli.local_aws import SECRET_KEY, LocalAws, isolated_environment
from airflow_ecs_dag_loader import EcsDagBundle
from airflow_ecs_dag_loader.scan_error import ScanError
from iam.permission_page import PAGE, PLATFORM, PROJECT, page_app
from loader.bundle_files import family_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

pytestmark = pytest.mark.emulator

REGION = "eu-west-1"
CONNECTION_OF_THE_PROCESSOR, CONNECTION_OF_THE_WORKERS = (
    json.loads(text) for text in re.findall(r"^```json\n(\{\"conn_type.*?)\n```$", PAGE.read_text(), re.MULTILINE)
)


class EnforcingAws(LocalAws):
    """An emulator in which only an account's own root may do everything: its access key is the account's number."""

    def _emulator_environment(self, port: int) -> dict[str, str]:
        return super()._emulator_environment(port) | {"AUTH": "true"}

    def session(self, account: str) -> boto3.Session:
        return boto3.Session(aws_access_key_id=account, aws_secret_access_key=SECRET_KEY, region_name=REGION)

    def assumed(self, account: str, role: str) -> CredentialsTypeDef:
        """The credentials of a role of the account, as the service has them that the role trusts."""
        sts = self.session(account).client("sts", endpoint_url=self.endpoint_url)
        arn = f"arn:aws:iam::{account}:role/{role}"
        return sts.assume_role(RoleArn=arn, RoleSessionName="airflow")["Credentials"]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnforcingAws]:
    folder = tmp_path_factory.mktemp("permissions")
    assembly = page_app(str(folder / "cdk.out")).synth()
    with EnforcingAws(folder / "aws") as running:
        for stack in sorted(assembly.stacks, key=lambda stack: stack.stack_name != "Platform"):
            account = stack.environment.account
            cloudformation = running.session(account).client("cloudformation", endpoint_url=running.endpoint_url)
            cloudformation.create_stack(
                StackName=stack.stack_name,
                # without what asks whether `cdk bootstrap` ran: nothing here is an asset
                TemplateBody=json.dumps({"Resources": stack.template["Resources"]}),
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
            cloudformation.get_waiter("stack_create_complete").wait(
                StackName=stack.stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
        yield running


@pytest.fixture
def process(aws: EnforcingAws, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make this process one of Airflow's: with the credentials of a role of the platform, and a connection."""

    def become(role: str, connection: dict[str, Any]) -> None:
        for name, value in isolated_environment({}, endpoint_url=aws.endpoint_url, region=REGION).items():
            monkeypatch.setenv(name, value)
        credentials = aws.assumed(PLATFORM, role)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", credentials["SessionToken"])
        monkeypatch.setenv("AIRFLOW_CONN_ORDERS", json.dumps(connection))

    return become


def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connection: str | None) -> EcsDagBundle:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path))
    return EcsDagBundle(name="ecs", region_name=REGION, aws_conn_id=connection)


def families(found: EcsDagBundle) -> list[str]:
    found.refresh()
    return sorted(path.read_text() for path in family_files(found.base_dir).values())


def test_the_processor_finds_the_dags_of_the_other_account(
    process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process("airflow-loader", CONNECTION_OF_THE_PROCESSOR)
    (text,) = families(bundle(tmp_path, monkeypatch, "orders"))
    assert f"arn:aws:ecs:{REGION}:{PROJECT}:task-definition/orders:1" in text


def test_the_processor_finds_the_dags_of_its_own_account(
    process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process("airflow-loader", CONNECTION_OF_THE_PROCESSOR)
    (text,) = families(bundle(tmp_path, monkeypatch, None))
    assert f"arn:aws:ecs:{REGION}:{PLATFORM}:task-definition/invoices:1" in text


def test_a_worker_finds_the_dags_of_the_other_account(
    process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process("airflow-runner", CONNECTION_OF_THE_WORKERS)
    (text,) = families(bundle(tmp_path, monkeypatch, "orders"))
    assert f"arn:aws:ecs:{REGION}:{PROJECT}:task-definition/orders:1" in text


@pytest.mark.parametrize("external_id", ["invoices-11aa", None])
def test_another_external_id_finds_nothing(
    process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, external_id: str | None
) -> None:
    extra = {"role_arn": CONNECTION_OF_THE_PROCESSOR["extra"]["role_arn"]}
    if external_id:
        extra["assume_role_kwargs"] = {"ExternalId": external_id}
    process("airflow-loader", {"conn_type": "aws", "extra": extra})
    with pytest.raises((ClientError, ScanError), match="not authorized to perform: sts:AssumeRole"):
        bundle(tmp_path, monkeypatch, "orders").refresh()


def test_a_worker_can_not_take_on_the_scan_role(process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process("airflow-runner", CONNECTION_OF_THE_PROCESSOR)
    with pytest.raises((ClientError, ScanError), match="not authorized to perform: sts:AssumeRole"):
        bundle(tmp_path, monkeypatch, "orders").refresh()


def scanner(aws: EnforcingAws) -> ECSClient:
    loader = aws.assumed(PLATFORM, "airflow-loader")
    answer = boto3.client(
        "sts",
        endpoint_url=aws.endpoint_url,
        region_name=REGION,
        aws_access_key_id=loader["AccessKeyId"],
        aws_secret_access_key=loader["SecretAccessKey"],
        aws_session_token=loader["SessionToken"],
    ).assume_role(
        RoleArn=f"arn:aws:iam::{PROJECT}:role/airflow-scan", RoleSessionName="airflow", ExternalId="orders-7f3a"
    )["Credentials"]
    return boto3.client(
        "ecs",
        endpoint_url=aws.endpoint_url,
        region_name=REGION,
        aws_access_key_id=answer["AccessKeyId"],
        aws_secret_access_key=answer["SecretAccessKey"],
        aws_session_token=answer["SessionToken"],
    )


def test_the_scan_role_can_not_run_or_register_anything(aws: EnforcingAws) -> None:
    ecs = scanner(aws)
    assert ecs.describe_task_definition(taskDefinition="orders")["taskDefinition"]["family"] == "orders"
    with pytest.raises(ClientError, match="ecs:RunTask"):
        ecs.run_task(taskDefinition="orders", cluster="shared")
    with pytest.raises(ClientError, match="ecs:RegisterTaskDefinition"):
        ecs.register_task_definition(family="orders", containerDefinitions=[{"name": "main", "image": "x"}])

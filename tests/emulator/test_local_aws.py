"""The emulator: there, alone, in its folder, and never real AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from airflow_ecs_dag_cli.local_aws import ACCESS_KEY, LocalAws, isolated_environment

pytestmark = pytest.mark.emulator

REAL = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
    "AWS_SECRET_ACCESS_KEY": "a-real-secret",
    "AWS_SESSION_TOKEN": "a-real-token",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/a-real-role",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/a-real-identity",
    "AWS_ENDPOINT_URL_ECS": "http://127.0.0.1:9/real-endpoint",
    "AIRFLOW_CONN_AWS_DEFAULT": "aws://AKIAREALREALREALREAL:a-real-secret@",
}
WHO_AM_I = """
import json, os, boto3
session = boto3.Session()
keys = session.get_credentials().get_frozen_credentials()
print(json.dumps({
    "account": session.client("sts").get_caller_identity()["Account"],
    "families": session.client("ecs").list_task_definition_families()["families"],
    "access_key": keys.access_key,
    "token": keys.token,
    "environment": dict(os.environ),
}))
"""


def pid_file(aws: LocalAws) -> Path:
    """The file that ministack keeps its process id in, `ministack-<port>.pid`."""
    (found,) = (aws.folder / "tmp").glob("ministack-*.pid")
    return found


def pid_of(aws: LocalAws) -> int:
    return int(pid_file(aws).read_text())


@pytest.fixture
def real_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's machine: keys in the environment, and files that make a profile the default."""
    config = tmp_path / "home" / ".aws"
    config.mkdir(parents=True)
    (config / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAREALREALREALREAL\naws_secret_access_key = a-real-secret\n"
    )
    (config / "config").write_text("[default]\nregion = us-gov-east-1\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.usefixtures("real_credentials")
def test_real_credentials_do_not_reach_a_child(tmp_path: Path) -> None:
    with LocalAws(tmp_path / "aws") as aws:
        done = subprocess.run(
            [sys.executable, "-c", WHO_AM_I], env=aws.environment, capture_output=True, text=True, check=True
        )
    seen = json.loads(done.stdout)
    assert (seen["account"], seen["access_key"], seen["token"]) == ("000000000000", ACCESS_KEY, None)
    for secret in REAL.values():
        assert secret not in done.stdout
    assert seen["environment"]["AWS_REGION"] == "eu-west-1"


@pytest.mark.usefixtures("real_credentials")
def test_real_credentials_do_not_reach_our_own_clients(tmp_path: Path) -> None:
    with LocalAws(tmp_path / "aws") as aws:
        client = aws.client("sts")
        assert client.get_caller_identity()["Account"] == "000000000000"
        assert client.meta.region_name == "eu-west-1"
        assert client.meta.endpoint_url == aws.endpoint_url


@pytest.mark.usefixtures("real_credentials")
def test_real_credentials_do_not_reach_the_emulator(tmp_path: Path) -> None:
    with LocalAws(tmp_path / "aws") as aws:
        environment = Path(f"/proc/{pid_of(aws)}/environ")
        if not environment.exists():
            pytest.skip("no /proc to read another process' environment from")
        seen = environment.read_bytes().decode()
    for secret in REAL.values():
        assert secret not in seen


def test_it_writes_into_its_folder_only_and_disturbs_no_other(tmp_path: Path) -> None:
    with LocalAws(tmp_path / "one") as one, LocalAws(tmp_path / "two") as two:
        one.client("ecs").create_cluster(clusterName="here")
        one.client("s3").create_bucket(Bucket="here-too", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        assert len(one.client("ecs").list_clusters()["clusterArns"]) == 1
        assert two.client("ecs").list_clusters()["clusterArns"] == []
        assert two.client("s3").list_buckets()["Buckets"] == []
        port = pid_file(one).stem.removeprefix("ministack-")
        assert list(Path(tempfile.gettempdir()).glob(f"ministack-{port}*")) == []
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


def test_account_and_region_are_those_asked_for(tmp_path: Path) -> None:
    with LocalAws(tmp_path / "aws", account="123456789012", region="us-east-1") as aws:
        identity = aws.client("sts").get_caller_identity()
        made = aws.client("ecs").create_cluster(clusterName="here")["cluster"]
    assert identity["Account"] == "123456789012"
    assert made["clusterArn"] == "arn:aws:ecs:us-east-1:123456789012:cluster/here"


def test_only_loopback_is_listened_on(tmp_path: Path) -> None:
    with LocalAws(tmp_path / "aws") as aws:
        listening = Path(f"/proc/{pid_of(aws)}/net/tcp")
        if not listening.exists():
            pytest.skip("no /proc to read the listening sockets from")
        wanted = f":{urlsplit(aws.endpoint_url).port:04X}"
        rows = [line.split()[1] for line in listening.read_text().splitlines() if line.split()[3] == "0A"]
        assert [row for row in rows if row.endswith(wanted)] == [f"0100007F{wanted}"]


def test_outside_its_block_there_is_no_endpoint(tmp_path: Path) -> None:
    aws = LocalAws(tmp_path / "aws")
    with pytest.raises(RuntimeError, match="not running"):
        _ = aws.endpoint_url
    with aws:
        pid = pid_of(aws)
    with pytest.raises(RuntimeError, match="not running"):
        _ = aws.environment
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_isolated_environment_keeps_the_rest_and_leaves_its_base_alone() -> None:
    base = {"PATH": "/bin", "AWS_PROFILE": "production", "no_proxy": "intranet, 127.0.0.1"}
    isolated = isolated_environment(base, region="us-east-1")
    assert base["AWS_PROFILE"] == "production"
    assert isolated["PATH"] == "/bin"
    assert isolated["no_proxy"] == isolated["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert "AWS_PROFILE" not in isolated
    assert "AWS_ENDPOINT_URL" not in isolated

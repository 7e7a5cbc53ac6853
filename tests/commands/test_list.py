"""``airflow-ecs-dag list``: what Airflow sees of a registry, and of a bundle's folder; and why it can't be seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, NoRegionError
from typer.testing import CliRunner

from airflow_ecs_dag_cli.aws_failures import AwsFailure
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_loader import EcsDagBundle
from commands.http_answers import http_answers
from loader.ecs_account import REGION, dag_labels

if TYPE_CHECKING:
    from typer.testing import Result

    from loader.ecs_account import EcsAccount

DAILY = {"dag__schedule__kind": "cron_trigger", "dag__schedule__cron": "0 6 * * *"}
START = {"dag__start_date": "2026-01-01T00:00:00+00:00"}


def list_dags(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["list", *map(str, arguments)])


def states(*arguments: str | Path) -> dict[str, dict[str, Any]]:
    """Return what is listed, by family."""
    result = list_dags("--json", *arguments)
    document = json.loads(result.stdout)
    assert document["ok"] is (result.exit_code == 0)
    return {dag["family"]: dag for dag in document["dags"]}


def test_one_line_a_family(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    account.register("reports", dag_labels(**DAILY, **START))
    account.register("web", {"com.example.team": "x"})
    result = list_dags()
    assert result.exit_code == 0
    dag, summary = result.stdout.splitlines()
    place = f"{account.number}/{REGION}"
    assert " ".join(dag.split()) == f"✓ reports reports:2 {place} live 1 task, every day at 06:00 (UTC)"
    assert summary == (
        f"account {account.number}, region {REGION}: 1 DAG live; 1 family without Airflow labels (--all shows them)"
    )
    assert "web:1" in list_dags("--all").stdout


def test_what_is_refused_says_why(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    account.register("broken", dag_labels("broken", tasks__build__retrys="3", tasks__build__pool_slots="x"))
    for family in ("orders", "orders-copy"):
        account.register(family, dag_labels("orders"))
    found = states()
    assert {family: dag["state"] for family, dag in found.items()} == {
        "broken": "refused",
        "orders": "duplicate",
        "orders-copy": "duplicate",
        "reports": "live",
    }
    assert [reason["path"] for reason in found["broken"]["reasons"]] == [
        "airflow.tasks.build.pool_slots",
        "airflow.tasks.build.retrys",
    ]
    assert [reason["rule"] for reason in found["orders"]["reasons"]] == ["dag-id.taken"]
    result = list_dags()
    assert result.exit_code == 1
    (line,) = (line for line in result.stdout.splitlines() if " broken:1 " in line)
    assert "airflow.tasks.build.pool_slots: expected" in line
    assert line.endswith("(and 1 more)")
    assert "1 DAG live, 1 refused, 2 duplicate" in result.stdout


def test_a_very_long_reason_is_cut_in_its_line_and_whole_in_json(account: EcsAccount) -> None:
    account.register("broken", dag_labels("broken", tasks__build__retrys="3"))
    line = list_dags().stdout.splitlines()[0]
    assert line.endswith("...")
    assert "weight_rule" not in line
    assert "weight_rule" in states()["broken"]["reasons"][0]["message"]


def test_the_bundles_arguments_count(account: EcsAccount, tmp_path: Path) -> None:
    labels = dag_labels()
    del labels["airflow.ecs.cluster"]
    account.register("reports", labels)
    policy = tmp_path / "policy.yaml"
    policy.write_text("mode: warn\nowners: [data]\nschedules: [manual]\n")
    assert states()["reports"]["state"] == "refused"
    assert states("--cluster", "work")["reports"]["state"] == "live"
    foreign = states("--cluster", "work", "--dag-id-prefix", "orders-")["reports"]
    assert [reason["rule"] for reason in foreign["reasons"]] == ["dag-id.source-prefix"]
    warned = states("--cluster", "work", "--policy", policy)["reports"]
    assert (warned["state"], [each["rule"] for each in warned["warnings"]]) == ("live", ["owner.not-allowed"])
    assert "the policy warns of owner.not-allowed" in list_dags("--cluster", "work", "--policy", policy).stdout
    policy.write_text("mode: enforce\nschedules: [cron_trigger]\n")
    assert states("--cluster", "work", "--policy", policy)["reports"]["state"] == "refused"


def test_an_empty_registry_says_so(account: EcsAccount) -> None:
    result = list_dags()
    assert result.exit_code == 1
    assert f"account {account.number}, region {REGION}: no ACTIVE task definition at all" in result.stdout


def test_a_registry_without_dags_says_so(account: EcsAccount) -> None:
    account.register("web")
    account.register("api")
    result = list_dags()
    assert result.exit_code == 1
    assert "no DAG; 2 families without Airflow labels (--all shows them)" in result.stdout


def test_another_region(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    assert "region us-east-1: no ACTIVE task definition" in list_dags("--region", "us-east-1").stdout


@pytest.mark.usefixtures("account")
def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    result = list_dags()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no AWS credentials were found: give --profile" in result.stderr
    document = json.loads(list_dags("--json").stdout)
    assert document["ok"] is False
    assert document["error"].startswith("no AWS credentials were found")


@pytest.mark.usefixtures("account")
def test_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    result = list_dags()
    assert result.exit_code == 2
    assert "no AWS region is set: give --region, or set AWS_REGION" in result.stderr


@pytest.mark.usefixtures("account")
def test_a_profile_that_is_not_there() -> None:
    result = list_dags("--profile", "gone")
    assert result.exit_code == 2
    assert "(gone) could not be found: choose a profile of" in result.stderr


@pytest.mark.usefixtures("account")
def test_an_aws_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = list_dags()
    assert result.exit_code == 2
    assert "AWS can't be reached" in result.stderr


DENIED = {
    "__type": "AccessDeniedException",
    "message": "User: arn:aws:iam::123456789012:user/me is not authorized to perform: ecs:ListTaskDefinitions on "
    "resource: * because no identity-based policy allows the ecs:ListTaskDefinitions action",
}


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, json.dumps(DENIED), "access denied: these credentials may not ecs:ListTaskDefinitions"),
        (400, json.dumps({"__type": "ExpiredTokenException"}), "the AWS credentials have expired: sign in again"),
        (200, "", "ListTaskDefinitions answered without a list of ARNs"),
        (200, "{", "ListTaskDefinitions"),
    ],
)
def test_a_scan_that_fails_says_why(status: int, body: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_answers({"ListTaskDefinitions": (status, body)}) as ecs:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", ecs.url)
        result = list_dags()
    assert (result.exit_code, result.stdout) == (2, "")
    message, told = result.stderr.splitlines()
    assert said in message
    assert told.endswith("docs/troubleshooting.md#list-and-doctor-find-something")


def aws_error(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "ListTaskDefinitions")


@pytest.mark.parametrize(
    ("error", "said", "is_denied"),
    [
        (NoRegionError(), "no AWS region is set", False),
        (aws_error("RequestExpired"), "have expired", False),
        (aws_error("InvalidClientTokenId"), "AWS does not take these credentials (InvalidClientTokenId)", False),
        (aws_error("AccessDenied", "no"), "may not ListTaskDefinitions", True),
        (aws_error("ThrottlingException"), "AWS throttles ListTaskDefinitions", False),
        (aws_error("ServerException", "some\nthing"), "failed with ServerException (some thing): try again", False),
        (aws_error(""), "failed with an answer without a code", False),
        (ValueError("not\nthis"), "not this: try again", False),
    ],
)
def test_failures_in_words(error: Exception, said: str, is_denied: bool) -> None:  # noqa: FBT001 - a case
    failure = AwsFailure.of(error)
    assert said in str(failure)
    assert failure.is_denied is is_denied
    assert "\n" not in str(failure)


def test_a_policy_that_is_none(account: EcsAccount, tmp_path: Path) -> None:
    account.register("reports", dag_labels())
    policy = tmp_path / "policy.yaml"
    policy.write_text("ownrs: [x]\n")
    result = list_dags("--policy", policy)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "ownrs" in result.stderr


@pytest.fixture
def bundle(account: EcsAccount) -> EcsDagBundle:
    """A bundle that has refreshed once: one DAG, one without a schedule that it allows, two with the same id."""
    account.register("reports", dag_labels())
    account.register("daily", dag_labels("daily", **DAILY, **START))
    account.register("broken", dag_labels("broken", tasks__build__retrys="3"))
    found = EcsDagBundle(name=f"list-{account.number}", region_name=REGION, policy={"schedules": ["manual"]})
    found.refresh()
    account.register("web")
    account.register("reports-copy", dag_labels())
    found.refresh()
    return found


def test_what_a_bundle_found(bundle: EcsDagBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # AWS is not asked
    found = states("--bundle-folder", bundle.base_dir, "--all")
    assert {family: dag["state"] for family, dag in found.items()} == {
        "broken": "refused",
        "daily": "refused",
        "reports": "live",
        "reports-copy": "duplicate",
        "web": "no labels",
    }
    assert [each["rule"] for each in found["daily"]["reasons"]] == ["schedule.kind"]
    assert found["daily"]["reasons"][0]["value"] == "cron_trigger"
    assert found["broken"]["reasons"][0]["message"].startswith("unknown field")
    assert "/reports, which had it first" in found["reports-copy"]["reasons"][0]["message"]
    result = list_dags("--bundle-folder", bundle.path)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith(f"{bundle.base_dir}, refreshed ")
    assert "1 DAG live, 2 refused, 1 duplicate" in result.stdout


def test_a_folder_that_is_no_bundles(tmp_path: Path) -> None:
    result = list_dags("--bundle-folder", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds no snapshot of an EcsDagBundle: give the folder" in result.stderr


def test_a_bundles_state_that_is_broken(bundle: EcsDagBundle) -> None:
    for state in (bundle.base_dir / "state" / "published.json", bundle.base_dir / "state.json"):
        if state.exists():
            state.write_text("{")
    result = list_dags("--bundle-folder", bundle.base_dir)
    assert result.exit_code == 2
    assert "can't be read as a bundle's state: the next refresh writes it anew" in result.stderr


def test_aws_and_a_folder_exclude_each_other(tmp_path: Path) -> None:
    result = list_dags("--bundle-folder", tmp_path, "--region", REGION)
    assert result.exit_code == 2
    assert "leave out --region" in " ".join(result.stderr.replace("│", " ").split())


def test_as_a_user_runs_it(account: EcsAccount, tmp_path: Path) -> None:
    account.register("reports", dag_labels())
    command = Path(sys.executable).with_name("airflow-ecs-dag")
    environment = os.environ | account.environment | {"HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path / "airflow")}
    done = subprocess.run(
        [str(command), "list"], capture_output=True, text=True, check=False, timeout=120, env=environment
    )
    assert done.returncode == 0
    assert "reports:1" in done.stdout
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""

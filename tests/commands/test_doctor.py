"""``airflow-ecs-dag doctor``: each way in which a DAG may be missing has its line, and what can't be known says so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_loader import EcsDagBundle
from commands.http_answers import http_answers
from loader.ecs_account import REGION, dag_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typer.testing import Result

    from loader.ecs_account import EcsAccount

ORDER = (
    "credentials",
    "found",
    "labels",
    "decoded",
    "admitted",
    "duplicate",
    "published",
    "parsed",
    "runs",
    "permissions",
)
OPTIONAL = {"published", "parsed", "permissions"}
"""What is not known unless more is given than a family."""


def doctor(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["doctor", *map(str, arguments)])


class Checklist:
    """The checks of one examination, by name."""

    def __init__(self, *arguments: str | Path) -> None:
        result = doctor(*arguments, "--json")
        document = json.loads(result.stdout)
        assert document["ok"] is (result.exit_code == 0)
        checks = document["checks"]
        names = [each["check"] for each in checks]
        assert names == [name for name in ORDER if name in names]
        assert (result.exit_code == 1) is any(each["status"] == "problem" for each in checks)
        self._checks: dict[str, dict[str, Any]] = {each["check"]: each for each in checks}

    def text(self, name: str, status: str) -> str:
        """Return what a check says, its details too; it has ``status``."""
        check = self._checks[name]
        assert check["status"] == status, check
        return "\n".join([check["text"], *check["details"]])

    def named(self, status: str) -> set[str]:
        return {name for name, check in self._checks.items() if check["status"] == status}


def test_a_dag_that_is_there(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    checks = Checklist("reports")
    assert checks.named("problem") == set()
    assert checks.named("not known") == OPTIONAL
    assert f"account {account.number}, region {REGION}, as arn:aws:iam::" in checks.text("credentials", "ok")
    assert checks.text("found", "ok").startswith("reports:1 is ACTIVE, registered 20")
    assert checks.text("labels", "ok") == "4 Airflow labels on container main, version 1"
    assert checks.text("decoded", "ok") == "DAG reports: 1 task, only when somebody triggers it"
    assert "give --policy FILE" in checks.text("admitted", "ok")
    assert f"no other task definition of {account.number}/{REGION}" in checks.text("duplicate", "ok")


def test_the_checklist_as_a_person_reads_it(account: EcsAccount) -> None:
    account.register("reports", dag_labels(tasks__build__retrys="3"))
    result = doctor("reports")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[3] == "✗ decoded      1 problem in the labels: correct the DAG where it is declared, and deploy it"
    assert lines[4].startswith("               airflow.tasks.build.retrys: unknown field; did you mean retries?")
    assert lines[5] == "? admitted     comes after labels that can be read"
    assert lines[-1] == "reports: 1 problem; 5 not known"


PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"


def test_the_page_prints_what_the_command_prints(account: EcsAccount) -> None:
    (printed,) = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for _ in range(6):
        account.register("reports")
    account.register("reports", dag_labels(tasks__build__retries="three"))
    found = doctor("reports").stdout.replace(account.number, "123456789012").replace(":root", ":user/ada")
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.sub(moment, "(a moment)", found) == re.sub(moment, "(a moment)", printed)


@pytest.mark.usefixtures("account")
def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    checks = Checklist("reports")
    assert "no AWS credentials were found: give --profile" in checks.text("credentials", "problem")
    assert checks.named("not known") == set(ORDER) - {"credentials", "runs"}


def test_an_arn_names_region_and_account(account: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = account.register("reports", dag_labels())
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert Checklist(arn).text("found", "ok").startswith("reports:1 is ACTIVE")
    foreign = arn.replace(account.number, "999999999999")
    text = Checklist(foreign).text("credentials", "problem")
    assert "the task definition of 999999999999: name a --profile of that account" in text


def test_a_family_that_is_elsewhere(account: EcsAccount) -> None:
    account.register("daily-reports", dag_labels())
    account.register("reprots", dag_labels("other"))
    boto3.Session().client("ecs", region_name="us-east-1").register_task_definition(
        family="reports", containerDefinitions=[{"name": "main", "image": "x"}]
    )
    checks = Checklist("reports")
    text = checks.text("found", "problem")
    assert f"{account.number}/{REGION} has no task definition of the family reports" in text
    assert "a name like it: reprots, daily-reports" in text
    assert "it is ACTIVE in us-east-1: name that by --region" in text
    assert checks.text("labels", "not known") == "comes after an ACTIVE revision"


def test_a_family_that_is_nowhere(account: EcsAccount) -> None:
    account.register("web")
    text = Checklist("reports").text("found", "problem")
    assert "a name like it" not in text
    assert "no other region of this account that answered has it, either" in text


def test_a_stack_that_was_destroyed(account: EcsAccount) -> None:
    account.register("reports-old", dag_labels("old"))
    for _ in range(2):
        account.deregister(account.register("reports", dag_labels()))
    text = Checklist("reports").text("found", "problem")
    assert "no revision of reports is ACTIVE" in text
    assert "reports:2 was the last, deregistered 20" in text
    assert "its stack was destroyed or rolled back" in text


def test_a_revision_that_is_not_the_newest(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    account.register("reports", dag_labels())
    account.deregister(account.register("reports", dag_labels()))
    checks = Checklist("reports:1")
    text = checks.text("found", "problem")
    assert "newest ACTIVE revision, reports:2," in text
    assert "not reports:1, which is ACTIVE too" in text
    assert "reports:3, which is not ACTIVE" in Checklist("reports:3").text("found", "problem")
    assert checks.named("problem") == {"found"}
    assert Checklist("reports:2").named("problem") == set()


def test_labels_that_are_gone(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    account.register("reports")
    account.register("reports", {"Airflow.dag.dag_id": "reports", "airflow.run_by": "x"})
    text = Checklist("reports").text("labels", "problem")
    assert "no container of reports:3 has a DAG's labels" in text
    assert "container main has Airflow.dag.dag_id, airflow.run_by; a DAG's labels begin with" in text
    assert "reports:1 had them last" in text


def test_labels_that_never_were(account: EcsAccount) -> None:
    account.register("web")
    assert "another task definition carries the DAG" in Checklist("web").text("labels", "problem")
    account.register("web")
    assert "none of the 1 revisions before it had them" in Checklist("web").text("labels", "problem")


def test_labels_on_two_containers(account: EcsAccount) -> None:
    containers = [{"name": name, "image": "x", "dockerLabels": dag_labels()} for name in ("main", "proxy")]
    account.register_containers("reports", containers)
    checks = Checklist("reports")
    assert "more than one container (main, proxy)" in checks.text("labels", "problem")
    assert checks.text("decoded", "not known") == "comes after a DAG's labels"


def test_labels_of_2019(account: EcsAccount) -> None:
    account.register("old", {"airflow.dag.name": "old", "airflow.tasks.build.command.0": "x"})
    assert "the form of 2019" in Checklist("old").text("labels", "ok")


def test_a_container_that_is_not_there(account: EcsAccount) -> None:
    account.register("reports", dag_labels(ecs__container_name="gone"))
    assert "airflow.ecs.container_name" in Checklist("reports").text("decoded", "problem")


def test_the_policy(account: EcsAccount, tmp_path: Path) -> None:
    account.register("reports", dag_labels(dag__owner="me"))
    policy = tmp_path / "policy.yaml"
    policy.write_text("owners: [data]\ndag_id_prefix: team-\n")
    text = Checklist("reports", "--policy", policy).text("admitted", "problem")
    assert "2 rules broken" in text
    assert "airflow.dag.owner: [owner.not-allowed]" in text
    assert "allowed: data: choose one of these (got 'me')" in text
    policy.write_text("mode: warn\nowners: [data]\n")
    assert "[owner.not-allowed]" in Checklist("reports", "--policy", policy).text("admitted", "ok")
    policy.write_text("owners: [me]\n")
    assert Checklist("reports", "--policy", policy).text("admitted", "ok") == "the policy lets it in"


def test_the_bundles_cluster_and_prefix(account: EcsAccount) -> None:
    labels = dag_labels()
    del labels["airflow.ecs.cluster"]
    account.register("reports", labels)
    assert "airflow.ecs.cluster: no cluster is named" in Checklist("reports").text("admitted", "problem")
    assert Checklist("reports", "--cluster", "work").named("problem") == set()
    text = Checklist("reports", "--cluster", "work", "--dag-id-prefix", "x-").text("admitted", "problem")
    assert "[dag-id.source-prefix]" in text


@pytest.fixture
def bundle(account: EcsAccount) -> EcsDagBundle:
    """A bundle that has not refreshed yet."""
    return EcsDagBundle(name=f"doctor-{account.number}", region_name=REGION, policy={"schedules": ["manual"]})


def test_a_dag_id_that_two_claim(account: EcsAccount, bundle: EcsDagBundle) -> None:
    account.register("reports", dag_labels())
    bundle.refresh()
    account.register("copy", dag_labels())
    bundle.refresh()
    folder = ("--bundle-folder", bundle.base_dir)
    text = Checklist("copy").text("duplicate", "problem")
    assert "reports:1 claims the dag id reports too" in text
    assert "(--bundle-folder)" in text
    text = Checklist("copy", *folder).text("duplicate", "problem")
    assert f"belongs to the task definition {account.number}/{REGION}/reports, which had it first" in text
    text = Checklist("reports", *folder).text("duplicate", "ok")
    assert text == "the dag id reports is this family's; copy:1 claims it too, and is refused"


def test_what_a_bundle_published(account: EcsAccount, bundle: EcsDagBundle) -> None:
    account.register("reports", dag_labels())
    account.register("web")
    bundle.refresh()
    folder = ("--bundle-folder", bundle.base_dir)
    assert "reports:1 as the DAG reports, in its snapshot of " in Checklist("reports", *folder).text("published", "ok")
    account.register("reports", dag_labels())
    text = Checklist("reports", *folder).text("published", "problem")
    assert "the bundle still has reports:1" in text
    assert "not reports:2" in text
    account.register("late", dag_labels("late"))
    text = Checklist("late", *folder).text("published", "problem")
    assert "the bundle has not seen the family" in text
    assert f"it follows {account.number}/{REGION}:" in text
    assert "no Airflow labels on web:1" in Checklist("web", *folder).text("published", "problem")


def test_what_a_bundle_refuses(account: EcsAccount, bundle: EcsDagBundle) -> None:
    start = {"dag__start_date": "2026-01-01T00:00:00+00:00"}
    account.register("daily", dag_labels("daily", dag__schedule__kind="once", **start))
    bundle.refresh()
    checks = Checklist("daily", "--bundle-folder", bundle.base_dir)
    assert checks.named("problem") == {"published"}  # the policy is the bundle's own, and was not given here
    text = checks.text("published", "problem")
    assert "the bundle refuses daily:1" in text
    assert "airflow.dag.schedule.kind: [schedule.kind]" in text


def test_a_bundle_without_aws(account: EcsAccount, bundle: EcsDagBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Airflow's machine, where whoever looks may have no credentials."""
    account.register("reports", dag_labels())
    bundle.refresh()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    checks = Checklist("reports", "--bundle-folder", bundle.base_dir)
    assert checks.named("problem") == {"credentials"}
    assert "reports:1 as the DAG reports" in checks.text("published", "ok")


def test_a_folder_that_is_no_bundles(account: EcsAccount, tmp_path: Path) -> None:
    account.register("reports", dag_labels())
    text = Checklist("reports", "--bundle-folder", tmp_path).text("published", "problem")
    assert "holds no snapshot of an EcsDagBundle" in text


DAG = {
    "dag_id": "reports",
    "is_stale": False,
    "is_paused": False,
    "bundle_name": "ecs",
    "next_dagrun_run_after": "2026-01-02T06:00:00Z",
}
NO_ERRORS = {"import_errors": [], "total_entries": 0}
RUN = {"dag_run_id": "scheduled__2026-01-01", "state": "failed"}


def airflow(
    dag: Mapping[str, Any] | None = None, errors: Mapping[str, Any] | None = None, runs: list[Any] | None = None
) -> dict[str, tuple[int, str]]:
    """Return the answers of an Airflow, in the form of its REST API."""
    answers = {"/api/v2/importErrors": (200, json.dumps(errors or NO_ERRORS))}
    if dag is not None:
        answers["/api/v2/dags/reports"] = (200, json.dumps(dag))
        answers["/api/v2/dags/reports/dagRuns"] = (200, json.dumps({"dag_runs": runs or []}))
    return answers


def asked(answers: Mapping[str, tuple[int, str]]) -> Checklist:
    with http_answers(answers) as server:
        return Checklist("reports", "--airflow", f"{server.url}/")


def test_a_dag_that_airflow_has(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    checks = asked(airflow(DAG, runs=[RUN]))
    assert checks.text("parsed", "ok") == "Airflow has the DAG reports, from the bundle ecs"
    assert checks.text("runs", "ok") == (
        "not paused; the next run is due at 2026-01-02 06:00 UTC; the last run, scheduled__2026-01-01, is failed"
    )


def test_a_dag_that_is_paused(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    checks = asked(airflow({**DAG, "is_paused": True}))
    assert "the DAG is paused" in checks.text("runs", "problem")
    assert "it never ran" in checks.text("runs", "problem")


def test_a_dag_that_airflow_lacks(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    for answers in (airflow(), airflow({**DAG, "is_stale": True})):
        checks = asked(answers)
        assert "Airflow has neither a DAG reports nor an import error" in checks.text("parsed", "problem")
        assert "runs" not in checks.named("ok")


def test_a_file_that_airflow_can_not_load(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    place = f"{account.number}/{REGION}"
    errors = [
        {"filename": f"{place}/old-reports.py", "stack_trace": "another one's"},
        {"filename": f"999999999999/{REGION}/reports.py", "stack_trace": "another account's"},
        {"filename": f"{place}/reports.py", "stack_trace": "Traceback\nDagRefusedError: why it is refused\n"},
    ]
    text = asked(airflow(errors={"import_errors": errors, "total_entries": 3})).text("parsed", "problem")
    assert text.splitlines() == [
        "Airflow could not load the family's file: correct what it says",
        "Traceback",
        "DagRefusedError: why it is refused",
    ]
    checks = asked(airflow(DAG, errors={"import_errors": errors, "total_entries": 3}))
    assert "it shows an older DAG" in checks.text("parsed", "problem")
    assert "not paused" in checks.text("runs", "ok")


def test_an_airflow_that_does_not_say(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    denied = asked({"/api/v2/importErrors": (401, "{}")})
    assert "set AIRFLOW_ECS_DAG_TOKEN" in denied.text("parsed", "not known")
    page = asked({"/api/v2/importErrors": (200, "<html>")})
    assert "no Airflow 3" in page.text("parsed", "not known")
    other = asked({"/api/v2/importErrors": (200, "[]")})
    assert "no Airflow 3" in other.text("parsed", "not known")
    closed = Checklist("reports", "--airflow", "http://127.0.0.1:9")
    assert "check the address" in closed.text("parsed", "not known")


def test_the_token_goes_to_airflow(account: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    account.register("reports", dag_labels())
    monkeypatch.setenv("AIRFLOW_ECS_DAG_TOKEN", "a-token")
    with http_answers(airflow(DAG)) as server:
        result = doctor("reports", "--airflow", server.url)
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer a-token"}
    assert "a-token" not in result.output


ALLOWED = ["ecs:RunTask", "ecs:DescribeTasks", "ecs:StopTask", "ecs:ListTasks", "ecs:TagResource", "iam:PassRole"]


def runner(actions: list[str]) -> str:
    """Make the role of Airflow's workers; return its ARN."""
    iam: Any = boto3.Session().client("iam")
    trust = {"Version": "2012-10-17", "Statement": []}
    role = iam.create_role(RoleName="airflow-runner", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName="airflow-runner", PolicyName="run", PolicyDocument=json.dumps(policy))
    return str(role["Arn"])


def register_with_role(account: EcsAccount) -> None:
    account.ecs().register_task_definition(
        family="reports",
        taskRoleArn=f"arn:aws:iam::{account.number}:role/reports-task",
        containerDefinitions=[{"name": "main", "image": "x", "dockerLabels": dag_labels()}],
    )


def test_a_role_that_may_run_it(account: EcsAccount) -> None:
    account.register("reports", dag_labels())
    account.ecs().create_cluster(clusterName="work")
    text = Checklist("reports", "--runner-role", runner(ALLOWED)).text("permissions", "ok")
    assert f"may run, watch and stop its tasks on arn:aws:ecs:{REGION}:{account.number}:cluster/work" in text


def test_what_is_missing_for_a_run(account: EcsAccount) -> None:
    register_with_role(account)
    checks = Checklist("reports", "--runner-role", runner(["ecs:*"]))
    lines = checks.text("permissions", "problem").splitlines()
    assert lines[0] == "a run would fail: have these allowed or made"
    assert "cluster/work is not there" in lines[1]
    assert f"names the role arn:aws:iam::{account.number}:role/reports-task, which is not there" in lines[2]
    assert f"may not iam:PassRole on arn:aws:iam::{account.number}:role/reports-task: no policy allows it" in lines[3]
    assert len(lines) == 4


def test_a_runner_role_that_is_not_there(account: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    account.register("reports", dag_labels())
    account.ecs().create_cluster(clusterName="work")
    role = f"arn:aws:iam::{account.number}:role/gone"
    missing = "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>"
    with http_answers({"": (404, missing)}) as iam:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", iam.url)
        text = Checklist("reports", "--runner-role", role).text("permissions", "problem")
    assert text.splitlines()[1:] == [
        f"the role {role} is not there: give the one that Airflow's workers run tasks with"
    ]


def test_what_the_caller_may_not_ask_is_not_known(account: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    register_with_role(account)
    account.ecs().create_cluster(clusterName="work")
    denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    with http_answers({"": (403, denied)}) as iam:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", iam.url)
        checks = Checklist("reports", "--runner-role", f"arn:aws:iam::{account.number}:role/airflow-runner")
    text = checks.text("permissions", "not known")
    assert "not all of it could be looked at" in text
    assert "these credentials may not SimulatePrincipalPolicy" in text


def test_a_caller_who_may_not_list_task_definitions(account: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    account.register("reports", dag_labels())
    body = {
        "__type": "AccessDeniedException",
        "message": "User: x is not authorized to perform: ecs:ListTaskDefinitions",
    }
    with http_answers({"ListTaskDefinitions": (400, json.dumps(body))}) as ecs:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", ecs.url)
        checks = Checklist("reports")
    assert "these credentials may not ecs:ListTaskDefinitions" in checks.text("found", "not known")


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a/b"], "expected a task definition's family"),
        (["reports:x"], "expected a task definition's family"),
        (["arn:aws:ecs:eu-west-1:1:task-definition/x:1"], "expected an ARN such as"),
        (["reports", "--airflow", "airflow.example.com"], "expected an address such as"),
        (["reports", "--runner-role", "airflow-runner"], "expected a role's ARN"),
        (
            ["arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:7", "--region", "us-east-1"],
            "the ARN is of the region eu-west-1",
        ),
        (["reports", "--bundle-folder", "/no/such/folder"], "does not exist"),
    ],
)
def test_wrong_use(arguments: list[str], said: str) -> None:
    result = doctor(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_a_policy_that_is_none(account: EcsAccount, tmp_path: Path) -> None:
    account.register("reports", dag_labels())
    policy = tmp_path / "policy.yaml"
    policy.write_text("ownrs: [x]\n")
    result = doctor("reports", "--policy", policy)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "ownrs" in result.stderr


def test_as_a_user_runs_it(account: EcsAccount, tmp_path: Path) -> None:
    account.register("reports", dag_labels())
    command = Path(sys.executable).with_name("airflow-ecs-dag")
    environment = os.environ | account.environment | {"HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path / "airflow")}
    done = subprocess.run(
        [str(command), "doctor", "reports"], capture_output=True, text=True, check=False, timeout=120, env=environment
    )
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "reports: no problems; 3 not known"
    assert done.stderr == ""

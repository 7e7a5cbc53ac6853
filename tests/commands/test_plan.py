"""``airflow-ecs-dag plan``: every difference between two sides is told, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner

from airflow_ecs_dag_cli.dag_changes import DagChange
from airflow_ecs_dag_cli.definition_files import Container, FileKind, TaskDefinition
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_cli.source_document import SourceDocument
from airflow_ecs_dag_cli.verdicts import Verdict
from airflow_ecs_dag_schema import DagSpec, encode
from commands.files import LABELS, assembly, container, task_definition, template, write_json
from commands.http_answers import http_answers
from documents.test_documents import blocks
from loader.ecs_account import REGION, dag_labels
from schema.spec_strategies import specs

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from loader.ecs_account import EcsAccount

STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/Jobs/0a"


def plan(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["plan", *map(str, arguments)])


def planned(folder: Path, old: dict[str, Any], new: dict[str, Any], status: int = 0) -> dict[str, Any]:
    """The plan for the one DAG of two templates."""
    files = [write_json(folder / f"{name}.json", each) for name, each in (("old", old), ("new", new))]
    result = plan(files[1], "--against", files[0], "--json", "--after", "2026-01-30")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["ok"]) == (status, status == 0)
    (dag,) = document["dags"]
    found: dict[str, Any] = dag
    return found


def jobs(more: dict[str, Any] | None = None, name: str = "main", **properties: Any) -> dict[str, Any]:
    written = template(container({**LABELS, **(more or {})}, name))
    written["Resources"]["Jobs"]["Properties"] |= properties
    return written


DAILY = {"airflow.dag.schedule.kind": "cron_trigger", "airflow.dag.schedule.cron": "0 6 * * *"}
START = {"airflow.dag.start_date": "2026-01-01T00:00:00+00:00"}


def test_nothing_changes(tmp_path: Path) -> None:
    dag = planned(tmp_path, jobs(), jobs())
    assert (dag["change"], dag["fields"], dag["rights"]) == ("unchanged", [], {"gained": [], "lost": []})


def test_fields_schedule_and_runs(tmp_path: Path) -> None:
    weekly = {"airflow.dag.schedule.cron": "0 6 * * 1", "airflow.dag.owner": "data"}
    dag = planned(tmp_path, jobs(DAILY | START), jobs(DAILY | START | weekly))
    assert dag["change"] == "changed"
    assert dag["fields"] == [
        {"field": "schedule.cron", "old": "0 6 * * *", "new": "0 6 * * 1"},
        {"field": "owner", "old": None, "new": "data"},
    ]
    assert dag["schedule"] == {"before": "every day at 06:00 (UTC)", "after": "every Monday at 06:00 (UTC)"}
    assert [len(runs) for runs in dag["next_runs"].values()] == [5, 5]
    assert dag["next_runs"]["after"][:2] == ["2026-02-02T06:00:00+00:00", "2026-02-09T06:00:00+00:00"]


def test_tasks_and_arrows(tmp_path: Path) -> None:
    old = {"airflow.tasks.send.upstream.0": "build", "airflow.tasks.send.retries": "1"}
    new = {"airflow.tasks.check.upstream.0": "build", "airflow.tasks.build.args.0": "{{ ds }}"}
    dag = planned(tmp_path, jobs(old), jobs(new | {"airflow.tasks.check.kind": "latest_only"}))
    assert dag["tasks"] == {
        "added": ["check"],
        "removed": ["send"],
        "changed": [{"task_id": "build", "fields": [{"field": "args.0", "old": None, "new": "{{ ds }}"}]}],
    }
    assert dag["arrows"] == {"added": [["build", "check"]], "removed": [["build", "send"]]}
    drawn = plan(tmp_path / "new.json", "--against", tmp_path / "old.json").stdout
    before, after = drawn.split("graph before")[1].split("graph after")
    assert ("send" in before, "check" in before, "send" in after, "check" in after) == (True, False, False, True)


def test_rights(tmp_path: Path) -> None:
    logs = {"LogDriver": "awslogs", "Options": {"awslogs-group": "/jobs"}}
    old = jobs({"airflow.tasks.build.task_definition": "worker"}, TaskRoleArn="arn:aws:iam::1:role/old")
    new = jobs({"airflow.ecs.cluster": "other"}, TaskRoleArn={"Fn::GetAtt": ["Role", "Arn"]})
    new["Resources"]["Jobs"]["Properties"]["ContainerDefinitions"][0]["LogConfiguration"] = logs
    rights = planned(tmp_path, old, new)["rights"]
    gained = {(right["actions"][0], right["resource"]) for right in rights["gained"]}
    lost = {(right["actions"][0], right["resource"]) for right in rights["lost"]}
    assert gained == {
        ("ecs:RunTask", "reports on the cluster other"),
        ("ecs:DescribeTasks", "its ECS tasks on the cluster other"),
        ("logs:GetLogEvents", "the log group /jobs"),
    }  # the role may turn out to be the same
    assert lost == {
        ("ecs:RunTask", "reports on the cluster jobs"),
        ("ecs:RunTask", "worker on the cluster jobs"),
        ("ecs:DescribeTasks", "its ECS tasks on the cluster jobs"),
        ("ecs:DescribeTaskDefinition", "every task definition"),
    }


def test_size(tmp_path: Path) -> None:
    many = {f"airflow.tasks.t{number}.kind": "ecs" for number in range(20)}
    size = planned(tmp_path, jobs(), jobs(many))["size"]
    assert size["after"]["labels"] - size["before"]["labels"] == len(json.dumps(many, separators=(",", ":"))) - 1
    assert size["after"]["room"] == 60_000 - size["after"]["task_definition"]
    assert (size["after"]["packed"], size["after"]["most"]) == (False, 60_000)


def test_what_only_the_deployment_knows_may_be_the_same(tmp_path: Path) -> None:
    known = {"airflow.dag.dag_id": "prod-reports", "airflow.ecs.cluster": "jobs", "airflow.tasks.build.retries": "3"}
    open_ = {
        "airflow.dag.dag_id": {"Fn::Sub": "${AWS::StackName}-reports"},
        "airflow.ecs.cluster": {"Ref": "Cluster"},
        "airflow.tasks.build.retries": {"Ref": "Retries"},
    }
    assert planned(tmp_path, jobs(known), jobs(open_))["change"] == "unchanged"
    other = planned(tmp_path, jobs(known | {"airflow.dag.dag_id": "prod-other"}), jobs(open_))
    assert other["fields"] == [{"field": "dag_id", "old": "prod-other", "new": "${Ref AWS::StackName}-reports"}]


def test_dags_that_come_and_go(tmp_path: Path) -> None:
    old = write_json(tmp_path / "old.json", jobs())
    new = write_json(tmp_path / "new.json", jobs({"airflow.dag.dag_id": "orders"}))
    document = json.loads(plan(new, "--against", old, "--json").stdout)
    assert [(dag["dag_id"], dag["change"]) for dag in document["dags"]] == [("orders", "added"), ("reports", "removed")]
    assert document["dags"][0]["rights"]["gained"]
    assert document["dags"][1]["rights"]["lost"]
    said = plan(new, "--against", old).stdout
    assert "+ orders added" in said
    assert "- reports removed" in said
    assert said.endswith("2 DAGs, 1 added, 1 removed\n")


def test_a_dag_that_moves_to_another_family(tmp_path: Path) -> None:
    dag = planned(tmp_path, jobs(), jobs(Family="other"))
    assert (dag["change"], dag["family"]) == ("changed", {"before": "reports", "after": "other"})


def test_exit_statuses(tmp_path: Path) -> None:
    good, bad = (
        write_json(tmp_path / "good.json", jobs()),
        write_json(tmp_path / "bad.json", jobs({"airflow.tasks.build.retrys": "1"})),
    )
    refused = plan(bad, "--against", good)
    assert refused.exit_code == 1
    assert "did you mean retries" in refused.stdout
    assert plan(good, "--against", bad).exit_code == 0
    assert "can't be read" in plan(good, "--against", bad).stdout
    assert plan(good, "--against", tmp_path / "nothing").exit_code == 2
    assert plan(tmp_path / "nothing", "--against", good).exit_code == 2
    assert plan(write_json(tmp_path / "empty.json", {"Resources": {}}), "--against", good).exit_code == 1
    for wrong in ([good], [good, "--against", good, "--deployed"], [good, "--against", good, "--region", "x"]):
        result = plan(*wrong)
        assert result.exit_code == 2
        assert "--against" in result.stderr


def test_hostile_text_moves_no_terminal(tmp_path: Path) -> None:
    hostile = jobs(
        {"airflow.tasks.build.args.0": '"\\u001b[2J\\u202e"', "airflow.dag.dag_id": "a\x1b[2J"}, name="\x1b[2J"
    )
    for first, second in ((jobs(), hostile), (hostile, jobs())):
        old, new = write_json(tmp_path / "old.json", first), write_json(tmp_path / "new.json", second)
        said = plan(new, "--against", old).stdout
        assert "\x1b" not in said
        assert "\u202e" not in said


def verdict(spec: DagSpec) -> Verdict:
    labels = encode(spec)
    found = Container(name="main", labels=labels, path=())
    definition = TaskDefinition(
        kind=FileKind.LABELS, file="x", place="", source=SourceDocument(labels, ""), containers=(found,), family="f"
    )
    return Verdict(dag_id=spec.dag_id, definition=definition, container=found, labels=labels, spec=spec)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs(), specs())
def test_two_dags_differ_where_they_do(first: DagSpec, second: DagSpec) -> None:
    assert DagChange(verdict(first), verdict(first.model_copy(update={"stack": STACK}))).kind == "unchanged"
    is_same = first.model_copy(update={"stack": None}) == second.model_copy(update={"stack": None})
    assert (DagChange(verdict(first), verdict(second)).kind == "unchanged") == is_same


def app_of(folder: Path, value: dict[str, Any]) -> Path:
    """A synthesized app whose stack is called Jobs."""
    found = assembly(folder, {"Resources": {}})
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Jobs.template.json"}}
    write_json(found / "manifest.json", {"version": "48.0.0", "artifacts": {"Jobs": stack}})
    write_json(found / "Jobs.template.json", value)
    return found


def deployed(*arguments: str | Path) -> tuple[int, dict[str, dict[str, Any]]]:
    result = plan(*arguments, "--deployed", "--json")
    document = json.loads(result.stdout)
    return result.exit_code, {dag["dag_id"]: dag for dag in document["dags"]}


@pytest.mark.emulator
def test_the_newest_active_revision_counts(account: EcsAccount, tmp_path: Path) -> None:
    account.register("reports", dag_labels(tasks__build__retries="1"))
    account.register("reports", dag_labels(tasks__build__retries="2"))
    account.deregister(account.register("reports", dag_labels(tasks__build__retries="9")))
    account.register("unrelated", dag_labels("unrelated"))
    labels = dag_labels(tasks__build__retries="3")
    written = template(container(labels))
    status, dags = deployed(app_of(tmp_path / "cdk.out", written))
    assert (status, list(dags)) == (0, ["reports"])
    (task,) = dags["reports"]["tasks"]["changed"]
    assert task == {"task_id": "build", "fields": [{"field": "retries", "old": "2", "new": "3"}]}
    assert dags["reports"]["size"]["before"]["labels"] == dags["reports"]["size"]["after"]["labels"]


@pytest.mark.emulator
def test_dags_of_the_apps_stacks_that_go(account: EcsAccount, tmp_path: Path) -> None:
    account.register("old", dag_labels("old", dag__stack=STACK))
    account.register("others", dag_labels("others", dag__stack=STACK.replace("/Jobs/", "/Other/")))
    status, dags = deployed(app_of(tmp_path / "cdk.out", template(container(dag_labels()))))
    assert status == 0
    assert {dag_id: dag["change"] for dag_id, dag in dags.items()} == {"reports": "added", "old": "removed"}


@pytest.mark.emulator
def test_a_dag_id_of_another_stack_is_refused(account: EcsAccount, tmp_path: Path) -> None:
    account.register("theirs", dag_labels("reports", dag__stack=STACK.replace("/Jobs/", "/Other/")))
    status, dags = deployed(app_of(tmp_path / "cdk.out", template(container(dag_labels()))))
    assert status == 1
    assert "theirs of the stack Other" in dags["reports"]["problem"]
    result = plan(tmp_path / "cdk.out", "--deployed")
    assert result.exit_code == 1
    assert "choose another dag id" in result.stdout


@pytest.mark.emulator
def test_roles_and_logs_of_what_is_deployed(account: EcsAccount, tmp_path: Path) -> None:
    logs = {"logDriver": "awslogs", "options": {"awslogs-group": "/jobs", "awslogs-region": REGION}}
    account.register("reports", dag_labels(), logConfiguration=logs)
    _, dags = deployed(app_of(tmp_path / "cdk.out", template(container(dag_labels()))))
    assert dags["reports"]["rights"] == {
        "gained": [],
        "lost": [{"actions": ["logs:GetLogEvents"], "resource": "the log group /jobs"}],
    }


def test_an_aws_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_json(tmp_path / "new.json", task_definition(LABELS))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with http_answers({}) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        result = plan(source, "--deployed", "--region", REGION)
        document = json.loads(plan(source, "--deployed", "--region", REGION, "--json").stdout)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: AWS: " in result.stderr
    assert (document["ok"], document["dags"]) == (False, [])
    assert document["error"].startswith("AWS: ")


def test_the_page_shows_what_the_command_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = blocks("docs/plan.md", "yaml")
    (said,) = blocks("docs/plan.md", "text")
    (tmp_path / "before.yaml").write_text(before)
    (tmp_path / "after.yaml").write_text(after)
    monkeypatch.chdir(tmp_path)
    result = plan("after.yaml", "--against", "before.yaml", "--after", "2026-01-30")
    assert (result.exit_code, result.stdout) == (0, said)

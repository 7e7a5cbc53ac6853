"""A container's secrets in a local run: from the developer's file, through the local AWS, as ECS gives them."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_ecs_dag_cli.cloud_assembly import CloudAssembly, Stack
from airflow_ecs_dag_cli.emulator_templates import emulator_template
from airflow_ecs_dag_cli.local_aws import LocalAws
from airflow_ecs_dag_cli.local_secrets import LocalSecrets
from airflow_ecs_dag_cli.named_values import NamedValuesError
from airflow_ecs_dag_cli.process_engine.__main__ import READY
from airflow_ecs_dag_cli.process_engine.images import ImageSource, write_images
from airflow_ecs_dag_cli.processes import BackgroundProcess
from airflow_ecs_dag_cli.stack_deployment import deploy

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.emulator

IMAGE = "secrets:1"
PATIENCE = 60.0
"""Seconds for which an ECS task may take to stop; not what it should take."""
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:"  # noqa: S105 - where one is
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:000000000000:parameter/"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose containers write what they were given into the file ``given.json`` of their folder."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "image").mkdir()
    (folder / "image" / "Dockerfile").write_text('FROM scratch\nWORKDIR /app\nENTRYPOINT ["python", "run.py"]\n')
    (folder / "image" / "run.py").write_text(
        "import json, os, pathlib, sys\npathlib.Path(sys.argv[1]).write_text(json.dumps(dict(os.environ)))\n"
    )
    write_images(folder / "images.json", [ImageSource(name=IMAGE, directory=folder / "image")])
    with tempfile.TemporaryDirectory(prefix="secrets-") as short:
        socket = Path(short) / "docker.sock"
        engine = BackgroundProcess(
            "the process engine",
            (
                *(sys.executable, "-m", "airflow_ecs_dag_cli.process_engine"),
                *("--socket", str(socket), "--images", str(folder / "images.json")),
            ),
            log=folder / "engine.log",
        )
        with engine:
            engine.wait_for_line(READY, within=60)
            with LocalAws(folder / "aws", docker_host=f"unix://{socket}") as running:
                yield running


def app(name: str, secrets: dict[str, Any], **resources: Any) -> CloudAssembly:
    container = {
        "Name": "main",
        "Image": IMAGE,
        "Memory": 128,
        "Secrets": [{"Name": key, "ValueFrom": value} for key, value in secrets.items()],
    }
    definition = {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {"Family": name.lower(), "ContainerDefinitions": [container]},
    }
    template = {"Resources": {"Jobs": definition, **resources}}
    return CloudAssembly(folder=Path(), stacks=(Stack(id=name, name=name, path=name, template=template),))


def deploy_with(aws: LocalAws, assembly: CloudAssembly, values: dict[str, str]) -> list[str]:
    """Deploy as a local run does; return what containers still miss."""
    secrets = LocalSecrets({name: values[name] for name in sorted(values)})
    secrets.put(aws, assembly)
    for stack in assembly.stacks:
        deploy(aws, stack)
    family = assembly.stacks[0].name.lower()
    return [line for line in secrets.put_deployed(aws, assembly) if f"task definition {family} " in line]


def end_of_run(aws: LocalAws, family: str, given: Path) -> dict[str, Any]:
    ecs = aws.client("ecs")
    started = ecs.run_task(
        taskDefinition=family, overrides={"containerOverrides": [{"name": "main", "command": [str(given)]}]}
    )
    arn = started["tasks"][0]["taskArn"]
    deadline = time.monotonic() + PATIENCE
    while True:
        (task,) = ecs.describe_tasks(tasks=[arn])["tasks"]
        if task["lastStatus"] == "STOPPED":
            return dict(task)
        assert time.monotonic() < deadline, task
        time.sleep(0.1)


def test_each_kind_of_secret_gets_to_the_container(aws: LocalAws, tmp_path: Path) -> None:
    assembly = app(
        "Kinds",
        {
            "BY_ARN": f"{SECRET_ARN}prod/db:password::",
            "WHOLE": f"{SECRET_ARN}prod/whole-AbCdEf",
            "PARAMETER": f"{PARAMETER_ARN}jobs/country",
            "OWN": {"Ref": "Own"},
            "OWN_FIELD": {"Fn::Join": ["", [{"Ref": "Own"}, ":user::"]]},
        },
        Own={"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "own", "SecretString": "{}"}},
    )
    values = {
        "prod/db": '{"password": "tiger"}',
        "prod/db2": '{"password": "another"}',
        "prod/whole": "lion",
        "/jobs/country": "nl",
        "own": '{"user": "me"}',
    }
    assert deploy_with(aws, assembly, values) == []
    task = end_of_run(aws, "kinds", tmp_path / "given.json")
    assert task["containers"][0]["exitCode"] == 0, task
    given = json.loads((tmp_path / "given.json").read_text())
    assert {name: given.get(name) for name in ("BY_ARN", "WHOLE", "PARAMETER", "OWN", "OWN_FIELD")} == {
        "BY_ARN": "tiger",
        "WHOLE": "lion",
        "PARAMETER": "nl",
        "OWN": '{"user": "me"}',
        "OWN_FIELD": "me",
    }


def test_a_changed_value_is_the_next_ones(aws: LocalAws, tmp_path: Path) -> None:
    assembly = app("Changed", {"ONE": f"{PARAMETER_ARN}changed/one"})
    for value in ("first", "second"):
        assert deploy_with(aws, assembly, {"/changed/one": value}) == []
        end_of_run(aws, "changed", tmp_path / value)
        assert json.loads((tmp_path / value).read_text())["ONE"] == value


def test_a_missing_one_is_said_before_and_fails_the_ecs_task_in_its_words(aws: LocalAws, tmp_path: Path) -> None:
    assembly = app("Lacking", {"THERE": f"{PARAMETER_ARN}there", "LOST": f"{SECRET_ARN}lost"})
    (line,) = deploy_with(aws, assembly, {"there": "yes"})
    assert f"takes LOST from {SECRET_ARN}lost, which the local AWS does not have" in line
    assert "--secrets" in line
    task = end_of_run(aws, "lacking", tmp_path / "given.json")
    assert task["stoppedReason"].startswith("ResourceInitializationError: unable to pull secrets or registry auth")
    assert not (tmp_path / "given.json").exists()


def test_a_value_that_aws_does_not_take(aws: LocalAws) -> None:
    assembly = app("Empty", {})
    with pytest.raises(NamedValuesError, match=r"does not take the value of empty/one \(\w+\)"):
        LocalSecrets({"empty/one": ""}).put(aws, assembly)


def test_the_template_itself_stays_as_it_is() -> None:
    template = app("Kept", {"ONE": {"Ref": "Own"}}, Own={"Type": "AWS::SecretsManager::Secret"}).stacks[0].template
    before = json.dumps(template)
    changed = emulator_template(template)
    assert json.dumps(template) == before
    secret = changed["Resources"]["Jobs"]["Properties"]["ContainerDefinitions"][0]["Secrets"]
    assert secret == [{"name": "ONE", "valueFrom": {"Fn::GetAtt": ["Own", "Arn"]}}]


@pytest.mark.parametrize(
    "template",
    [
        {},
        {"Resources": None},
        {"Resources": {"A": None, "B": {"Type": "AWS::ECS::TaskDefinition"}}},
        {
            "Resources": {
                "A": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": {"Fn::If": []}}}
            }
        },
        {"Resources": {"A": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [1, {}]}}}},
    ],
)
def test_what_is_no_secret_is_left_alone(template: dict[str, Any]) -> None:
    assert emulator_template(template) == template

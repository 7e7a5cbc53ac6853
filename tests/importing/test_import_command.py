"""``airflow-ecs-dag import``: what it prints, what it writes, and with which exit status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from aws_cdk import Stack
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_schema import decode
from commands.files import GOLDEN, LABELS, TEMPLATE_2019, assembly, container, task_definition, template, write_json
from importing.generated_apps import comparable, functions_of, read_back, task_definition_for
from importing.test_dag_factory import FILES

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


def run(*arguments: str | Path, **more: Any) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, arguments)], **more)


def test_the_sample_of_2019_goes_to_the_construct_and_back(tmp_path: Path) -> None:
    made = tmp_path / "convert_it.py"
    result = run(TEMPLATE_2019, "--output", made)
    assert (result.exit_code, result.stdout) == (0, "")
    resources = yaml.safe_load(TEMPLATE_2019.read_text().replace("!", ""))["Resources"].values()
    labels = next(
        each["DockerLabels"]
        for resource in resources
        for each in resource.get("Properties", {}).get("ContainerDefinitions", ())
    )
    spec = decode({key: str(text).replace("False", "false").replace("True", "true") for key, text in labels.items()})
    (function,) = functions_of(made.read_text()).values()
    stack = Stack()
    definition = task_definition_for(
        spec.model_copy(update={"ecs": spec.ecs.model_copy(update={"container_name": "airflow-dag"})}), stack
    )
    assert comparable(read_back(function(stack, task_definition=definition))) == comparable(spec)


@pytest.mark.parametrize("form", ["labels", "task definition", "template", "app", "stdin"])
def test_every_kind_of_file(form: str, tmp_path: Path) -> None:
    match form:
        case "labels":
            result = run(write_json(tmp_path / "labels.json", LABELS))
        case "task definition":
            result = run(write_json(tmp_path / "task.json", task_definition(LABELS)))
        case "template":
            result = run(write_json(tmp_path / "template.json", template(container(LABELS))))
        case "app":
            result = run(assembly(tmp_path, template(container(LABELS))))
        case _:
            result = run("-", input=json.dumps(LABELS))
    assert result.exit_code == 0, result.stderr
    assert "def reports(" in result.stdout
    assert ('container="main"' in result.stdout) == (form not in {"labels", "stdin"})


def test_what_the_deployment_fills_in_is_a_parameter(tmp_path: Path) -> None:
    labels = {
        **LABELS,
        "airflow.dag.dag_id": {"Fn::Sub": "${AWS::StackName}-reports"},
        "airflow.ecs.cluster": {"Ref": "Cluster"},
        "airflow.ecs.subnets.0": {"Ref": "SubnetA"},
        "airflow.tasks.build.args.0": {"Fn::Sub": "s3://${Bucket}/{{ ds }}"},
        "airflow.tasks.build.task_definition": {"Ref": "Worker"},
    }
    result = run(write_json(tmp_path / "template.json", template(container(labels))))
    assert result.exit_code == 0, result.stderr
    source = result.stdout
    for line in (
        "    # before: ${Ref AWS::StackName}-reports\n    dag_id: str,",
        "    # before: ${Ref Cluster}\n    cluster: ecs.ICluster | str,",
        "    # before: ${Ref SubnetA}\n    vpc_subnets: ec2.SubnetSelection | list[str] | tuple[str, ...],",
        "    # before: ${Ref Bucket}\n    bucket: str,",
        "    worker: ecs.TaskDefinition | str,",
        'args=[f"s3://{bucket}/{{{{ ds }}}}"]',
        "task_definition=worker",
    ):
        assert line in source
    seen: dict[str, Any] = {}
    (function,) = functions_of(source).values()
    function.__globals__["AirflowEcsDag"] = lambda *_, **fields: seen.update(fields)
    function(None, task_definition=None, dag_id="x", cluster="c", vpc_subnets=["subnet-0"], bucket="b", worker="w")
    assert seen["tasks"].args == ("s3://b/{{ ds }}",)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"airflow.tasks.build.retries": "many"}, "Airflow refuses it"),
        ({"airflow.tasks.build.retries": {"Ref": "Retries"}}, "known only after the deployment"),
        ({"airflow.tasks.build.args.0": "{ ds }"}, "lost its braces"),
        ({"airflow.dag.exchange": "s3://sales/elsewhere"}, "below airflow-exchange/"),
    ],
)
def test_what_is_lost_is_named_and_nothing_written(more: dict[str, Any], said: str, tmp_path: Path) -> None:
    source, made = write_json(tmp_path / "template.json", template(container({**LABELS, **more}))), tmp_path / "out.py"
    result = run(source, "--output", made)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert "1 part can't be carried over" in result.stderr
    assert not made.exists()
    partial = run(source, "--output", made, "--partial")
    if "refuses" in said:
        assert partial.exit_code == 1
        assert not made.exists()
    else:
        assert partial.exit_code == 0
        assert "# NOT CARRIED OVER: " in made.read_text()


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    made = tmp_path / "out.py"
    made.write_text("mine")
    for output in (made, tmp_path / "nowhere" / "out.py"):
        result = run(GOLDEN, "--output", output)
        assert result.exit_code == 2
        assert "--output" in result.stderr
    assert made.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [made]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("{]", (), "neither JSON nor YAML"),
        ("{}", (), "no DAG in it"),
        ("a: {tasks: {}}", ("--from", "labels"), "none of these"),
        ('{"airflow.dag.dag_id": "x"}', ("--from", "dag-factory"), "no file of dag-factory's"),
        ("[1]", (), "none of these"),
    ],
)
def test_what_is_no_source(text: str, options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    result = run(tmp_path / "x.yaml", *options)
    assert (result.exit_code, result.stdout) == (1 if "no DAG" in said else 2, "")
    assert said in result.stderr


def test_a_file_of_dag_factorys_is_found_out(tmp_path: Path) -> None:
    made = run(FILES / "warehouse.yml")
    assert made.exit_code == 0
    assert made.stdout.count("-> AirflowEcsDag:") == 3
    assert "names no command" in made.stderr
    lost = run(FILES / "lossy.yml")
    assert (lost.exit_code, lost.stdout) == (1, "")
    assert f"{FILES / 'lossy.yml'}:10:7: reports: task ask: operator: PythonOperator" in lost.stderr
    partial = run(FILES / "lossy.yml", "--partial", "--output", tmp_path / "out.py")
    assert partial.exit_code == 0
    assert partial.stderr.replace("write the rest with --partial", "").count("✗") == lost.stderr.count("✗")


def test_hostile_text_moves_no_terminal() -> None:
    hostile = "\x1b[2J\u202e"
    result = run("-", input=json.dumps({f"a{hostile}": {"tasks": {f"t{hostile}": {"operator": f"x{hostile}"}}}}))
    assert result.exit_code == 1
    assert "\x1b" not in result.stderr
    assert "\u202e" not in result.stderr

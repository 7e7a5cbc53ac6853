"""Graphs as one Mermaid flowchart, for a Markdown page.

A text of a DAG is only ever the inside of a quoted label, where all that Mermaid or Markdown could read as its own is
written as a character code; ids in the chart are numbers of our own. So no text can end a label or begin anything else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.task_graph import GraphNode, NodeKind, around

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_ecs_dag_cli.task_graph import TaskGraph

_CODED = re.compile(
    r"(?i:(?<=www)\.)|(?![A-Za-z0-9]|(?<=[A-Za-z0-9])[._-](?=[A-Za-z0-9])|(?<=[A-Za-z0-9,]) (?=[A-Za-z0-9])"
    r"|(?<=[A-Za-z0-9]),(?= )).",
    re.ASCII | re.DOTALL,
)
"""All but letters, digits, and what stands between two of them; ``www.x`` would be a link."""
_READ_LATER = re.compile(r"(?<=\\)(?=n)|(?<=\$)(?=\$)|(?<=:)(?=fa-)|(?<=ﬂ)(?=°)|(?<=¶)(?=ß)")
"""Where Mermaid finds line breaks, formulas, icons and its own marks once the codes are characters again: a space
without width keeps these apart."""
_SHAPES = {
    NodeKind.ECS: ("[", "]"),
    NodeKind.DECISION: ("{{", "}}"),
    NodeKind.WAIT: ("([", "])"),
    NodeKind.OPERATOR: ("(", ")"),
}
_MAPPED = ("[[", "]]")
_INDENT = "  "


def mermaid_text(graphs: Sequence[TaskGraph]) -> str:
    """Return a flowchart with the graph of each DAG in a frame of its own."""
    lines = ["flowchart LR"]
    for number, graph in enumerate(graphs):
        lines += [f"{_INDENT}{line}" for line in _dag_lines(graph, f"d{number}")]
    return "".join(f"{line}\n" for line in lines)


def _dag_lines(graph: TaskGraph, name: str) -> Iterator[str]:
    names = {task_id: f"{name}t{number}" for number, task_id in enumerate(graph.nodes)}
    groups = {group: f"{name}g{number}" for number, group in enumerate(graph.groups)}
    yield f"subgraph {name}[{quoted(graph.dag_id)}]"
    yield f"{_INDENT}direction LR"
    yield from (f"{_INDENT}{line}" for line in _inside(graph, "", names, groups))
    for edge in graph.edges:
        words = f"|{quoted(edge.label)}|" if edge.label else ""
        yield f"{_INDENT}{names[edge.upstream]} -->{words} {names[edge.downstream]}"
    yield "end"


def _inside(graph: TaskGraph, group: str, names: dict[str, str], groups: dict[str, str]) -> Iterator[str]:
    """Yield the tasks of a group, then the groups within it."""
    for node in graph.nodes.values():
        if node.group == group:
            begin, end = _MAPPED if node.is_mapped else _SHAPES[node.kind]
            yield f"{names[node.task_id]}{begin}{_label(node)}{end}"
    for each, words in graph.groups.items():
        if (around(each)[-2] if "." in each else "") == group:
            text = f"{each}: {words}" if words else each
            yield f"subgraph {groups[each]}[{quoted(text)}]"
            yield from (f"{_INDENT}{line}" for line in _inside(graph, each, names, groups))
            yield "end"


def _label(node: GraphNode) -> str:
    return quoted(node.task_id, *node.words)


def quoted(*lines: str) -> str:
    """Return a label of one or more lines, in quotes."""
    return f'"{"<br/>".join(map(_escaped, lines))}"'


def _escaped(text: str) -> str:
    return _CODED.sub(lambda match: f"#{ord(match[0])};", _READ_LATER.sub("\u200b", text))

"""Graphs as one SVG picture that needs nothing else: no script, no font, no file; dark where the reader's page is.

A screen reader hears which tasks there are and what each waits for; a pointer over a task or an arrow shows its name.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET  # only writes here

from rich.cells import cell_len

from airflow_ecs_dag_cli.graph_layers import BOX_HEIGHT, Box, lay_out
from airflow_ecs_dag_cli.task_graph import NodeKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ecs_dag_cli.graph_layers import Layout
    from airflow_ecs_dag_cli.task_graph import GraphEdge, GraphNode, TaskGraph

_NAMESPACE = "http://www.w3.org/2000/svg"
_NAME_SIZE, _WORDS_SIZE = 13.0, 11.0
_CELL = 0.62
"""Width of a character of a monospaced font, for each unit of its size; none in use is wider."""
_PADDING, _MARGIN, _TITLE = 16.0, 16.0, 34.0
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML has no way to write."""
_SLANT = 12.0
_STYLE = """
svg { background: #ffffff; font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.dag-id { font-size: 15px; font-weight: bold; fill: #1f2328; }
.name { font-size: 13px; fill: #1f2328; text-anchor: middle; }
.words { font-size: 11px; fill: #57606a; text-anchor: middle; }
.group rect { fill: #8c959f; fill-opacity: 0.1; stroke: #8c959f; stroke-dasharray: 4 3; }
.group text { font-size: 11px; fill: #57606a; }
.box { fill: #ddf4ff; stroke: #0969da; stroke-width: 1.5; }
.decision .box { fill: #fff1c2; stroke: #9a6700; }
.wait .box { fill: #f3e8ff; stroke: #8250df; }
.operator .box { fill: #f0f2f4; stroke: #57606a; }
.edge path { fill: none; stroke: #57606a; stroke-width: 1.5; }
.edge text { font-size: 11px; fill: #57606a; text-anchor: middle; paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
.head { fill: #57606a; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; }
.dag-id, .name { fill: #e6edf3; }
.words, .group text, .edge text { fill: #9da7b1; }
.edge text { stroke: #0d1117; }
.box { fill: #0c2d4f; stroke: #4493f8; }
.decision .box { fill: #3a2d05; stroke: #d29922; }
.wait .box { fill: #2b1b47; stroke: #a371f7; }
.operator .box { fill: #212830; stroke: #9da7b1; }
.edge path { stroke: #9da7b1; }
.head { fill: #9da7b1; }
}
"""  # noqa: E501 - CSS
_CLASSES = {
    NodeKind.ECS: "ecs",
    NodeKind.DECISION: "decision",
    NodeKind.WAIT: "wait",
    NodeKind.OPERATOR: "operator",
}


def svg_text(graphs: Sequence[TaskGraph]) -> str:
    """Return a picture of the graphs, one below the other."""
    svg = ET.Element("svg", {"xmlns": _NAMESPACE, "role": "img", "aria-labelledby": "title desc"})
    _child(svg, "title", ", ".join(graph.dag_id for graph in graphs), id="title")
    _child(svg, "desc", "\n".join(_description(graph) for graph in graphs), id="desc")
    _child(svg, "style", _STYLE)
    marker = _child(
        _child(svg, "defs"),
        "marker",
        id="head", viewBox="0 0 8 8", refX="8", refY="4", markerWidth="7", markerHeight="7", orient="auto",
    )  # fmt: skip
    _child(marker, "path", d="M0,0 L8,4 L0,8 z", **{"class": "head"})
    width, y = 0.0, _MARGIN
    for graph in graphs:
        layout = lay_out(graph, {task_id: _width(node) for task_id, node in graph.nodes.items()})
        _draw(svg, graph, layout, y)
        width = max(width, layout.width, _text_width(graph.dag_id, 15.0))
        y += _TITLE + layout.height + 2 * _MARGIN
    width, height = width + 2 * _MARGIN, y - _MARGIN
    svg.attrib |= {"width": _number(width), "height": _number(height)}
    svg.set("viewBox", f"0 0 {_number(width)} {_number(height)}")
    # Characters as codes: the encoding that stdout happens to have then makes no difference.
    written: bytes = ET.tostring(svg, encoding="us-ascii", xml_declaration=False)
    return written.decode("ascii") + "\n"


def _description(graph: TaskGraph) -> str:
    lines = []
    for node in graph.nodes.values():
        said = f"{node.task_id} ({', '.join((node.kind, *node.words))})"
        lines.append(f"{said} after {', '.join(node.upstream)}" if node.upstream else said)
    return f"The DAG {graph.dag_id} has the tasks {'; '.join(lines)}."


def _draw(svg: ET.Element, graph: TaskGraph, layout: Layout, y: float) -> None:
    place = f"translate({_number(_MARGIN)} {_number(y)})"
    dag = _child(svg, "g", transform=place, **{"class": "dag", "data-dag-id": graph.dag_id})
    _child(dag, "text", graph.dag_id, x="0", y="15", **{"class": "dag-id"})
    inside = _child(dag, "g", transform=f"translate(0 {_number(_TITLE)})")
    for group, box in layout.groups.items():
        frame = _child(inside, "g", **{"class": "group", "data-group-id": group})
        _child(frame, "title", f"{group}: {graph.groups[group]}" if graph.groups[group] else group)
        _child(frame, "rect", rx="8", **_sides(box))
        _child(frame, "text", group, x=_number(box.x + 8), y=_number(box.y + 16))
    for edge in graph.edges:
        _draw_edge(inside, edge, layout.edges[edge.upstream, edge.downstream])
    for task_id, box in layout.tasks.items():
        _draw_task(inside, graph.nodes[task_id], box)


def _draw_edge(parent: ET.Element, edge: GraphEdge, points: Sequence[tuple[float, float]]) -> None:
    names = {"data-upstream": edge.upstream, "data-downstream": edge.downstream}
    drawn = _child(parent, "g", **{"class": "edge", **names})
    words = f": {edge.label}" if edge.label else ""
    _child(drawn, "title", f"{edge.upstream} to {edge.downstream}{words}")
    path = [f"M{_number(points[0][0])},{_number(points[0][1])}"]
    level = [False, *(a[1] == b[1] == c[1] for a, b, c in zip(points, points[1:], points[2:], strict=False)), False]
    for (x0, y0), (x1, y1) in pairwise(point for point, is_level in zip(points, level, strict=True) if not is_level):
        middle = _number((x0 + x1) / 2)
        curve = f"C{middle},{_number(y0)} {middle},{_number(y1)} {_number(x1)},{_number(y1)}"
        path += [] if x0 == x1 else [f"H{_number(x1)}" if y0 == y1 else curve]
    _child(drawn, "path", d=" ".join(path), **{"marker-end": "url(#head)"})
    if edge.label:
        (x0, y0), (x1, y1) = points[-2:]
        _child(drawn, "text", edge.label, x=_number((x0 + x1) / 2), y=_number((y0 + y1) / 2 - 4))


def _draw_task(parent: ET.Element, node: GraphNode, box: Box) -> None:
    task = _child(parent, "g", **{"class": f"task {_CLASSES[node.kind]}", "data-task-id": node.task_id})
    _child(task, "title", f"{node.task_id}: {', '.join((node.kind, *node.words))}")
    if node.is_mapped:
        _child(task, "rect", rx="4", **{"class": "box"}, **_sides(Box(box.x + 5, box.y - 5, box.width, box.height)))
    if node.kind is NodeKind.DECISION:
        x0, x1, middle = box.x, box.x + box.width, box.y + box.height / 2
        corners = [
            (x0, middle), (x0 + _SLANT, box.y), (x1 - _SLANT, box.y),
            (x1, middle), (x1 - _SLANT, box.y + box.height), (x0 + _SLANT, box.y + box.height),
        ]  # fmt: skip
        points = " ".join(f"{_number(x)},{_number(y)}" for x, y in corners)
        _child(task, "polygon", points=points, **{"class": "box"})
    else:
        radius = {NodeKind.WAIT: box.height / 2, NodeKind.OPERATOR: 12.0}.get(node.kind, 4.0)
        _child(task, "rect", rx=_number(radius), **{"class": "box"}, **_sides(box))
    x = _number(box.x + box.width / 2)
    _child(task, "text", node.task_id, x=x, y=_number(box.y + (20 if node.words else 27)), **{"class": "name"})
    if node.words:
        _child(task, "text", ", ".join(node.words), x=x, y=_number(box.y + 35), **{"class": "words"})


def _width(node: GraphNode) -> float:
    texts = _text_width(node.task_id, _NAME_SIZE), _text_width(", ".join(node.words), _WORDS_SIZE)
    return max(*texts, BOX_HEIGHT) + 2 * _PADDING


def _text_width(text: str, size: float) -> float:
    return cell_len(text) * size * _CELL


def _sides(box: Box) -> dict[str, str]:
    return {name: _number(getattr(box, name)) for name in ("x", "y", "width", "height")}


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _child(parent: ET.Element, tag: str, text: str = "", /, **attributes: str) -> ET.Element:
    """Add an element; what XML can't hold is written as Python writes it."""
    clean = {name: _written(value) for name, value in attributes.items()}
    child = ET.SubElement(parent, tag, clean)
    if text:
        child.text = _written(text)
    return child


def _written(text: str) -> str:
    return _NO_XML.sub(lambda match: ascii(match[0])[1:-1], text)

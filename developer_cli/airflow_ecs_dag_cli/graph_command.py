"""``airflow-ecs-dag graph``: the tasks of a DAG and the arrows between them, for a terminal, a page or a script."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from airflow_ecs_dag_cli.graph_layers import layers
from airflow_ecs_dag_cli.graph_mermaid import mermaid_text
from airflow_ecs_dag_cli.graph_rails import rail_rows
from airflow_ecs_dag_cli.graph_svg import svg_text
from airflow_ecs_dag_cli.task_graph import NodeKind, around, task_graph
from airflow_ecs_dag_cli.validate_command import (
    UNREADABLE,
    print_nothing_found,
    print_unreadable,
    print_verdict,
    printable,
    status_of,
    verdict_json,
    write_json,
)
from airflow_ecs_dag_cli.verdicts import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_ecs_dag_cli.task_graph import GraphNode, TaskGraph
    from airflow_ecs_dag_cli.verdicts import FileVerdict, Verdict

TERMINAL = "terminal"
_PICTURES = {"mermaid": mermaid_text, "svg": svg_text}
_MARKS = {
    NodeKind.ECS: "[green]●[/green]",
    NodeKind.DECISION: "[yellow]◆[/yellow]",
    NodeKind.WAIT: "[magenta]◌[/magenta]",
    NodeKind.OPERATOR: "[cyan]○[/cyan]",
}


def show_graphs(
    name: str,
    *,
    dag_id: str | None = None,
    form: str = TERMINAL,
    as_json: bool = False,
) -> int:
    """Print the graphs of the DAGs of a file on stdout; beside a picture, what is wrong goes to stderr.

    Args:
        name: The file.
        dag_id: The only DAG that counts; without it, each one.
        form: How they are drawn: ``terminal``, ``mermaid`` or ``svg``.
        as_json: Whether as one JSON document instead.

    Returns:
        The exit status, as ``validate`` has it.
    """
    file = judge(name)
    if file.error:
        print_unreadable(file)
        return UNREADABLE
    if dag_id is not None:
        known = [verdict.dag_id for verdict in file.verdicts]
        if dag_id not in known:
            named = ", ".join(map(printable, filter(None, known))) or "none"
            print_unreadable(replace(file, error=f"it has no DAG {dag_id!r}; its DAGs are: {named}; name one of these"))
            return UNREADABLE
        file = replace(file, verdicts=tuple(each for each in file.verdicts if each.dag_id == dag_id))
    if as_json:
        dags = [_verdict_json(verdict) for verdict in file.verdicts]
        write_json({"file": file.name, "kind": str(file.kind), "dags": dags})
    elif form == TERMINAL:
        _print(file, Console(highlight=False, soft_wrap=True))
    else:
        _print_picture(file, _PICTURES[form])
    return status_of(file.verdicts)


def _graph(verdict: Verdict) -> TaskGraph | None:
    if verdict.spec is None:
        return None
    return task_graph(verdict.spec, dag_id=verdict.dag_id, stand_ins=verdict.stand_ins)


def _print(file: FileVerdict, console: Console) -> None:
    if not file.verdicts:
        print_nothing_found(file, console)
    for number, verdict in enumerate(file.verdicts):
        if number:
            console.print()
        print_verdict(verdict, file, console)
        if graph := _graph(verdict):
            for line in graph_lines(graph):
                console.print(f"  {line}" if line else "")


def _print_picture(file: FileVerdict, draw: Callable[[Sequence[TaskGraph]], str]) -> None:
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    if not file.verdicts:
        print_nothing_found(file, errors)
    for verdict in file.verdicts:
        if verdict.findings or verdict.notes or verdict.notices:
            print_verdict(verdict, file, errors)
    graphs = [graph for verdict in file.verdicts if (graph := _graph(verdict))]
    if graphs:
        sys.stdout.write(draw(graphs))


def graph_lines(graph: TaskGraph) -> Iterator[str]:
    """Yield a graph as lines of Rich's markup; a group is named where its tasks begin."""
    rows = list(rail_rows({task_id: node.upstream for task_id, node in graph.nodes.items()}))
    width = 2 + max(len(row.before) + len(row.after) + (row.task_id is not None) for row in rows)
    names = max(len(_indented(node)) for node in graph.nodes.values())
    words = _arrow_words(graph)
    inside: tuple[str, ...] = ()
    for row in rows:
        if row.task_id is None:
            yield f"[dim]{row.before}[/dim]"
            continue
        node = graph.nodes[row.task_id]
        groups = around(node.group)
        begun = [group for group in groups if group not in inside]
        inside = groups
        for group in begun:
            said = f"{group}: {graph.groups[group]}" if graph.groups[group] else group
            indent = "  " * (len(around(group)) - 1)
            yield f"[dim]{row.above:<{width}}[/dim]{indent}[bold]{escape(printable(said))}[/bold]"
        if row.is_close and not begun:
            yield f"[dim]{row.above}[/dim]" if row.above else ""
        said = ", ".join((*node.words, *words.get(node.task_id, ())))
        text = f"{_indented(node):<{names}}  [dim]{escape(printable(said))}[/dim]" if said else _indented(node)
        space = " " * (width - len(row.before) - len(row.after) - 1)
        yield f"[dim]{row.before}[/dim]{_MARKS[node.kind]}[dim]{row.after}[/dim]{space}{text}"


def _indented(node: GraphNode) -> str:
    return f"{'  ' * len(around(node.group))}{node.task_id}"


def _arrow_words(graph: TaskGraph) -> dict[str, list[str]]:
    """Return the words on the arrows to each task."""
    words: dict[str, list[str]] = {}
    for edge in graph.edges:
        if edge.label:
            words.setdefault(edge.downstream, []).append(f"{edge.upstream} ({edge.label}) >>")
    return words


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    graph = _graph(verdict)
    return {**verdict_json(verdict), "graph": None if graph is None else _graph_json(graph)}


def _graph_json(graph: TaskGraph) -> dict[str, Any]:
    layer = layers({task_id: node.upstream for task_id, node in graph.nodes.items()})
    return {
        "tasks": [{**_node_json(node), "layer": layer[node.task_id]} for node in graph.nodes.values()],
        "edges": [
            {"upstream": edge.upstream, "downstream": edge.downstream, "label": edge.label or None}
            for edge in graph.edges
        ],
        "groups": [{"group_id": group, "text": text or None} for group, text in graph.groups.items()],
    }


def _node_json(node: GraphNode) -> dict[str, Any]:
    return {
        "task_id": node.task_id,
        "group_id": node.group or None,
        "kind": node.kind.name.lower(),
        "mapped": node.is_mapped,
        "words": list(node.words),
    }

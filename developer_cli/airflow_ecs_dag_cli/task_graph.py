"""The graph of a DAG as every drawing of it has it: tasks with a few words, arrows, groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.tasks import EcsTaskSpec, ExpandItems, OperatorSpec, ParamItemsSpec
from airflow_ecs_dag_schema.undeployed import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_ecs_dag_schema import DagSpec
    from airflow_ecs_dag_schema.tasks import TaskSpec


class NodeKind(StrEnum):
    """What a task is, as far as its shape tells."""

    ECS = "ECS task"
    DECISION = "decides what goes on"
    WAIT = "waits"
    OPERATOR = "runs in Airflow"


@dataclass(frozen=True, kw_only=True)
class GraphNode:
    """A task.

    Attributes:
        task_id: With its groups: ``load.check``.
        kind: What it is.
        is_mapped: Whether it makes one task instance for each item.
        words: What else the graph says of it: its operator, what it is mapped over, its trigger rule.
        upstream: Ids of the tasks directly before it.
    """

    task_id: str
    kind: NodeKind
    is_mapped: bool
    words: tuple[str, ...]
    upstream: tuple[str, ...]

    @property
    def group(self) -> str:
        """The group that it is in; empty if in none."""
        return self.task_id.rpartition(".")[0]


@dataclass(frozen=True, kw_only=True)
class GraphEdge:
    """An arrow from the task ``upstream`` to the task ``downstream``, with the words on it, if any."""

    upstream: str
    downstream: str
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskGraph:
    """The graph of a DAG.

    Attributes:
        dag_id: As a person reads it.
        nodes: By id, each after those that it waits for, and those of a group together where the arrows let them.
        edges: The arrows, in the order of the tasks that they lead to.
        groups: The groups, by id, each after the one around it; and what is to be said of each.
    """

    dag_id: str
    nodes: Mapping[str, GraphNode]
    edges: tuple[GraphEdge, ...]
    groups: Mapping[str, str]


def task_graph(spec: DagSpec, *, dag_id: str, stand_ins: Mapping[str, str]) -> TaskGraph:
    """Return the graph of a DAG.

    Args:
        spec: The DAG.
        dag_id: Its id as a person reads it, where parts of it are known only after the deployment.
        stand_ins: The labels that are known only after the deployment, and what was written there.
    """
    tasks = {task.task_id: task for task in spec.tasks}
    nodes = {}
    for task_id in _order({task_id: tuple(task.upstream) for task_id, task in tasks.items()}):
        task, label = tasks[task_id], f"airflow.tasks.{spec.keys[task_id]}"
        unknown = {name: without_tokens(text) for key, text in stand_ins.items() if (name := _field(key, label))}
        nodes[task_id] = GraphNode(
            task_id=task_id,
            kind=_kind(task),
            is_mapped=isinstance(task, EcsTaskSpec) and task.expand is not None,
            words=tuple(_words(task, unknown)),
            upstream=tuple(task.upstream),
        )
    said = {
        group.group_id: without_tokens(", ".join(text for text in (group.display_name, group.tooltip) if text))
        for group in spec.groups
    }
    return TaskGraph(
        dag_id=dag_id,
        nodes=nodes,
        edges=tuple(edge for task_id in nodes for edge in _edges(tasks[task_id])),
        groups={group: said.get(group, "") for group in _groups(nodes)},
    )


def around(group: str) -> tuple[str, ...]:
    """Return a group and the groups that it is in, the outermost first: ``a.b`` gives ``a`` and ``a.b``."""
    parts = group.split(".") if group else []
    return tuple(".".join(parts[: end + 1]) for end in range(len(parts)))


def _field(key: str, label: str) -> str:
    return key.removeprefix(f"{label}.") if key.startswith(f"{label}.") else ""


def _order(upstream: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield the ids, each after those before it; what is begun is ended first, and small parts before large ones."""
    sorter = TopologicalSorter(upstream)
    sorter.prepare()
    below = _counts_below(upstream)
    ready = dict.fromkeys(sorter.get_ready(), 0)
    group, step = "", 0
    while ready:
        here = [task_id for task_id in ready if task_id.rpartition(".")[0] == group] if group else []
        task_id = min(here or ready, key=lambda each: (-ready[each], below[each], each))
        del ready[task_id]
        yield task_id
        sorter.done(task_id)
        group, step = task_id.rpartition(".")[0], step + 1
        ready |= dict.fromkeys(sorter.get_ready(), step)


def _counts_below(upstream: Mapping[str, tuple[str, ...]]) -> Counter[str]:
    """Return how many arrows there are below each task, those of a task twice where two ways lead to it."""
    counts: Counter[str] = Counter()
    for task_id in reversed(list(TopologicalSorter(upstream).static_order())):
        for before in upstream[task_id]:
            counts[before] += counts[task_id] + 1
    return counts


def _groups(nodes: Mapping[str, GraphNode]) -> Iterator[str]:
    seen = set()
    for node in nodes.values():
        for group in around(node.group):
            if group not in seen:
                seen.add(group)
                yield group


def _edges(task: TaskSpec) -> Iterator[GraphEdge]:
    labels = {edge.upstream: without_tokens(edge.label) for edge in task.edge_labels}
    for upstream in task.upstream:
        yield GraphEdge(upstream=upstream, downstream=task.task_id, label=labels.get(upstream, ""))


def _kind(task: TaskSpec) -> NodeKind:
    match task:
        case EcsTaskSpec():
            return NodeKind.ECS
        case OperatorSpec():
            waits = task.operator == "approval" or task.operator.endswith("_sensor")
            return NodeKind.WAIT if waits else NodeKind.OPERATOR
        case ParamItemsSpec():
            return NodeKind.OPERATOR
        case _:
            return NodeKind.DECISION


def _words(task: TaskSpec, unknown: Mapping[str, str]) -> Iterator[str]:
    """Yield what is worth a word; of a field that is known only after the deployment, what was written."""
    if task.task_display_name:
        yield f'"{without_tokens(task.task_display_name)}"'
    if isinstance(task, OperatorSpec):
        yield unknown.get("operator", task.operator)
    elif not isinstance(task, EcsTaskSpec):
        yield task.kind
    elif isinstance(task.expand, ExpandItems):
        count = len(task.expand.items)
        yield f"mapped over {count:,} item{'' if count == 1 else 's'}"
    elif task.expand is not None:
        yield f"mapped over {unknown.get('expand.task_id', task.expand.task_id)}'s output"
    for name, word in (("is_setup", "setup"), ("is_teardown", "teardown")):
        if name in unknown:
            yield f"{word} if {unknown[name]}"
        elif getattr(task, name):
            yield word
    rule = unknown.get("trigger_rule", task.trigger_rule)
    if rule != "all_success" and not task.is_teardown:
        yield f"trigger_rule {rule}"

"""The graph of a DAG as Python: its groups, and its arrows as flows such as ``[a, b] >> c >> d``."""

from __future__ import annotations

from collections import defaultdict
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.python_text import ARROW, Call, Chain, Items, Raw, Text, flat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_ecs_dag_cli.python_names import Names
    from airflow_ecs_dag_cli.python_text import Expression
    from airflow_ecs_dag_schema import DagSpec


def in_order(spec: DagSpec) -> list[str]:
    """Return the ids of the tasks, each after those before it, and otherwise by their names."""
    sorter = TopologicalSorter({task.task_id: task.upstream for task in spec.tasks})
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order.extend(ready)
        sorter.done(*ready)
    return order


class FlowWriter:
    """Writes the graph of one DAG.

    Args:
        spec: The DAG.
        names: What the file imports, and the variables of the function.
        variables: The variable of each task, by its id.
        width: Characters that a flow may have.
    """

    def __init__(self, spec: DagSpec, names: Names, variables: Mapping[str, str], width: int) -> None:
        self._spec = spec
        self._names = names
        self._variables = variables
        self._width = width
        self._order = in_order(spec)
        self._upstream = {task.task_id: task.upstream for task in spec.tasks}
        self._labels = {(edge.upstream, task.task_id): edge.label for task in spec.tasks for edge in task.edge_labels}

    def groups(self) -> Iterator[tuple[str, Call, bool]]:
        """Yield each task group, inner ones first: its variable, the call that makes it, whether another one has it."""
        members: defaultdict[str, list[str]] = defaultdict(list)
        for task_id in self._order:
            group = task_id.rpartition(".")[0]
            if group:
                members[group].append(self._variables[task_id])
            while group:
                group = group.rpartition(".")[0]
                members.setdefault(group, [])
        members.pop("", None)
        said = {group.group_id: group for group in self._spec.groups}
        for group_id in sorted(members, key=lambda each: (-each.count("."), each)):
            outer, _, own = group_id.rpartition(".")
            words: list[tuple[str, Text]] = []
            if (about := said.get(group_id)) is not None:
                given = {"display_name": about.display_name, "tooltip": about.tooltip}
                words = [(name, Text(text)) for name, text in given.items() if text is not None]
            inside = members[group_id]
            tasks = Raw(inside[0]) if len(inside) == 1 else Items(tuple(map(Raw, inside)))
            call = Call(self._names.imported("TaskGroup"), (("", Text(own)), ("", tasks), *words))
            variable = self._names.variable(group_id, "group")
            if outer:
                members[outer].append(variable)
            yield variable, call, bool(outer)

    def flows(self, groups: Sequence[str]) -> list[Expression]:
        """Return what the construct gets as its tasks: the outermost ``groups``, then flows of all arrows."""
        flows = [flow for chain in self._chains() for flow in self._flows_of(chain)]
        in_flows = {each for task_id in self._order for each in self._upstream[task_id]}
        alone = [
            self._variables[task_id]
            for task_id in self._order
            if task_id not in in_flows and not self._upstream[task_id] and "." not in task_id
        ]
        return [*map(Raw, groups), *map(Raw, alone), *flows]

    def _chains(self) -> Iterator[list[str]]:
        """Yield chains of tasks, each of which alone follows the one before it; every task is in one."""
        after: defaultdict[str, list[str]] = defaultdict(list)
        for task_id in self._order:
            for each in self._upstream[task_id]:
                after[each].append(task_id)

        def is_link(task_id: str) -> bool:
            before = self._upstream[task_id]
            return len(before) == 1 and len(after[before[0]]) == 1

        for task_id in self._order:
            if is_link(task_id):
                continue
            chain = [task_id]
            while len(followers := after[chain[-1]]) == 1 and is_link(followers[0]):
                chain.append(followers[0])
            yield chain

    def _flows_of(self, chain: list[str]) -> Iterator[Chain]:
        """Yield flows with the arrows to a chain and within it; each fits on a line, where that can be."""
        head = chain[0]
        plain = [each for each in self._upstream[head] if (each, head) not in self._labels]
        for each in self._upstream[head]:
            if (each, head) in self._labels:
                yield Chain((Raw(self._variables[each]), *self._step(each, head)))
        *before, last = self._in_lines(plain, head)
        for some in before:
            yield Chain((some, Raw(self._variables[head])))
        flow: tuple[Expression, ...] = (*((last,) if last.source else ()), Raw(self._variables[head]))
        for earlier, later in pairwise(chain):
            step = self._step(earlier, later)
            if len(flow) > 1 and len(flat(Chain((*flow, *step)))) > self._width:
                yield Chain(flow)
                flow = (Raw(self._variables[earlier]),)
            flow = (*flow, *step)
        if len(flow) > 1:
            yield Chain(flow)

    def _in_lines(self, task_ids: Sequence[str], after: str) -> list[Raw]:
        """Return the tasks before another one in lists that fit; an empty source if there are none."""
        lines: list[list[str]] = [[]]
        for task_id in task_ids:
            variable = self._variables[task_id]
            size = len(", ".join([*lines[-1], variable])) + len(f"[]{ARROW}{self._variables[after]}")
            if lines[-1] and size > self._width:
                lines.append([])
            lines[-1].append(variable)
        return [Raw("" if not each else each[0] if len(each) == 1 else f"[{', '.join(each)}]") for each in lines]

    def _step(self, before: str, after: str) -> tuple[Expression, ...]:
        """Return what follows ``before`` in a flow: the words on the arrow, if any, and ``after``."""
        task, label = Raw(self._variables[after]), self._labels.get((before, after))
        if label is None:
            return (task,)
        return Call(self._names.imported("EdgeLabel"), (("", Text(label)),)), task

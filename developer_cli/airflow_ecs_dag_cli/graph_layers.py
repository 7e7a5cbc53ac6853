"""Where the tasks of a graph stand in a picture: in layers from left to right, groups in frames, nothing over anything.

A task's layer is the length of the longest path to it, so that all arrows go to the right. An arrow over several layers
passes through a bend in each layer between; arrows from one task share theirs. A group is laid out first, and is one
large block in what is around it. Blocks that share a layer stand below one another, in the order that keeps arrows
short; then each moves as near to those that it has arrows with as its neighbours let it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.task_graph import around

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_ecs_dag_cli.task_graph import TaskGraph

BOX_HEIGHT, GAP_X, GAP_Y = 44.0, 56.0, 14.0
_FRAME_TOP, _FRAME = 24.0, 10.0
"""What the frame of a group takes above its tasks, and on the other sides."""
_SWEEPS = 8
"""Times that blocks are put in order, and moved."""


@dataclass(frozen=True)
class Box:
    """A rectangle: its upper left corner, its width and its height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where everything is, from (0, 0) on.

    Attributes:
        tasks: By id.
        groups: By id.
        edges: By the ids of the tasks that an arrow goes from and to: the points that it passes, both ends included.
    """

    width: float
    height: float
    tasks: Mapping[str, Box]
    groups: Mapping[str, Box]
    edges: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]


def layers(upstream: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Return the layer of each task, from 0: the number of arrows on the longest path to it.

    Args:
        upstream: For each task's id the ids of those directly before it, each task after those.
    """
    layer: dict[str, int] = {}
    for task_id, before in upstream.items():
        layer[task_id] = 1 + max((layer[each] for each in before), default=-1)
    return layer


def lay_out(graph: TaskGraph, widths: Mapping[str, float]) -> Layout:
    """Return where the tasks of a graph stand whose boxes are so wide."""
    return _Picture(graph, widths).layout()


@dataclass(eq=False)
class _Block:
    """A task, a bend or a group: what it covers of each layer, and where, within the group that it is in."""

    first: int
    last: int
    height: float
    y: float = 0.0
    inside: list[_Block] = field(default_factory=list)
    offset: float = 0.0
    """Of what is inside, below ``y``."""

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


class _Picture:
    def __init__(self, graph: TaskGraph, widths: Mapping[str, float]) -> None:
        self._graph = graph
        self._layer = layers({task_id: node.upstream for task_id, node in graph.nodes.items()})
        self._widths = widths
        self._blocks = {task_id: _Block(layer, layer, BOX_HEIGHT) for task_id, layer in self._layer.items()}
        self._groups = {group: _Block(0, 0, 0.0) for group in graph.groups}
        self._root = _Block(0, 0, 0.0)
        self._bends: dict[tuple[str, str, int], _Block] = {}
        self._homes: dict[_Block, str] = {self._blocks[task]: node.group for task, node in graph.nodes.items()}
        self._lines: dict[tuple[str, str], list[_Block]] = {}
        for edge in graph.edges:
            self._lines[edge.upstream, edge.downstream] = list(self._line(edge.upstream, edge.downstream))
        self._pairs = dict.fromkeys(pair for line in self._lines.values() for pair in pairwise(line))

    def _line(self, upstream: str, downstream: str) -> Iterable[_Block]:
        """Yield the blocks that an arrow passes."""
        home = _common(self._graph.nodes[upstream].group, self._graph.nodes[downstream].group)
        yield self._blocks[upstream]
        for layer in range(self._layer[upstream] + 1, self._layer[downstream]):
            key = (upstream, home, layer)
            if key not in self._bends:
                self._bends[key] = _Block(layer, layer, 0.0)
                self._homes[self._bends[key]] = home
            yield self._bends[key]
        yield self._blocks[downstream]

    def layout(self) -> Layout:
        for block, home in self._homes.items():
            self._container(home).inside.append(block)
        for group, block in self._groups.items():
            self._container(_outside(group)).inside.append(block)
        for group in [*reversed(self._groups), ""]:  # a group's own groups come after it
            self._stack(group)
        tops: dict[_Block, float] = {}
        left: list[tuple[_Block, float]] = [(self._root, 0.0)]
        while left:
            block, top = left.pop()
            tops[block] = top
            left += [(each, top + block.offset + each.y) for each in block.inside]
        return self._measured(tops)

    def _container(self, group: str) -> _Block:
        return self._groups[group] if group else self._root

    def _stack(self, group: str) -> None:
        """Give the blocks of a group their places within it, and the group its size."""
        container = self._container(group)
        blocks = container.inside
        near: dict[_Block, list[tuple[_Block, float, float]]] = {block: [] for block in blocks}
        for pair in self._pairs:
            ends = [self._within(each, group) for each in pair]
            if ends[0] is not None and ends[1] is not None and ends[0][0] is not ends[1][0]:
                (a, at_a), (b, at_b) = ends[0], ends[1]
                near[a].append((b, at_a, at_b))
                near[b].append((a, at_b, at_a))
        _arrange(blocks, near)
        container.height = max((block.y + block.height for block in blocks), default=0.0)
        container.first = min(block.first for block in blocks)
        container.last = max(block.last for block in blocks)
        if group:
            container.offset = _FRAME_TOP
            container.height += _FRAME_TOP + _FRAME

    def _within(self, block: _Block, group: str) -> tuple[_Block, float] | None:
        """Return the block of a group that holds ``block``, and where in it its middle is; nothing if none does."""
        home, at = self._homes[block], block.height / 2
        if home == group:
            return block, at
        if group and not home.startswith(f"{group}."):
            return None
        at += block.y
        while (outside := _outside(home)) != group:
            at += self._groups[home].offset + self._groups[home].y
            home = outside
        return self._groups[home], at + self._groups[home].offset

    def _measured(self, tops: Mapping[_Block, float]) -> Layout:
        wide = [0.0] * (1 + max(self._layer.values()))
        for task_id, layer in self._layer.items():
            wide[layer] = max(wide[layer], self._widths[task_id])
        deepest = max((len(around(group)) for group in self._groups), default=0)
        gap, edge = GAP_X + 2 * _FRAME * deepest, _FRAME * deepest
        begins = [edge]
        for width in wide:
            begins.append(begins[-1] + width + gap)
        tasks = {
            task_id: Box(begins[self._layer[task_id]], tops[block], self._widths[task_id], block.height)
            for task_id, block in self._blocks.items()
        }
        groups = {}
        for group, block in self._groups.items():
            room = _FRAME * (deepest - len(around(group)) + 1)
            x = begins[block.first] - room
            end = begins[block.last] + wide[block.last] + room
            groups[group] = Box(x, tops[block], end - x, block.height)
        ends = [begin + width for begin, width in zip(begins, wide, strict=False)]
        edges = {}
        for (upstream, downstream), line in self._lines.items():
            source, target = tasks[upstream], tasks[downstream]
            level = source.y + source.height / 2
            points = [(source.x + source.width, level), (ends[self._layer[upstream]], level)]
            for bend in line[1:-1]:  # straight through its layer, so that it passes no box
                points += [(begins[bend.first], tops[bend]), (ends[bend.first], tops[bend])]
            edges[upstream, downstream] = (*points, (target.x, target.y + target.height / 2))
        return Layout(width=begins[-1] - gap + edge, height=self._root.height, tasks=tasks, groups=groups, edges=edges)


def _arrange(blocks: Sequence[_Block], near: Mapping[_Block, Sequence[tuple[_Block, float, float]]]) -> None:
    """Give blocks their places: in the best order found, then each moved towards those that it has arrows with."""
    order = list(blocks)
    _pile(order)
    best, shortest = order, _length(order, near)
    for _ in range(_SWEEPS):
        order = sorted(order, key=lambda block: _wanted(block, near) + block.height / 2)
        _pile(order)
        if (length := _length(order, near)) < shortest:
            best, shortest = order, length
    _pile(best)
    above, below = _neighbours(best)
    for sweep in range(_SWEEPS):
        for block in reversed(best) if sweep % 2 else best:
            top = max((each.y + each.height + GAP_Y for each in above[block]), default=0.0)
            bottom = min((each.y - GAP_Y - block.height for each in below[block]), default=float("inf"))
            block.y = max(top, min(_wanted(block, near), bottom))


def _wanted(block: _Block, near: Mapping[_Block, Sequence[tuple[_Block, float, float]]]) -> float:
    """Return where a block's arrows would be level on average."""
    places = [other.y + at_other - at_own for other, at_own, at_other in near[block]]
    return sum(places) / len(places) if places else block.y


def _length(order: Sequence[_Block], near: Mapping[_Block, Sequence[tuple[_Block, float, float]]]) -> float:
    return sum(abs(block.y + at_own - other.y - at_other) for block in order for other, at_own, at_other in near[block])


def _pile(order: Sequence[_Block]) -> None:
    """Put each block as high as those before it in the order let it."""
    free: dict[int, float] = {}
    for block in order:
        span = range(block.first, block.last + 1)
        block.y = max(free.get(layer, 0.0) for layer in span)
        free |= dict.fromkeys(span, block.y + block.height + GAP_Y)


def _neighbours(order: Sequence[_Block]) -> tuple[dict[_Block, set[_Block]], dict[_Block, set[_Block]]]:
    """Return the blocks right above each one, and those right below, in the layers that it covers."""
    above: dict[_Block, set[_Block]] = {block: set() for block in order}
    below: dict[_Block, set[_Block]] = {block: set() for block in order}
    lowest: dict[int, _Block] = {}
    for block in order:
        for layer in range(block.first, block.last + 1):
            if layer in lowest:
                above[block].add(lowest[layer])
                below[lowest[layer]].add(block)
            lowest[layer] = block
    return above, below


def _outside(group: str) -> str:
    return group.rpartition(".")[0]


def _common(one: str, other: str) -> str:
    """Return the innermost group that both are in, or are."""
    shared = [a for a, b in zip(around(one), around(other), strict=False) if a == b]
    return shared[-1] if shared else ""

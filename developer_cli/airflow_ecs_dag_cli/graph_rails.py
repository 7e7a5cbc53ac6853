"""A graph for a terminal: a line for each task, and to its left the rails that lead to it from those before it.

A rail begins below a task and goes down to the last one that waits for it. In the row of a task all lines lead to its
mark; a rail that they pass without touching it is a plain ``│``. Where many tasks that feed nothing else fan in, they
share one rail, so that the graph stays narrow.

```text
●    extract
├─●  prices
● │  stock
│ │
●─╯  report
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MOST_BESIDE = 8
"""Tasks that fan in on rails of their own; more of them share one."""
_Rail = tuple[str, ...]
"""The tasks that a rail comes from."""


@dataclass(frozen=True)
class RailRow:
    """A row.

    Attributes:
        before: The rails to the left of the task's mark, or the whole row if it has no task.
        after: The rails to the right of it.
        task_id: Whose row it is; ``None`` where a task's line leads to the rail that it shares.
        above: The rails that come from the row before, as a row between the two shows them.
        is_close: Whether the mark would be right below one that it waits for, or that it has nothing to do with: then a
            row between the two tells which.
    """

    before: str
    after: str = ""
    task_id: str | None = None
    above: str = ""
    is_close: bool = False


def rail_rows(upstream: Mapping[str, tuple[str, ...]]) -> Iterator[RailRow]:
    """Yield the rows of a graph from the top down.

    Args:
        upstream: For each task's id the ids of those directly before it, each task after those.
    """
    return _Rails(upstream).rows()


class _Rails:
    def __init__(self, upstream: Mapping[str, tuple[str, ...]]) -> None:
        self._come = _rails(upstream)
        self._fed: dict[str, _Rail] = {}
        self._waiting: dict[_Rail, set[str]] = {}
        for task_id, rails in self._come.items():
            for rail in rails:
                self._waiting.setdefault(rail, set()).add(task_id)
                self._fed |= dict.fromkeys(rail, rail)
        self._columns: list[_Rail | None] = []

    def rows(self) -> Iterator[RailRow]:
        last: int | None = None
        for task_id, rails in self._come.items():
            place, row = self._arrive(task_id, rails, last)
            yield row
            last = place
            rail = self._fed.get(task_id)
            if rail in self._columns and rail is not None:
                yield self._join(place, self._columns.index(rail))
                last = None
            elif rail is not None:
                self._columns += [None] * (place + 1 - len(self._columns))
                self._columns[place] = rail

    def _arrive(self, task_id: str, rails: Sequence[_Rail], last: int | None) -> tuple[int, RailRow]:
        """Return the column of the task's mark, and the row that leads there; the row before has one in ``last``."""
        above = "".join(self._cells()).rstrip()
        come = {self._columns.index(rail): rail for rail in rails}
        for rail in rails:
            self._waiting[rail].discard(task_id)
        ended = {column for column, rail in come.items() if not self._waiting[rail]}
        place = min(ended) if ended else self._free(min(come) + 1 if come else 0)
        cells = self._cells()
        for column in come:
            _draw(cells, column, place)
        for column in come.keys() - {place}:
            cells[2 * column] = _mark(column, place, come, is_ended=column in ended)
        for column in ended:
            self._columns[column] = None
        while self._columns and self._columns[-1] is None:
            self._columns.pop()
        mark = 2 * place
        return place, RailRow(
            before="".join(cells[:mark]),
            after="".join(cells[mark + 1 :]).rstrip(),
            task_id=task_id,
            above=above,
            is_close=place == last and (not come or place in come),
        )

    def _join(self, place: int, column: int) -> RailRow:
        """Return the row in which the line of the task above leads to a rail that others share."""
        cells = self._cells()
        cells += [" "] * (2 * place + 1 - len(cells))
        _draw(cells, place, column)
        cells[2 * place], cells[2 * column] = ("╰", "┤") if place < column else ("╯", "├")
        return RailRow("".join(cells).rstrip())

    def _free(self, begin: int) -> int:
        """Return the first free column from ``begin`` on."""
        self._columns += [None] * (begin + 1 - len(self._columns))
        if None not in self._columns[begin:]:
            self._columns.append(None)
        return self._columns.index(None, begin)

    def _cells(self) -> list[str]:
        return [cell for rail in self._columns for cell in (" " if rail is None else "│", " ")]


def _rails(upstream: Mapping[str, tuple[str, ...]]) -> dict[str, list[_Rail]]:
    """Return the rails that lead to each task."""
    feeds: dict[str, set[tuple[str, ...]]] = {task_id: set() for task_id in upstream}
    for before in upstream.values():
        for task_id in before:
            feeds[task_id].add(before)
    rails = {}
    for task_id, before in upstream.items():
        together = tuple(each for each in before if len(feeds[each]) == 1)
        shared = [together] if len(together) > _MOST_BESIDE else []
        rails[task_id] = [(each,) for each in before if not shared or each not in together] + shared
    return rails


def _draw(cells: list[str], begin: int, end: int) -> None:
    """Draw a line from one column to another, past what is between them."""
    for cell in range(2 * min(begin, end) + 1, 2 * max(begin, end)):
        if cells[cell] == " ":
            cells[cell] = "─"


def _mark(column: int, place: int, come: Mapping[int, _Rail], *, is_ended: bool) -> str:
    """Return the mark where a rail leads to a task: whether others come from behind it, and whether it ends there."""
    if min(come) < column < place or place < column < max(come):
        return "┴" if is_ended else "┼"
    if column < place:
        return "╰" if is_ended else "├"
    return "╯" if is_ended else "┤"

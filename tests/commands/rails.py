"""Reads the terminal's graphs back: which task each line that leads down from a mark ends in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_ecs_dag_cli.graph_rails import RailRow

MARK = "●"


def arrows(rows: Iterable[RailRow]) -> set[tuple[str, str]]:
    """Return the arrows that rows show, by nothing but their characters."""
    lines, names = [], {}
    for row in rows:
        if row.is_close:
            lines.append(row.above)
        if row.task_id is not None:
            names[len(lines), len(row.before)] = row.task_id
        lines.append(row.before + (MARK if row.task_id is not None else "") + row.after)
    width = max(map(len, lines)) + 1
    grid = [line.ljust(width) for line in lines] + [" " * width]
    return {(names[place], names[end]) for place in names for end in _ends(grid, *place)}


def _ends(grid: list[str], row: int, column: int) -> set[tuple[int, int]]:
    """Follow the line that leads down from a mark."""
    ends: set[tuple[int, int]] = set()
    row += 1
    if grid[row][column] == MARK:  # a rail is at least a character long
        return ends
    while (cell := grid[row][column]) not in " ─":  # a line to another mark may pass below one that nothing waits for
        if cell == MARK:
            return ends | {(row, column)}
        if MARK not in grid[row]:  # a row in which a line joins a rail: all others go straight down
            if cell in "╰╯":
                step = 1 if cell == "╰" else -1
                column = _across(grid[row], column, step, "┤├")
        elif cell != "│":
            mark = grid[row].index(MARK)
            assert _across(grid[row], column, 1 if mark > column else -1, MARK) == mark
            ends.add((row, mark))
            if cell in "╰╯┴":
                return ends
        row += 1
    return ends


def _across(line: str, column: int, step: int, ends: str) -> int:
    column += step
    while line[column] not in ends:
        assert line[column] in "─│┼┴├┤╰╯", line
        column += step
    return column

"""The table that a benchmark prints: a figure a line, against its limit or its peer."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version

HEAD = "| figure | value | limit | ratio | goal | met |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """One line of the table: a value, and the limit that it can't be better than or is compared with.

    Attributes:
        most: The greatest ratio of the two that meets the goal; without it, the row is for comparison.
    """

    figure: str
    value: float
    limit: float
    unit: str
    most: float | None

    def __str__(self) -> str:
        ratio = self.value / self.limit if self.limit else self.value
        goal = "" if self.most is None else f"<= {self.most:g}"
        met = "" if self.most is None else ("yes" if ratio <= self.most else "no")
        value, limit = (
            f"{number:,.{0 if number == int(number) else 2}f} {self.unit}".rstrip()
            for number in (self.value, self.limit)
        )
        return f"| {self.figure} | {value} | {limit} | {ratio:.3g} | {goal} | {met} |"


def versions(*names: str) -> str:
    """Return the versions of Python and of packages, as each benchmark prints them."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)])

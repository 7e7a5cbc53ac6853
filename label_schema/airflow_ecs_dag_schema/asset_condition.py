"""Which of a DAG's assets must have new data before it runs: ``0 & (1 | 2)``, by place in their list."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHARACTERS = re.compile(r"[0-9 ()&|]{1,600}\Z", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)
_DEEPEST = 20
_HINT = "allowed: the numbers of the assets, & (all), | (any) and parentheses, such as 0 & (1 | 2)"


@dataclass(frozen=True)
class AllOrAny:
    """A condition of conditions.

    Attributes:
        operator: ``&``: each of them; ``|``: at least one.
        of: Two or more.
    """

    operator: Literal["&", "|"]
    of: tuple[Condition, ...]


Condition: TypeAlias = "int | AllOrAny"
"""The number of an asset, or several conditions."""


def parse(text: str) -> Condition:
    """Return the condition that ``text`` writes down.

    Raises:
        ValueError: It is none.
    """
    if not _CHARACTERS.match(text):
        raise ValueError(f"not a condition; {_HINT}")
    if _deepest(text) > _DEEPEST:
        raise ValueError(f"nested more than {_DEEPEST} deep; {_HINT}")
    try:
        tree = ast.parse(_NUMBER.sub(lambda found: str(int(found[0])), text.strip()), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"not a condition; {_HINT}") from None
    return _condition(tree.body)


def numbers_in(condition: Condition) -> Iterator[int]:
    """Yield the numbers of the assets in ``condition``, in its order."""
    if isinstance(condition, int):
        yield condition
    else:
        for part in condition.of:
            yield from numbers_in(part)


def text_of(condition: Condition) -> str:
    """Return the one spelling of ``condition``."""
    if isinstance(condition, int):
        return str(condition)
    return f" {condition.operator} ".join(
        text_of(part) if isinstance(part, int) else f"({text_of(part)})" for part in condition.of
    )


def joined(operator: Literal["&", "|"], parts: list[Condition]) -> Condition:
    """Return one condition of ``parts``; parts joined by the same operator are taken into it."""
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.of if isinstance(part, AllOrAny) and part.operator == operator else [part])
    return flat[0] if len(flat) == 1 else AllOrAny(operator, tuple(flat))


def _deepest(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        deepest = max(deepest, depth)
    return deepest


def _condition(node: ast.expr) -> Condition:
    """Return what a tree says; its depth is bounded by the length of the text."""
    match node:
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return number
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return joined("&", [_condition(left), _condition(right)])
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return joined("|", [_condition(left), _condition(right)])
        case _:
            raise ValueError(f"not a condition; {_HINT}")

"""Python source made of expressions: each text a literal that nothing gets out of, laid out as ruff and Black do.

An expression is on one line where it fits; otherwise its parts have a line each, the last one with a comma.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INDENT = 4
ARROW = " >> "
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}
_PRAGMA = re.compile(r"#|type:|(?:fmt|isort|mypy|noqa|pylint|pyright|ruff|yapf)\b", re.IGNORECASE)
"""Words that mean something to tools where a comment begins with them."""
_BYTE, _PLANE = 0xFF, 0xFFFF
_SHORTEST_PIECE = 20


@dataclass(frozen=True)
class Raw:
    """Source as it stands: a name, a number, a flow of tasks."""

    source: str


@dataclass(frozen=True)
class Text:
    """A text."""

    text: str


@dataclass(frozen=True)
class Filled:
    """A text with names of variables in it, an f-string.

    Attributes:
        parts: Texts and names of variables in turn, a text first.
    """

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Items:
    """A list; with round brackets, a tuple."""

    items: tuple[Expression, ...]
    is_tuple: bool = False


@dataclass(frozen=True)
class Entries:
    """A dictionary whose keys are texts."""

    entries: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class Call:
    """A call.

    Attributes:
        name: What is called.
        given: The arguments by name; those in place have the name ``""``.
    """

    name: str
    given: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True)
class Chain:
    """A flow of tasks: at least two parts, with ``>>`` between them."""

    parts: tuple[Expression, ...]


Expression: TypeAlias = "Raw | Text | Filled | Items | Entries | Call | Chain"


def text_literal(text: str) -> str:
    """Return the literal of ``text``, in the quotes that ruff prefers; what can't be seen is an escape."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return f"{quote}{''.join(_escaped(each, quote) for each in text)}{quote}"


def one_line(text: str, most: int = 200) -> str:
    """Return ``text`` as one line for a comment: what can't be seen is an escape, what is too long is cut."""
    shown = "".join(each if each.isprintable() else _escaped(each, "") for each in text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def flat(expression: Expression) -> str:  # noqa: PLR0911 - one line a kind
    """Return the source of an expression on one line."""
    match expression:
        case Raw():
            return expression.source
        case Text():
            return text_literal(expression.text)
        case Filled():
            return _filled(expression.parts)
        case Items():
            inner = ", ".join(map(flat, expression.items))
            if expression.is_tuple:
                return f"({inner},)" if len(expression.items) == 1 else f"({inner})"
            return f"[{inner}]"
        case Entries():
            return f"{{{', '.join(f'{text_literal(key)}: {flat(value)}' for key, value in expression.entries)}}}"
        case Call():
            inner = ", ".join(f"{name}={flat(value)}" if name else flat(value) for name, value in expression.given)
            return f"{expression.name}({inner})"
        case Chain():
            return ARROW.join(map(flat, expression.parts))


def laid_out(before: str, expression: Expression, after: str, *, indent: int, width: int) -> list[str]:
    """Return the lines of an expression between two texts, each line indented.

    Args:
        before: What stands before it on its first line, such as ``tasks=``.
        expression: The expression.
        after: What stands after it, such as a comma.
        indent: Spaces before the first line.
        width: Characters of a line at most, where that can be.
    """
    space = " " * indent
    line = f"{space}{before}{flat(expression)}{after}"
    if _columns(line) <= width:
        return [line]
    match expression:
        case Chain(parts=(first, *others)):
            lines = laid_out(before, first, "", indent=indent, width=width)
            for number, other in enumerate(others, 1):
                end = after if number == len(others) else ""
                lines.extend(laid_out(ARROW.lstrip(), other, end, indent=indent, width=width))
            return lines
        case Text() if pieces := _pieces(expression.text, width - indent - INDENT - 2):
            inner = " " * (indent + INDENT)
            return [f"{space}{before}(", *(f"{inner}{text_literal(piece)}" for piece in pieces), f"{space}){after}"]
        case Items() if expression.items:
            opening, closing = "()" if expression.is_tuple else "[]"
            parts = [("", each) for each in expression.items]
        case Entries() if expression.entries:
            opening, closing = "{}"
            parts = [(f"{text_literal(key)}: ", value) for key, value in expression.entries]
        case Call() if expression.given:
            opening, closing = f"{expression.name}(", ")"
            parts = [(f"{name}=" if name else "", value) for name, value in expression.given]
        case _:
            return [line]
    lines = [f"{space}{before}{opening}"]
    for prefix, part in parts:
        lines.extend(laid_out(prefix, part, ",", indent=indent + INDENT, width=width))
    return [*lines, f"{space}{closing}{after}"]


def comment_lines(text: str, *, indent: int, width: int) -> list[str]:
    """Return ``text`` as lines of a comment, whatever is in it."""
    start = f"{' ' * indent}# "
    lines = [start.rstrip()]
    for word in one_line(text, 2_000).split():
        longer = f"{lines[-1]} {word}"
        if _columns(longer) <= width or lines[-1] == start.rstrip() or _PRAGMA.match(word):
            lines[-1] = longer
        else:
            lines.append(f"{start}{word}")
    return lines


def _columns(line: str) -> int:
    """Return the columns that a line takes, as ruff counts them: wide characters two, marks on others none."""
    return len(line) if line.isascii() else sum(map(_width, line))


def _width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"F", "W"} else 1


def _escaped(character: str, quote: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character == quote:
        return f"\\{character}"
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number <= _BYTE else f"\\u{number:04x}" if number <= _PLANE else f"\\U{number:08x}"


def _filled(parts: Sequence[str]) -> str:
    if len(parts) > 1 and not any(parts[0::2]) and len(parts) <= len(("", "name", "")):
        return parts[1]
    texts = "".join(parts[0::2])
    quote = "'" if texts.count('"') > texts.count("'") else '"'
    written = [
        f"{{{part}}}"
        if place % 2
        else "".join(_escaped(each, quote) for each in part).replace("{", "{{").replace("}", "}}")
        for place, part in enumerate(parts)
    ]
    return f"f{quote}{''.join(written)}{quote}"


def _pieces(text: str, most: int) -> list[str]:
    """Return ``text`` in pieces whose literals take a line each; nothing if it is better left whole."""
    if not text.isascii() or most < _SHORTEST_PIECE:
        return []
    pieces = list(_cut(text, most))
    return pieces if len(pieces) > 1 else []


def _cut(text: str, most: int) -> Iterator[str]:
    """Yield pieces that end after a newline or a space, where there is one."""
    start = 0
    while start < len(text):
        end, size = start, 0
        while end < len(text):
            size += len(_escaped(text[end], '"')) + (text[end] == "'")
            if size > most:
                break
            end += 1
            if text[end - 1] == "\n":
                break
        else:
            yield text[start:]
            return
        if text[end - 1] != "\n" and (space := text.rfind(" ", start, end)) > start:
            end = space + 1
        yield text[start:end]
        start = end

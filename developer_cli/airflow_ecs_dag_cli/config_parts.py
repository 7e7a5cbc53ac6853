"""The parts of a YAML file that is read field by field: each knows where it stands; what nobody took is left over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ecs_dag_cli.source_document import Unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_cli.source_document import Path


@dataclass(frozen=True)
class Part:
    """A value of the file.

    Attributes:
        value: A text, a number as it is written, a truth value, ``None``, a list of parts, or parts by name.
        path: Where it stands.
    """

    value: str | Unquoted | bool | list[Part] | dict[str, Part] | None
    path: Path

    @property
    def text(self) -> str | None:
        """The text that it is, or the number as it is written; ``None`` for all else."""
        if isinstance(self.value, Unquoted):
            return self.value.text
        return self.value if isinstance(self.value, str) else None

    @property
    def number(self) -> int | float | None:
        """The number that it is."""
        text = self.text
        if text is None or not isinstance(self.value, Unquoted):
            return None
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            return None

    @property
    def fields(self) -> dict[str, Part]:
        """The parts by name; none if it is something else."""
        return dict(self.value) if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Part]:
        """The parts of a list; of a single value, that alone."""
        return self.value if isinstance(self.value, list) else [] if self.value is None else [self]

    @property
    def texts(self) -> tuple[str, ...] | None:
        """The texts of a list, or the one text; ``None`` if one of them is something else."""
        texts = [each.text for each in self.items]
        return None if None in texts else tuple(text for text in texts if text is not None)

    def plain(self) -> object:
        """Return the value as JSON has it."""
        match self.value:
            case Unquoted():
                return self.value.text if self.number is None else self.number
            case list():
                return [each.plain() for each in self.value]
            case dict():
                return {name: each.plain() for name, each in self.value.items()}
            case _:
                return self.value

    def shown(self) -> str:
        """Return the value as a message shows it."""
        text = repr(self.plain())
        return text if len(text) <= 100 else f"{text[:97]}..."  # noqa: PLR2004 - of a line


def part_of(value: object, path: Path = ()) -> Part:
    """Return a value of a document as a part of it."""
    match value:
        case dict():
            return Part({str(name): part_of(each, (*path, str(name))) for name, each in value.items()}, path)
        case list():
            return Part([part_of(each, (*path, index)) for index, each in enumerate(value)], path)
        case str() | Unquoted() | bool() | None:
            return Part(value, path)
        case _:
            return Part(str(value), path)


def merged(own: Part, default: Part | None) -> Part:
    """Return ``own`` with what it leaves out from ``default``; mappings in both are merged in the same way."""
    if default is None or not isinstance(own.value, dict) or not isinstance(default.value, dict):
        return own
    fields = {name: merged(each, default.value.get(name)) for name, each in own.value.items()}
    return Part({**fields, **{name: each for name, each in default.value.items() if name not in fields}}, own.path)


class Fields:
    """The fields of a mapping, each of which is taken once.

    Args:
        part: The mapping; anything else has no fields.
    """

    def __init__(self, part: Part) -> None:
        self._left = part.fields
        self.path = part.path

    def take(self, *names: str) -> Part | None:
        """Return the first of ``names`` that is there and not empty; all of them count as taken."""
        found = [part for name in names if (part := self._left.pop(name, None)) is not None]
        return next((part for part in found if part.value is not None), None)

    def left(self) -> Iterator[tuple[str, Part]]:
        """Yield what nobody took."""
        yield from self._left.items()

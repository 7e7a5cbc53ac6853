"""A JSON or YAML file as plain values, and where in the file each of them stands.

YAML is read as CloudFormation reads it: ``!Ref x`` is ``{"Ref": "x"}``, ``!Sub x`` is ``{"Fn::Sub": "x"}``; a moment
without quotes is a text. No tag makes an object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_NODES = 1_000_000
"""Values of a document, aliases written out; a template of CloudFormation has at most 1 MB."""
_DEEPEST = 200
_CORE = "tag:yaml.org,2002:"
_PLAIN = frozenset({"binary", "bool", "float", "int", "map", "null", "seq", "str", "timestamp", "value"})
_BARE_FUNCTIONS = frozenset({"Condition", "Ref"})
_TRUE = frozenset({"on", "true", "yes"})

Path = tuple[str | int, ...]


class UnreadableFileError(Exception):
    """A file that can't be judged; the message says why, and what to change."""


@dataclass(frozen=True)
class Unquoted:
    """A number without quotes, as it is written."""

    text: str


@dataclass(frozen=True)
class Position:
    """Where something stands in its file, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        """Return ``line:column``."""
        return f"{self.line}:{self.column}"


@dataclass(frozen=True)
class SourceDocument:
    """What a file holds.

    Attributes:
        value: Mappings, lists, texts, booleans, ``None`` and, for each number, :class:`Unquoted`.
        text: The whole file.
        is_yaml: Whether it is YAML that is no JSON.
    """

    value: Any
    text: str
    is_yaml: bool = False

    @cached_property
    def _marks(self) -> tuple[dict[Path, Position], list[Path]]:
        try:
            node = _composed(self.text)
            found = list(_walk(node, ()))
        except (yaml.YAMLError, RecursionError, UnreadableFileError):
            return {}, []  # JSON that YAML has no word for: its values are known, their places are not
        marks: dict[Path, Position] = {}
        twice = []
        for path, mark in found:
            if path in marks:
                twice.append(path)
            marks[path] = Position(mark.line + 1, mark.column + 1)
        return marks, twice

    def position(self, path: Path) -> Position | None:
        """Return where the key or the item at ``path`` stands; of what is absent, where the thing around it does."""
        marks = self._marks[0]
        return next((marks[path[:end]] for end in range(len(path), -1, -1) if path[:end] in marks), None)

    @property
    def keys_written_twice(self) -> list[Path]:
        """Return the keys of YAML that stand more than once in their mapping; the last one counts."""
        return self._marks[1] if self.is_yaml else []


def read_source(text: str) -> SourceDocument:
    """Read JSON, or else YAML.

    Raises:
        UnreadableFileError: It is neither, or grows beyond all measure by its aliases.
    """
    try:
        value = _json(text)
    except (ValueError, RecursionError):
        return _read_yaml(text)
    _check_depth(value)
    return SourceDocument(value, text)


def _read_yaml(text: str) -> SourceDocument:
    try:
        node = _composed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = "" if mark is None else f" at {mark.line + 1}:{mark.column + 1}"
        problem = error.problem or error.context or "not a document"
        raise UnreadableFileError(f"neither JSON nor YAML: {problem}{where}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableFileError(f"neither JSON nor YAML: {str(error).splitlines()[0]}") from None
    if node is None:
        raise UnreadableFileError("it is empty")
    try:
        return SourceDocument(_Values().of(node), text, is_yaml=True)
    except RecursionError:
        raise UnreadableFileError("an alias in it holds itself") from None


def _check_depth(value: object) -> None:
    left = [(value, 1)]
    while left:
        each, depth = left.pop()
        if depth > _DEEPEST:
            raise UnreadableFileError(f"it is nested more than {_DEEPEST} levels deep")
        children = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        left += [(child, depth + 1) for child in children if isinstance(child, dict | list)]


def _composed(text: str) -> yaml.Node | None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:  # libyaml's binding composes by recursion in C, which ends the process
            raise UnreadableFileError(f"it is nested more than {_DEEPEST} levels deep")
    node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    return node


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(text, parse_int=Unquoted, parse_float=Unquoted, parse_constant=Unquoted)


class _Values:
    """Makes plain values of YAML's nodes."""

    def __init__(self) -> None:
        self._left = _MOST_NODES

    def of(self, node: yaml.Node) -> Any:  # noqa: ANN401 - any value that YAML has
        self._left -= 1
        if self._left < 0:
            raise UnreadableFileError(f"it has more than {_MOST_NODES} values: give the aliases fewer copies")
        tag = node.tag
        value = self._plain(node)
        if tag.startswith(_CORE) and tag.removeprefix(_CORE) in _PLAIN:
            return value
        if not tag.startswith("!"):
            raise UnreadableFileError(f"unknown tag {tag} at {_at(node)}: write a plain value")
        name = tag[1:]
        if name == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {name if name in _BARE_FUNCTIONS else f"Fn::{name}": value}

    def _plain(self, node: yaml.Node) -> Any:  # noqa: ANN401 - any value that YAML has
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.of(item) for item in node.value]
        text = str(node.value)
        match node.tag.removeprefix(_CORE):
            case "null":
                return None
            case "bool":
                return text.lower() in _TRUE
            case "int" | "float":
                return Unquoted(text)
            case _:
                return text

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, item in node.value:
            value = self.of(item)
            if key.tag == f"{_CORE}merge":
                for each in value if isinstance(value, list) else [value]:
                    merged = {**each, **merged} if isinstance(each, dict) else merged
            elif isinstance(key, yaml.ScalarNode):
                own[str(key.value)] = value
            else:
                raise UnreadableFileError(f"a key that is no text at {_at(key)}: write a plain key")
        return {**merged, **own}


def _at(node: yaml.Node) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _walk(root: yaml.Node | None, top: Path) -> Iterator[tuple[Path, yaml.Mark]]:
    """Yield each key and item with its place; what an alias repeats stands where the alias does."""
    left = [] if root is None else [(root, top)]
    count = 0
    while left:
        node, path = left.pop()
        count += 1
        if count > _MOST_NODES:
            raise UnreadableFileError("too many values")
        if not path:
            yield path, node.start_mark
        children: list[tuple[str | int, yaml.Mark, yaml.Node]] = []
        if isinstance(node, yaml.MappingNode):
            children = [(str(k.value), k.start_mark, v) for k, v in node.value if isinstance(k, yaml.ScalarNode)]
        elif isinstance(node, yaml.SequenceNode):
            children = [(index, item.start_mark, item) for index, item in enumerate(node.value)]
        for name, mark, child in children:
            yield (*path, name), mark
            left.append((child, (*path, name)))

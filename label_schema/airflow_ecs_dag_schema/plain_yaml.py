"""A platform's YAML file, read strictly: what a person sees in it is what counts, and nothing that it holds is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from airflow_ecs_dag_schema.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml.nodes import MappingNode

    from airflow_ecs_dag_schema.problems import DagDefinitionError

_DEEPEST_YAML = 50
LARGEST_FILE = 256 * 1024
"""Bytes of a file; a larger one is somebody else's file."""


def parse_yaml(text: str, *, what: str, fails: Callable[[Problem], DagDefinitionError]) -> Any:  # noqa: ANN401 - as YAML gives it
    """Return what a YAML text holds; ``None`` for an empty one.

    Args:
        text: The YAML.
        what: The path of a problem, in one word: ``policy``.
        fails: Makes the error to raise.

    Raises:
        DagDefinitionError: It is no YAML, or has what is not read here.
    """
    try:
        return yaml.load(text, Loader=_PlainYaml)  # noqa: S506 - a SafeLoader with less in it
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise fails(Problem(what, f"not a YAML file: {ascii(reason)[1:-1]}")) from None


def read_text(path: Path | str, *, what: str, fails: Callable[[Problem], DagDefinitionError]) -> str:
    """Return the text of a file of the platform's; arguments are those of :func:`parse_yaml`.

    Raises:
        DagDefinitionError: The file can't be read, is no UTF-8, or is larger than :data:`LARGEST_FILE`.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        text = data.decode("utf-8")
    except OSError as error:
        raise fails(
            Problem(what, f"the file can't be read: {error.strerror}; give the path of a readable file")
        ) from None
    except UnicodeDecodeError:
        raise fails(Problem(what, "the file is not UTF-8: save it as UTF-8")) from None
    if len(data) > LARGEST_FILE:
        raise fails(Problem(what, f"the file is larger than {LARGEST_FILE} bytes: give a {what} file"))
    return text


class _PlainYaml(yaml.SafeLoader):
    """YAML without what surprises in a policy: anchors (their bombs), deep nesting, keys given twice (one is lost)."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call] # types-PyYAML leaves it out
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"line {line} has an alias: write the value out")
        if self._depth == _DEEPEST_YAML:
            raise yaml.YAMLError(f"line {line} is nested more than {_DEEPEST_YAML} deep: no field needs that")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's own signature
        seen = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name in seen:
                raise yaml.YAMLError(f"line {key.start_mark.line + 1} gives {name} again: keep one of the two")
            seen.add(name)
        return super().construct_mapping(node, deep=deep)

"""Files of names and values that stay on the developer's machine: YAML, JSON, or lines ``name=value``.

The formats are those of Airflow's ``LocalFilesystemBackend``. A value may be a secret, so no message has one, not even
a part of one; it has the file, the line or the name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from airflow_ecs_dag_cli.processes import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SUFFIXES = (".yaml", ".yml", ".json", ".env")
_LARGEST = 4 * 1024 * 1024


class NamedValuesError(LocalRunError):
    """A file of names and values can't be used; the message says where and why, and has no value of it."""


def read_named_values(path: Path) -> dict[str, Any]:
    """Return the names and values of a file.

    Raises:
        NamedValuesError: It can't be read, is no such file, or has a name twice.
    """
    kind = path.suffix or path.name  # the name .env is an ending without a stem
    if kind not in SUFFIXES:
        raise NamedValuesError(
            f"the ending of {shown(path)} does not say what is in it; endings are {', '.join(SUFFIXES)}; rename it"
        )
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise NamedValuesError(f"{shown(path)} has {size} bytes, at most {_LARGEST} are read: divide it")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NamedValuesError(f"{shown(path)} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NamedValuesError(f"{shown(path)} is no text in UTF-8: save it as such") from None
    if kind == ".env":
        return dict(_unique(path, _lines(path, text)))
    found = _json(path, text) if kind == ".json" else _yaml(path, text)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise NamedValuesError(
            f"{shown(path)} holds {_kind(found)}; expected names with their values; write each as `name: value`"
        )
    for name in found:
        if not isinstance(name, str) or not name:
            raise NamedValuesError(f"{shown(path)} has a name that is {_kind(name)}; names are texts: put it in quotes")
    return found


def shown(value: object) -> str:
    """Return a name or a path as it is shown: on one line, without what a terminal would take for a command."""
    return ascii(str(value)[:300])[1:-1]


def _kind(value: object) -> str:
    kinds = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a mapping",
    }
    return kinds.get(type(value), "nothing" if value is None else f"of type {type(value).__name__}")


def _lines(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().partition("=")
        if not equals or not name.strip():
            raise NamedValuesError(f"{shown(path)}, line {number}, is no name=value: write it so, or put # before it")
        yield name.strip(), value.strip()


def _unique(path: Path, entries: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    names = set()
    for name, value in entries:
        if name in names:
            raise NamedValuesError(f"{shown(path)} has the name {shown(name)} twice: keep one of them")
        names.add(name)
        yield name, value


def _json(path: Path, text: str) -> Any:  # noqa: ANN401 - JSON of any kind
    def pairs(entries: list[tuple[str, Any]]) -> Mapping[str, Any]:
        return dict(_unique(path, iter(entries)))

    try:
        return json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise NamedValuesError(f"{shown(path)}, line {error.lineno}, is no valid JSON: {error.msg}") from None
    except RecursionError:
        raise NamedValuesError(f"{shown(path)} is nested too deeply: make it flat") from None


class _Loader(yaml.SafeLoader):
    """Refuses a name that is there twice, of which YAML would keep the last."""


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool | None):
            raise yaml.constructor.ConstructorError(problem="a name is no text", problem_mark=key_node.start_mark)
        if key in found:
            raise yaml.constructor.ConstructorError(problem="a name is there twice", problem_mark=key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


def _yaml(path: Path, text: str) -> Any:  # noqa: ANN401 - as above
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader with a stricter mapping
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}," if mark else ""
        # What PyYAML says of a line may quote it, so only what kind of problem it is, in words that have no quotes.
        what = (
            error.problem if error.problem and not set("'\"`") & set(error.problem) else "check its quotes and spaces"
        )
        raise NamedValuesError(f"{shown(path)}{where} is no valid YAML: {what}") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise NamedValuesError(f"{shown(path)} is no valid YAML: check its quotes, spaces and characters") from None

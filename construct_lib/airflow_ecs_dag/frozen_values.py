"""Lists and mappings of an author's, checked and kept so that nobody can change them later."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_ecs_dag.template_values import TemplateValue
from airflow_ecs_dag_schema.frozen_map import FrozenMap
from airflow_ecs_dag_schema.problems import Problem
from airflow_ecs_dag_schema.template_words import LOST_BRACES

if TYPE_CHECKING:
    from collections.abc import Iterator

Item_co = TypeVar("Item_co", covariant=True)


class Items(Protocol[Item_co]):
    """A list or a tuple: what ``Sequence`` says, but for texts, which are lists of nothing here."""

    def __contains__(self, value: object, /) -> bool: ...
    def __getitem__(self, index: int, /) -> Item_co: ...
    def __iter__(self) -> Iterator[Item_co]: ...
    def __len__(self) -> int: ...


def frozen_texts(path: str, value: object, problems: list[Problem]) -> tuple[str | TemplateValue, ...]:
    """Return a list of texts as a tuple; what is none is a problem at ``path``, whose last part is the argument."""
    if isinstance(value, str | TemplateValue):
        name = path.rpartition(".")[2]
        message = f"expected a list of texts, one for each word: write {name}={_words(value)!r}"
        problems.append(Problem(path, message, value if isinstance(value, str) else repr(value)))
        return ()
    if not isinstance(value, list | tuple):
        problems.append(Problem(path, "expected a list of texts", repr(value)))
        return ()
    for index, word in enumerate(value):
        if not isinstance(word, str | TemplateValue):
            problems.append(Problem(f"{path}.{index}", "expected a text: numbers are written as texts too", repr(word)))
        problems.extend(_lost_braces(f"{path}.{index}", word))
    return tuple(value)


def _words(value: str | TemplateValue) -> list[str | TemplateValue]:
    """Return the words that the author of a whole command as one text may have meant."""
    if not isinstance(value, str) or "{{" in value:
        return [value]
    try:
        return list(shlex.split(value)) or [value]
    except ValueError:  # a quote that is not closed
        return [value]


def _lost_braces(path: str, text: object) -> Iterator[Problem]:
    """Yield a problem for ``{ ds }``: what an f-string makes of a template."""
    if isinstance(text, str) and (match := LOST_BRACES.search(text)):
        message = (
            f"{match[0]} is no template, which has two braces on each side: in an f-string write four of each, "
            "or leave the f out"
        )
        yield Problem(path, message, text)


def frozen_items(path: str, value: object, kind: type, example: str, problems: list[Problem]) -> tuple[object, ...]:
    """Return a list of ``kind`` as a tuple; what is none is a problem."""
    if isinstance(value, list | tuple) and all(isinstance(each, kind) for each in value):
        return tuple(value)
    problems.append(Problem(path, f"expected a list of {kind.__name__} values, such as {example}", repr(value)))
    return ()


def frozen_map(
    path: str, value: object, kinds: tuple[type, ...], example: str, problems: list[Problem]
) -> FrozenMap[str, object]:
    """Return a mapping of texts to ``kinds``, frozen; what is none is a problem."""
    if not isinstance(value, Mapping):
        problems.append(Problem(path, f"expected a mapping such as {example}", repr(value)))
        return FrozenMap({})
    for name, entry in value.items():
        if not isinstance(name, str):
            problems.append(Problem(path, f"expected texts as names, such as {example}", repr(name)))
        elif not isinstance(entry, kinds):
            problems.append(Problem(f"{path}.{name}", f"expected a value as in {example}", repr(entry)))
        else:
            problems.extend(_lost_braces(f"{path}.{name}", entry))
    return FrozenMap({name: entry for name, entry in value.items() if isinstance(name, str)})

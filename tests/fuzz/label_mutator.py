"""Changes to a label set: to keys, texts and structure; and how one set is crossed with another.

Given the same bytes and the same seed, the same bytes come out.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from fuzz.label_bytes import from_bytes, to_bytes
from fuzz.label_grammar import new_key, new_text, seeds
from schema.label_mutations import mutate
from schema.nasty_texts import NASTY_TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

_SEEDS = seeds()
_LARGE = 150
_LARGE_STAYS = 0.05
"""Share of the sets with more labels than that which stay so large: one costs as much as a hundred small ones."""
_PART = 25
_ROOM = 58_000
"""Bytes of labels up to which a set is filled up: ECS takes 60,000."""


def mutate_bytes(data: bytes, max_size: int, seed: int) -> bytes:
    """Return the labels of ``data`` with a few changes, or no labels if that is more than ``max_size`` bytes."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    labels = from_bytes(data) or random.choice(_SEEDS)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        labels = random.choice(_CHANGES)(labels, random)
    changed = to_bytes(_affordable(labels, random))
    return changed if len(changed) <= max_size else to_bytes({})


def cross_bytes(data: bytes, other: bytes, max_size: int, seed: int) -> bytes:
    """Return the labels of ``data`` with a branch of those of ``other`` put in or in place of its own."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    crossed = to_bytes(_affordable(_graft(from_bytes(data), from_bytes(other), random), random))
    return crossed if len(crossed) <= max_size else to_bytes({})


def _affordable(labels: dict[str, str], random: Random) -> dict[str, str]:
    if len(labels) <= _LARGE or random.random() < _LARGE_STAYS:
        return labels
    kept = set(random.sample(range(len(labels)), _PART))
    head = ("airflow.schema_version", "airflow.dag.dag_id", "airflow.dag.name")
    return {key: text for place, (key, text) in enumerate(labels.items()) if place in kept or key in head}


def _field(labels: dict[str, str], random: Random) -> dict[str, str]:
    key = new_key(random)
    return labels | {key: new_text(key, random)}


def _text(labels: dict[str, str], random: Random) -> dict[str, str]:
    if not labels:
        return labels
    key = random.choice(list(labels))
    return labels | {key: new_text(key, random)}


def _splice_text(labels: dict[str, str], random: Random) -> dict[str, str]:
    if not labels:
        return labels
    key = random.choice(list(labels))
    text, other = labels[key], new_text(key, random)
    return labels | {key: text[: random.randint(0, len(text))] + other[random.randint(0, len(other)) :]}


def _graft(labels: dict[str, str], other: dict[str, str], random: Random) -> dict[str, str]:
    """Take a task, a schedule, an alert or the like over from another set, in place of what is there."""
    if not other:
        return labels
    parts = random.choice(list(other)).split(".")
    branch = ".".join(parts[: random.randint(1, len(parts))])
    keep = random.random() < 0.5
    grafted = {key: text for key, text in labels.items() if keep or not key.startswith(branch)}
    return grafted | {key: text for key, text in other.items() if key.startswith(branch)}


def _graft_seed(labels: dict[str, str], random: Random) -> dict[str, str]:
    return _graft(labels, random.choice(_SEEDS), random)


def _known_changes(labels: dict[str, str], random: Random) -> dict[str, str]:
    return mutate(labels, random)


def _seed(_: dict[str, str], random: Random) -> dict[str, str]:
    return dict(random.choice(_SEEDS))


def _fill(labels: dict[str, str], random: Random) -> dict[str, str]:
    """Repeat a label, its number or its task's id counted on, until nothing more fits; seldom, for it is slow."""
    if not labels or random.random() > 0.04:
        return labels
    parts = random.choice(list(labels)).split(".")
    places = [place for place, part in enumerate(parts) if part.isdigit()] or [random.randrange(len(parts))]
    if len(parts) > 3 and parts[1] == "tasks" and random.random() < 0.5:
        places = [2]
    place = random.choice(places)
    filled, size = dict(labels), sum(len(key) + len(text) for key, text in labels.items())
    fixed = random.random() < 0.7
    text = random.choice(NASTY_TEXTS) if random.random() < 0.3 else new_text(".".join(parts), random)
    if fixed and random.random() < 0.3:
        text = (text * 4_000)[: random.choice((300, 3_900 - len(".".join(parts))))]
    for number in range(random.choice((30, 500, 3_000))):
        counted = parts[place] if parts[place].isdigit() else f"{parts[place]}{number}"
        key = ".".join((*parts[:place], str(number) if parts[place].isdigit() else counted, *parts[place + 1 :]))
        value = text if fixed else new_text(key, random)
        size += len(key) + len(value)
        if size > _ROOM:
            break
        filled[key] = value
    return filled


_CHANGES: tuple[Callable[[dict[str, str], Random], dict[str, str]], ...] = (
    *[_field] * 3, *[_text] * 3, _splice_text, _graft_seed, *[_known_changes] * 2, _seed, _fill,
)  # fmt: skip

"""Labels that are nearly right: valid ones with a few things changed, as authors, tools and attackers change them."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING

from schema.nasty_texts import NASTY_PARTS, NASTY_TEXTS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    Mutation = Callable[[dict[str, str], random.Random], None]


def mutate(labels: dict[str, str], random: random.Random) -> dict[str, str]:
    """Return ``labels`` with 1 to 4 changes, in any order."""
    changed = dict(labels)
    for _ in range(random.choice((1, 1, 2, 4))):
        random.choice(_MUTATIONS)(changed, random)
    items = list(changed.items())
    random.shuffle(items)
    return dict(items)


def _delete(labels: dict[str, str], random: random.Random) -> None:
    if labels:
        del labels[_any(labels, random)]


def _replace_text(labels: dict[str, str], random: random.Random) -> None:
    if labels:
        labels[_any(labels, random)] = random.choice(NASTY_TEXTS)


def _swap_texts(labels: dict[str, str], random: random.Random) -> None:
    if labels:
        one, other = _any(labels, random), _any(labels, random)
        labels[one], labels[other] = labels[other], labels[one]


def _spoil_text(labels: dict[str, str], random: random.Random) -> None:
    if labels:
        key = _any(labels, random)
        text, place = labels[key], random.randint(0, len(labels[key]))
        cut = place + random.choice((0, 0, 1, 3))
        labels[key] = text[:place] + random.choice((*NASTY_TEXTS, chr(random.randrange(0x3000)))) + text[cut:]


def _rename(labels: dict[str, str], random: random.Random) -> None:
    if labels:
        key = _any(labels, random)
        labels[_other_key(key, random)] = labels.pop(key)


def _duplicate(labels: dict[str, str], random: random.Random) -> None:
    if labels:
        key = _any(labels, random)
        text = random.choice((labels[key], random.choice(NASTY_TEXTS)))
        labels[_other_key(key, random)] = text


def _nest(labels: dict[str, str], random: random.Random) -> None:
    if labels:
        below = ".".join(random.choice(NASTY_PARTS) for _ in range(random.choice((1, 2, 9, 450))))
        labels[f"{_any(labels, random)}.{below}"] = random.choice(NASTY_TEXTS)


def _invent(labels: dict[str, str], random: random.Random) -> None:
    parts = [random.choice(NASTY_PARTS) for _ in range(random.randint(0, 4))]
    labels[".".join(("airflow", random.choice(("dag", "ecs", "tasks", "packed", "x")), *parts))] = random.choice(
        NASTY_TEXTS
    )


def _multiply(labels: dict[str, str], random: random.Random) -> None:
    for number in range(random.choice((3, 30, 1_200))):
        task = f"airflow.tasks.t{number}"
        labels[f"{task}.upstream.0"] = f"t{random.randrange(number + 2)}"
        if random.random() < 0.1:
            labels[f"{task}.args.0"] = random.choice(NASTY_TEXTS)


def _pack(labels: dict[str, str], random: random.Random) -> None:
    """Put some of the labels into the packed form, rightly or nearly so."""
    inner = {key: labels.pop(key) for key in list(labels) if random.random() < 0.8 and key not in _NEVER_PACKED}
    data = bytearray(zlib.compress(json.dumps(inner).encode(), random.choice((0, 9))))
    if random.random() < 0.3:
        data[random.randrange(len(data))] ^= random.randrange(256)
    if random.random() < 0.1:
        data = bytearray(zlib.compress(random.choice((b"[" * 10**6, b'{"a":' * 10**5, b" " * 10**7, b"null")), 9))
    text = base64.b64encode(data).decode()
    size = random.choice((40, 3_900))
    for number, start in enumerate(range(0, len(text), size)):
        labels[f"airflow.packed.{number}"] = text[start : start + size]


def _chain(labels: dict[str, str], random: random.Random) -> None:
    """Add a chain of tasks, each of which names outputs of others."""
    length = random.choice((3, 30, 300))
    for number in range(length):
        task = f"airflow.tasks.c{number}"
        labels[f"{task}.kind"] = random.choice(("ecs", "ecs", "short_circuit", "branch", "param_items", "operator"))
        if number:
            labels[f"{task}.upstream.0"] = f"c{number - 1}"
        other = random.randrange(length)
        labels[f"{task}.args.0"] = f"{{{{ ti.xcom_pull(task_ids='c{other}')['x'] }}}} {{{{ params.p{other % 5} }}}}"
        if random.random() < 0.3:
            labels[f"{task}.output.task_id"] = f"c{other}"


def _other_key(key: str, random: random.Random) -> str:
    parts = key.split(".")
    place = random.randrange(len(parts))
    match random.randrange(4):
        case 0:
            del parts[place]
        case 1:
            parts[place] = random.choice(NASTY_PARTS)
        case 2:
            parts.insert(place, random.choice(NASTY_PARTS))
        case _:
            other = random.randrange(len(parts))
            parts[place], parts[other] = parts[other], parts[place]
    return ".".join(parts)


def _any(labels: dict[str, str], random: random.Random) -> str:
    return random.choice(list(labels))


_MUTATIONS: Sequence[Mutation] = (
    _delete,
    _replace_text,
    _replace_text,
    _swap_texts,
    _spoil_text,
    _spoil_text,
    _rename,
    _rename,
    _duplicate,
    _nest,
    _invent,
    _multiply,
    _pack,
    _chain,
)
_NEVER_PACKED = ("airflow.schema_version", "airflow.dag.dag_id")

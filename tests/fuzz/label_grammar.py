"""What labels are made of, read from the contract and its vectors: keys, texts, cron expressions, templates.

Nothing here names a field: a field that the contract gains is drawn as soon as a model or a vector has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.model_labels import label_parts
from airflow_ecs_dag_schema.schedule import PRESETS
from airflow_ecs_dag_schema.templates import DATE_FUNCTIONS, FILTERS, MOMENT_FIELDS, MOMENT_METHODS, VARIABLES
from policy.case_files import read_cases
from schema.nasty_texts import NASTY_PARTS, NASTY_TEXTS
from vectors.vector_files import read_vectors

if TYPE_CHECKING:
    import random

_DEEPEST = 4
_TASK_IDS = ("a", "b", "build", "0")
_VERSIONS = ("v1", "2019")


def seeds() -> list[dict[str, str]]:
    """Return the label sets to begin with: those of the vectors and of the policy's cases, good and bad."""
    sets = [vector.labels for version in _VERSIONS for _, vector in read_vectors(version)]
    sets += [case.the_labels for case in read_cases()]
    return [{key: text for key, text in labels.items() if isinstance(text, str)} for labels in sets]


def _texts_by_field(sets: list[dict[str, str]]) -> dict[str, list[str]]:
    """Return the texts that labels of the same field have, good and bad ones."""
    found: dict[str, set[str]] = {}
    for labels in sets:
        for key, text in labels.items():
            found.setdefault(_field(key), set()).add(text)
    return {field: sorted(texts) for field, texts in found.items()}


def _field(key: str) -> str:
    return next((part for part in reversed(key.split(".")) if not part.isdigit()), key)


_SEEDS = seeds()
_TEXTS = _texts_by_field(_SEEDS)
_ALL_TEXTS = sorted({text for texts in _TEXTS.values() for text in texts})
_LABELS = label_parts()[0]
_CRON_WORDS = ("*", "?", "L", "L-1", "R", "H", "W", "jan", "dec", "sun", "mon", "SAT", "mon#1", "l5", "7", "")
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_PLACES = ("arn:aws:ecs:eu-west-1:123456789012:cluster/x", "subnet-0a", "sg-1", "FARGATE", "EC2", "default")
_ZONES = ("UTC", "Europe/Amsterdam", "Asia/Kathmandu", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "Factory", "CET")
_OFFSETS = ("+00:00", "Z", "-23:59", "+05:45", "", "+24:00", "+00:00:01")
_MARKS = (*[("{{ ", " }}")] * 12, ("{{-", "-}}"), ("{% if ", " %}"), ("{#", "#}"), ("{{", ""))
_BORDERS = (100, 101, 1_000_000, 1_000_001, 10**9, 2**63)
_HOSTILE = ("conn", "var", "ti", "task", "self", "cycler", "range", "macros", "__class__", "os", "é", "loop", "dict")


def new_key(random: random.Random) -> str:
    """Return the key of some label of the contract, its numbers and task ids drawn; now and then a part is wrong."""
    label = random.choice(_LABELS)
    parts = list(label.parts)
    for place, part in enumerate(parts):
        if not label.is_fixed and not part.isidentifier():
            after_tasks = place > 0 and parts[place - 1] == "tasks"
            parts[place] = random.choice(_TASK_IDS) if after_tasks else str(random.choice((0, 0, 0, 1, 1, 2, 9)))
    if random.random() < 0.02:
        parts[random.randrange(len(parts))] = random.choice(NASTY_PARTS)
    return ".".join(parts)


def new_text(key: str, random: random.Random) -> str:
    """Return a text for the label ``key``: mostly one of its kind, else any that is known or made up."""
    chance = random.random()
    if chance < 0.5 and (known := _TEXTS.get(_field(key))):
        return random.choice(known)
    if chance < 0.6:
        return random.choice(_ALL_TEXTS)
    if chance < 0.75:
        return random.choice(NASTY_TEXTS)
    return random.choice((new_cron, new_template, new_number, new_span, new_moment, new_place))(random)


def new_cron(random: random.Random) -> str:
    """Return something like a cron expression."""
    if random.random() < 0.1:
        return random.choice((*PRESETS, "@reboot", "@midnight", "@DAILY"))
    fields = [_cron_field(*_CRON_RANGES[place], random) for place in range(5)]
    if random.random() < 0.05:
        fields = fields[: random.randrange(5)] + fields[random.randrange(5) :]
    return random.choice((" ", " ", " ", "  ", "\t")).join(fields)


def _cron_field(least: int, most: int, random: random.Random) -> str:
    parts = []
    for _ in range(random.choice((1, 1, 1, 2, 3, 12))):
        low, high = random.randint(least, most), random.randint(least, most + random.choice((0, 0, 0, 1)))
        parts.append(
            random.choice(
                ("*", "*", f"{low}", f"{low}-{high}", f"*/{high}", f"{low}-{high}/{low}", f"{low}/{high}",
                 f"{low}#{high}", f"{high}L", random.choice(_CRON_WORDS))
            )
        )  # fmt: skip
    return ",".join(parts)


def new_template(random: random.Random) -> str:
    """Return a text with templates in it, most of them on the allow-list."""
    parts = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        inner = _expression(random, _DEEPEST)
        opening, closing = random.choice(_MARKS)
        parts.append(random.choice(("", "s3://b/", "\n", "}}", "é")) + opening + inner + closing)
    return "".join(parts)


def _expression(random: random.Random, depth: int) -> str:
    names = sorted(VARIABLES)
    simple = [
        random.choice(names),
        random.choice(names),
        f"{random.choice(names)}.{random.choice((*sorted(MOMENT_FIELDS), *_HOSTILE))}",
        random.choice(_HOSTILE),
        random.choice(("1", "-1", "1.5", "'x'", "true", "none", "[]", "{}", "()", "'%Y-%m-%d'", "'%999999999d'")),
    ]
    if depth == 0 or random.random() < 0.4:
        return random.choice(simple)
    one, other = _expression(random, depth - 1), _expression(random, depth - 1)
    return random.choice(
        (
            f"{one} | {random.choice(sorted(FILTERS))}",
            f"{one} | default({other}, true)",
            f"{one} | {random.choice(('attr', 'format', 'map', 'tojson', 'indent', 'safe'))}({other})",
            f"macros.{random.choice(sorted(DATE_FUNCTIONS))}({one}, {other})",
            f"macros.ds_format({one}, '%Y', '%d')",
            f"{random.choice(names)}.{random.choice(sorted(MOMENT_METHODS))}({random.choice(('', one))})",
            f"{one} {random.choice(('+', '~', '==', 'if', 'and', 'is', 'in', '**'))} {other}",
            f"{one}[{other}]",
            f"({one}).{random.choice(_HOSTILE)}",
            f"({one}, {other})",
            f"not {one}",
            f"{one} if {other} else {one}",
            f"{one}(*{other}, **{one})",
        )
    )


def new_number(random: random.Random) -> str:
    """Return something like a whole number."""
    return str(random.choice((random.randint(-2, 12), random.choice(_BORDERS))))


def new_span(random: random.Random) -> str:
    """Return something like an ISO 8601 duration."""
    days, hours, seconds = random.choice((0, 1, 366, 367)), random.randint(0, 30), random.choice((0, 1, 59, 86_400))
    return random.choice((f"P{days}D", f"PT{hours}H", f"PT{seconds}S", f"P{days}DT{hours}H{seconds}S", f"P{days}W"))


def new_moment(random: random.Random) -> str:
    """Return something like an ISO 8601 moment."""
    year, month, day = random.choice((1, 1969, 1970, 2019, 2026, 9999)), random.randint(1, 12), random.randint(1, 31)
    fraction, offset = random.choice(("", ".5", ".000001")), random.choice(_OFFSETS)
    return f"{year:04}-{month:02}-{day:02}T{random.randint(0, 24):02}:00:00{fraction}{offset}"


def new_place(random: random.Random) -> str:
    """Return a name out of AWS or of the timezones, perhaps with a reference to a stack in it."""
    token = "${Token[Ref." + random.choice(("Cluster", "]", "é", "x" * 300)) + "]}"
    return random.choice(("", "", token)) + random.choice((*_PLACES, *_ZONES)) + random.choice(("", "", "", token))

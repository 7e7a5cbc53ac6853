"""Labels that are nearly right: valid ones with a few things changed, as authors, tools and attackers change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    Mutation = Callable[[dict[str, str], random.Random], None]

NASTY_TEXTS = (
    "",
    " ",
    "\n",
    "\t",
    "\x00",
    "\x7f",
    "\x85",
    "\ud800",
    "\u2028",
    "\u202e",
    "é",
    "٣",
    "\uff13",
    "²",
    "x" * 3_900,
    "x" * 5_000,
    "0",
    "-1",
    "00",
    "1_000",
    "1e3",
    "1.0",
    "+1",
    "9" * 30,
    "9" * 3_900,
    "-" + "9" * 3_900,
    "0x10",
    "NaN",
    "Infinity",
    "true",
    "True",
    "TRUE",
    "null",
    "None",
    "[]",
    "{}",
    '["a"]',
    '{"a": 1}',
    '"',
    '""',
    '"a"',
    '"\\u0000"',
    '"\\ud800"',
    '"' + "\\u00e9" * 600 + '"',
    '"' * 3_000,
    "[" * 3_900,
    "${Token[TOKEN.1]}",
    "#{Token[1]}",
    "${AWS::StackName}",
    "@daily",
    "@once",
    "@reboot",
    "* * * * *",
    "* * * * * *",
    "*/0 * * * *",
    "R R R R R",
    "H H H H H",
    "0 0 31 2 *",
    "0 0 30 2 1#5",
    "*/1," * 24 + "* * * *",
    "0-59/1,0-59/1,0-59/1 0-23/1 1-31/1 1-12/1 0-6/1",
    "L L L L L",
    "? ? ? ? ?",
    "0 0 * * 9999999999",
    "0 0 1-99999999 * *",
    "* * * * sun#9",
    "٣ * * * *",
    "0 0 29 2 mon#1,tue#2,wed#3",
    "59 23 31 12 *",
    "UTC",
    "utc",
    "localtime",
    "../../etc/passwd",
    "/etc/localtime",
    "Europe/",
    "Europe//Paris",
    "posix/UTC",
    "right/UTC",
    "UTC\x00",
    "E" * 250,
    "/" * 250,
    "a/" * 120,
    "2026-01-31T03:00:00+00:00",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-02-30T00:00:00Z",
    "2026-01-31T24:00:00Z",
    "2026-W05-1",
    "20260131",
    "2026-01-31T03:00:00+99:99",
    "2026-01-31T03:00:00+00:00:01",
    "PT5M",
    "P",
    "PT",
    "P9999D",
    "PT999999H",
    "PT99999999S",
    "P1Y",
    "PT0S",
    "-PT1S",
    "PT1.5S",
    "PT٣M",
    "{{ ds }}",
    "{{",
    "{{ ds",
    "{{{{" * 900,
    "{% raw %}" * 400,
    "{# " * 900,
    "{{ ds" + ".a" * 1_800 + " }}",
    "{{ ds" + "|lower" * 600 + " }}",
    "{{ " + "(" * 1_900 + "1 }}",
    "{{ " + "1+" * 1_900 + "1 }}",
    "{{ " + "-" * 3_000 + "1 }}",
    "{{ " + "not " * 900 + "1 }}",
    "{{ " + "[" * 1_900 + " }}",
    "{{ " + "9" * 3_900 + " }}",
    "{{ 1" + "e9" * 300 + " }}",
    "{{ '" + "\\" * 3_800 + "' }}",
    "{{ " + "ds ~ " * 700 + "ds }}",
    "{{ conn.x }}",
    "{{ macros.uuid.os.popen('id').read() }}",
    "{{ ds.__class__.__mro__ }}",
    "{{ ''.__class__ }}",
    "{{resolve:ssm:x}}",
    "{{ " + "é" * 900 + " }}",
    "airflow.operators.latest_only_operator.LatestOnlyOperator",
    "subprocess.Popen",
    "ecs",
    "latest_only",
    "email",
    "cron_trigger",
    "arn:aws:ecs:eu-west-1:123456789012:cluster/" + "c" * 300,
    "subnet-" + "0" * 50,
    "a@" + "b." * 100 + "c",
    "a@" + "-" * 240,
    "__class__",
)
"""Texts that have broken readers of numbers, flags, moments, crons, zones, templates, JSON and e-mail addresses."""

NASTY_PARTS = (
    "",
    "0",
    "1",
    "00",
    "-1",
    "99999",
    "9" * 400,
    "٣",
    "é",
    " ",
    "\n",
    "a b",
    "[0]",
    "__class__",
    "__init__",
    "model_config",
    "kind",
    "task_id",
    "upstream",
    "dag",
    "ecs",
    "tasks",
    "schedule",
    "cron",
    "every",
    "defaults",
    "alerts",
    "to",
    "on",
    "args",
    "command",
    "retries",
    "name",
    "email",
    "class",
    "depends",
    "schema_version",
    "schedule_interval",
    "self",
    "context",
    "capacity_provider_strategy",
    "x" * 300,
    "\ud800",
)


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
    labels[".".join(("airflow", random.choice(("dag", "ecs", "tasks", "x")), *parts))] = random.choice(NASTY_TEXTS)


def _multiply(labels: dict[str, str], random: random.Random) -> None:
    for number in range(random.choice((3, 30, 1_200))):
        task = f"airflow.tasks.t{number}"
        labels[f"{task}.upstream.0"] = f"t{random.randrange(number + 2)}"
        if random.random() < 0.1:
            labels[f"{task}.args.0"] = random.choice(NASTY_TEXTS)


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
)

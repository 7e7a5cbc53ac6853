"""How large labels may be. ECS has few documented limits here; these are the measured and the safe ones.

* containerd, through which Fargate creates containers, refuses a label whose key and value pass 4,096 bytes together.
* A task definition is at most 65,536 bytes; what counts is not documented, so its compact JSON may reach 60,000.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from airflow_ecs_dag_schema.problems import Problem, label_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LABEL_BYTES = 4_000
"""Largest key and value of one label together, in bytes of UTF-8."""
TASK_DEFINITION_BYTES = 60_000
"""Largest task definition, in bytes of its compact JSON."""
_KEY = re.compile(r"[A-Za-z0-9._-]{1,1000}\Z", re.ASCII)
_NAMED = 5


def label_key_problem(key: str) -> str | None:
    """Return what is wrong with the key of a label; ``None`` if nothing is."""
    return None if _KEY.match(key) else "a label's key is 1 to 1,000 of A-Z a-z 0-9 . _ -: rename the label"


def label_problems(labels: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each label that ECS or Fargate would not take, and one if all are too large together."""
    yield from single_label_problems(labels)
    total = sum(_bytes(key, text) for key, text in labels.items())
    if total > TASK_DEFINITION_BYTES:
        yield too_large(labels, total)


def single_label_problems(labels: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each label that ECS or Fargate would not take, whatever the others are."""
    for key, text in labels.items():
        path = label_path(key)
        size = _bytes(key, text)
        if problem := label_key_problem(key):
            yield Problem(path, problem, key)
        if size > LABEL_BYTES:
            yield Problem(
                path,
                f"key and value are {size} bytes together, at most {LABEL_BYTES} fit: move the value into the "
                "container's image, its environment or S3",
                text,
            )


def _bytes(key: str, text: str) -> int:
    return len(key.encode("utf-8", "surrogatepass")) + len(text.encode("utf-8", "surrogatepass"))


def too_large(labels: Mapping[str, str], size: int, *, most: int = TASK_DEFINITION_BYTES) -> Problem:
    """Return the problem of a task definition of ``size`` bytes, with its largest groups of labels named.

    Args:
        labels: Those of the DAG, flat.
        size: What it has, packed where that is smaller.
        most: What fits.
    """
    groups: dict[str, int] = {}
    for key, text in labels.items():
        group = ".".join(key.split(".")[:3])
        groups[group] = groups.get(group, 0) + len(json.dumps({key: text}, separators=(",", ":")))
    largest = sorted(groups.items(), key=lambda item: (-item[1], item[0]))[:_NAMED]
    named = ", ".join(f"{label_path(group)} {bytes_} bytes" for group, bytes_ in largest)
    return Problem(
        "airflow",
        f"the task definition is {size} bytes, at most {most} fit; the largest labels: {named}. "
        "Shorten them or divide the DAG over two task definitions",
    )


def compact_size(task_definition: object) -> int:
    """Return the bytes of a task definition as compact JSON, which is how its limit is modelled."""
    return len(json.dumps(task_definition, separators=(",", ":"), ensure_ascii=True).encode())

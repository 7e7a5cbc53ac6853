"""What is said of very long texts: short lines, wherever such a text stands and however often."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fuzz.label_grammar import seeds
from fuzz.label_verdicts import LONGEST_LINE, judge, policy_for

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = 8
_MOST_LABELS = 100
"""Label sets of more are about their size and have no field that the others lack."""
_LONG = LONGEST_LINE + 500
"""Characters of a text that no line may quote whole; ECS and the contract take it."""


def _by_key() -> dict[str, dict[str, str]]:
    """Return a label set for each key that the contract's vectors and the policy's cases have."""
    return {key: labels for labels in seeds() if len(labels) < _MOST_LABELS for key in labels}


def _long_texts(text: str) -> Iterator[str]:
    yield (text * _LONG)[:_LONG]
    yield "x" * _LONG
    yield "{{ params." + "x" * _LONG + " }}"
    yield json.dumps([text * (_LONG // 3 // max(1, len(text)))] * 2)
    yield json.dumps({"z" * (_LONG // 3): "z" * (_LONG // 2)})


def _longer(labels: dict[str, str], key: str) -> Iterator[dict[str, str]]:
    for text in _long_texts(labels[key]):
        yield labels | {key: text}
    start, _, number = key.rpartition(".")
    if number.isdigit():
        for text in ("x" * _LONG, (labels[key] * _LONG)[:_LONG]):
            yield labels | {f"{start}.{place}": text for place in range(3)}


@pytest.mark.parametrize("part", range(PARTS))
def test_no_line_quotes_a_long_text_whole(part: int) -> None:
    judged = 0
    for number, (key, labels) in enumerate(sorted(_by_key().items())):
        if number % PARTS == part:
            for longer in _longer(labels, key):
                judge(longer, policy_for(longer))
                judged += 1
    assert judged > 100

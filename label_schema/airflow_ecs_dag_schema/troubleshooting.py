"""Where the documentation tells what a refusal means, and what to do: a page by messages, a paragraph for each kind."""

from __future__ import annotations

import json
import os
import re
import traceback
from functools import cache
from pathlib import Path

VARIABLE = "AIRFLOW_ECS_DAG_TROUBLESHOOTING"
"""The environment variable with the page's address, for a platform that publishes the documentation."""
PAGE = "docs/troubleshooting.md"
"""The page in the project's repository, where that variable is not set."""
_ADDRESS = re.compile(r"https?://[!-~]{1,500}\Z")
_RULE = re.compile(r"\[[a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*\] ")
_PLACES = (
    (re.compile(r"Airflow refuses it \("), "airflow-cant-make-the-dag-of-good-labels"),
    (_RULE, "the-platforms-policy"),
    (re.compile(r""), "in-a-label-or-at-synth-one-value"),
)


_PARAGRAPHS = Path(__file__).with_name("troubleshooting.json")
"""The paragraph of each module that makes messages, as the page's lists have it."""


def where_told(reason: str) -> str:
    """Return the line that leads from a refusal's text to the paragraphs about it."""
    return told_at(next(place for sign, place in _PLACES if sign.search(reason)))


def where_raised(error: BaseException) -> str | None:
    """Return the line that leads from an error to the paragraph of the module that raised it; ``None`` for others'."""
    modules = [frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)]
    place = next((found for module in reversed(modules) if (found := _paragraphs().get(module))), None)
    return None if place is None else told_at(place)


def told_at(place: str) -> str:
    """Return the line that leads to a paragraph."""
    given = os.environ.get(VARIABLE, "")
    return f"what it means, and what to do: {given if _ADDRESS.match(given) else PAGE}#{place}"


@cache
def _paragraphs() -> dict[object, str]:
    paragraphs: dict[str, list[str]] = json.loads(_PARAGRAPHS.read_text())
    return {module: place for place, modules in paragraphs.items() for module in modules}

"""Where the documentation tells what a refusal means, and what to do: a page by messages, a paragraph for each kind."""

from __future__ import annotations

import os
import re

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


def where_told(reason: str) -> str:
    """Return the line that leads from a refusal's text to the paragraphs about it."""
    given = os.environ.get(VARIABLE, "")
    page = given if _ADDRESS.match(given) else PAGE
    place = next(place for sign, place in _PLACES if sign.search(reason))
    return f"what it means, and what to do: {page}#{place}"

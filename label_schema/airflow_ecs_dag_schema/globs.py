"""Globs against texts of which a part may be known only after the deployment.

At synth the name of a cluster is often a reference. Such a part stands in a text as a token, and means *any text*: a
glob matches a text if one of the texts that it may become does.
"""

from __future__ import annotations

import re

from airflow_ecs_dag_schema.values import TOKEN_START

_TOKEN = re.compile(re.escape(TOKEN_START) + r"[^\]]*\]\}")

_NAMELESS = f"{TOKEN_START}]}}"


def may_match(glob: str, text: str, *, ignore_case: bool = False) -> bool:
    """Tell whether ``text`` is, or may become, one of the texts of ``glob``, in which ``*`` is any text.

    For a text that is known the time is that of its length; otherwise that of the two lengths multiplied.
    """
    if ignore_case:
        glob, text = glob.lower(), _TOKEN.sub(_NAMELESS, text).lower().replace(_NAMELESS.lower(), _NAMELESS)
    if TOKEN_START not in text:
        return _matches(glob, text)
    want: list[str | None] = [None if character == "*" else character for character in glob]
    got = _symbols(text)
    row = [True]  # row[n]: what of the glob was seen so far matches the first n symbols of the text
    for symbol in got:
        row.append(row[-1] and symbol is None)
    for wanted in want:
        new = [row[0] and wanted is None]
        for index, symbol in enumerate(got, start=1):
            if wanted is None or symbol is None:
                new.append(row[index] or new[index - 1])
            else:
                new.append(row[index - 1] and wanted == symbol)
        row = new
    return row[-1]


def _matches(glob: str, text: str) -> bool:
    """Tell whether a text without unknown parts is one of the glob's: each part as far left as it can be."""
    first, *rest = glob.split("*")
    if not rest:
        return text == glob
    *middle, last = rest
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def known_part(text: str) -> str:
    """Return ``text`` without what is not known yet."""
    return _TOKEN.sub("", text)


def _symbols(text: str) -> list[str | None]:
    """Return the characters of ``text``, and ``None`` for each part that may become any text."""
    symbols: list[str | None] = []
    end = 0
    for token in _TOKEN.finditer(text):
        symbols += [*text[end : token.start()], None]
        end = token.end()
    return [*symbols, *text[end:]]

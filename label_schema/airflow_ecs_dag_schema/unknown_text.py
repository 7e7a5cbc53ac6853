"""Texts of which a part is known only after the deployment, and what may become of them.

At synth the name of a cluster is often a reference. Such a part stands in a text as a token, and means *any text*: a
glob matches a text if one of the texts that it may become does.
"""

from __future__ import annotations

import re

from airflow_ecs_dag_schema.values import TOKEN_START

_TOKEN = re.compile(re.escape(TOKEN_START) + r"[^\]]*\]\}")


def unknown(number: int) -> str:
    """Return the text that stands for a value not known yet; each has a number of its own."""
    return f"{TOKEN_START}Unknown.{number}]}}"


def is_unknown(text: str) -> bool:
    """Tell whether a part of ``text`` is not known yet."""
    return TOKEN_START in text


def readable(text: str) -> str:
    """Return ``text`` with its unknown parts as a person reads them."""
    return _TOKEN.sub("<known after the deployment>", text)


def may_match(glob: str, text: str, *, ignore_case: bool = False) -> bool:
    """Tell whether ``text`` is, or may become, one of the texts of ``glob``, in which ``*`` is any text."""
    wanted: list[str | None] = [None if character == "*" else character for character in glob]
    got = _symbols(text)
    if ignore_case:
        wanted = [symbol and symbol.lower() for symbol in wanted]
        got = [symbol and symbol.lower() for symbol in got]
    row = [True]
    for symbol in got:
        row.append(row[-1] and symbol is None)
    for want in wanted:
        new = [row[0] and want is None]
        for index, symbol in enumerate(got, start=1):
            if want is None or symbol is None:
                new.append(row[index] or new[index - 1])
            else:
                new.append(row[index - 1] and want == symbol)
        row = new
    return row[-1]


def _symbols(text: str) -> list[str | None]:
    """Return the characters of ``text``, and ``None`` for each part that may become any text."""
    symbols: list[str | None] = []
    end = 0
    for token in _TOKEN.finditer(text):
        symbols += [*text[end : token.start()], None]
        end = token.end()
    return [*symbols, *text[end:]]

"""Regular expressions for the values of labels, in the part of the language that Python and ECMAScript share."""

from __future__ import annotations

import re

_CLASSES = {r"\d": "[0-9]"}


def whole(expression: str) -> str:
    r"""Return ``expression`` for a whole text, a line break at its end included.

    Args:
        expression: As Python has it; it may end in ``\Z``.
    """
    body = expression.removesuffix(r"\Z")
    for name, characters in _CLASSES.items():
        body = body.replace(name, characters)
    return rf"^(?:{body})$(?!\n)"


def number_pattern(least: int, most: int) -> str:
    """Return an expression for the whole numbers from ``least`` to ``most``, both 0 or more, without leading zeros."""
    parts = []
    for digits in range(len(str(least)), len(str(most)) + 1):
        low = max(least, 0 if digits == 1 else 10 ** (digits - 1))
        parts += _same_length(str(low), str(min(most, 10**digits - 1)))
    return f"(?:{'|'.join(parts)})"


def integer_pattern(least: int, most: int) -> str:
    """Return an expression for the whole numbers from ``least`` to ``most``, as the labels write them.

    Raises:
        ValueError: A range that lies below zero whole; no field has one.
    """
    if most < 0:
        raise ValueError(f"expected a range that reaches zero, got {least} to {most}")
    if least > 0:
        return number_pattern(least, most)
    parts = ["-?0", number_pattern(1, most)]
    if least < 0:
        parts.append(f"-{number_pattern(1, -least)}")
    return "|".join(parts)


def _same_length(low: str, high: str) -> list[str]:
    """Return expressions for the numbers from ``low`` to ``high``, which have as many digits."""
    if not low:
        return [""]
    if low[0] == high[0]:
        return [low[0] + rest for rest in _same_length(low[1:], high[1:])]
    rest = len(low) - 1
    first, last = int(low[0]), int(high[0])
    parts = []
    if low[1:] != "0" * rest:
        parts += [low[0] + tail for tail in _same_length(low[1:], "9" * rest)]
        first += 1
    tops = []
    if high[1:] != "9" * rest:
        tops = [high[0] + tail for tail in _same_length("0" * rest, high[1:])]
        last -= 1
    if first <= last:
        digit = str(first) if first == last else f"[{first}-{last}]"
        parts.append(digit + ("" if not rest else "[0-9]" if rest == 1 else f"[0-9]{{{rest}}}"))
    return parts + tops


def any_case(expression: str, word: str) -> str:
    """Return ``expression`` with ``word`` in it in capitals or not."""
    return expression.replace(word, "".join(f"[{letter}{letter.upper()}]" for letter in word))


def key_part(expression: str, longest: int) -> str:
    """Return an expression for one part of a key, which is at most ``longest`` characters."""
    return rf"(?=[^.]{{1,{longest}}}(?:\.|$))(?:{expression})"


def one_of(texts: list[str]) -> str:
    """Return an expression for any of ``texts``."""
    return "|".join(re.escape(text) for text in texts)


def cron_pattern(characters: str, words: list[str], presets: list[str]) -> str:
    """Return an expression for a cron expression of five fields, or one of ``presets``.

    Args:
        characters: What a cron expression is made of, and how many of it.
        words: The words that may stand in it, in capitals or not.
        presets: Names that stand for one.
    """
    fields = r" *(?:[^ ]+ +){4}[^ ]+ *"
    made_of = characters.removesuffix(r"\Z")
    spoken = "|".join(any_case(word, word) for word in words)
    return whole(f"{one_of(presets)}|(?={made_of}$)(?=(?:{spoken}|[^A-Za-z])*$){fields}")


def uri_pattern(scheme: str, *, reserved: str) -> str:
    """Return an expression for the URIs that name a place and no user.

    Args:
        scheme: The expression of a scheme in small letters; capitals mean the same.
        reserved: The scheme that none may have.
    """
    schemes = scheme.removesuffix(r"\Z").replace("a-z", "A-Za-z")
    return rf"^(?!{any_case(reserved, reserved)}:){schemes}://[^/?#@]+(?:[/?#]|$)"

"""Texts that look like a secret. A label must hold none: whoever may describe the task definition reads its labels.

A text is refused for its shape (:mod:`token_shapes`) or for the name or place that it is given in
(:mod:`named_secrets`). Of what is refused an error shows the letters that all secrets of its kind begin with, and how
long it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from airflow_ecs_dag_schema.named_secrets import find_in_words, find_named
from airflow_ecs_dag_schema.token_shapes import find_token

if TYPE_CHECKING:
    from airflow_ecs_dag_schema.named_secrets import NamedSecret
    from airflow_ecs_dag_schema.token_shapes import Token

Words = TypeVar("Words", bound=Sequence[str])

_SHORTEST = 6
"""Characters that even ``pwd=ab`` has; a shorter text can't hold a secret."""
_REMEDY = (
    "whoever may describe the task definition reads its labels: replace it, keep the new one in Secrets Manager or SSM "
    "and give it to the container as ecs.Secret in its secrets; what Airflow itself needs belongs in an Airflow "
    "connection; a reference to it, such as its ARN, may stand here"
)


class SecretTextError(ValueError):
    """A text that looks like a secret, which its message does not hold.

    Attributes:
        shown: What an error shows in place of the text.
    """

    def __init__(self, found: Token | NamedSecret) -> None:
        super().__init__(_message(found))
        self.shown = _mask(found)


def refuse_secret(text: str) -> str:
    """Return ``text`` unchanged if nothing in it looks like a secret. The time is linear in the text.

    Raises:
        SecretTextError: Something does.
    """
    if (found := _find(text)) is not None:
        raise SecretTextError(found)
    return text


def refuse_secret_words(words: Words) -> Words:
    """Return the words of a command unchanged if none is a secret by the word before it: ``--password``, ``hunter2``.

    What a word is by itself is for :func:`refuse_secret`.

    Raises:
        SecretTextError: One is.
    """
    if (named := find_in_words(words)) is not None:
        raise SecretTextError(named)
    return words


def secret_problem(text: str, *, name: str = "") -> str | None:
    """Return what is wrong if ``text`` looks like a secret or has one in it, and how to do it right.

    Args:
        text: The text.
        name: What the text is given under, such as a variable's name: any text under ``DB_PASSWORD`` is a secret.
    """
    found = _find(text, name)
    return None if found is None else _message(found)


def secret_words_problem(words: Sequence[str]) -> str | None:
    """Return what is wrong if one of the words of a command is a secret, by itself or by the word before it."""
    by_itself = next((problem for problem in map(secret_problem, words) if problem is not None), None)
    if by_itself is not None:
        return by_itself
    named = find_in_words(words)
    return None if named is None else _message(named)


def masked(text: str, *, name: str = "") -> str:
    """Return ``text``, or what an error shows in its place if it looks like a secret."""
    found = _find(text, name)
    return text if found is None else _mask(found)


def _find(text: str, name: str = "") -> Token | NamedSecret | None:
    found: Token | NamedSecret | None = None
    if len(text) >= _SHORTEST:
        found = find_token(text) or find_named(text)
    if found is None and name and text:
        found = find_in_words([f"--{name}", text.lstrip("-")])
    return found


def _mask(found: Token | NamedSecret) -> str:
    public = getattr(found, "public", "")
    return f"{public}... ({found.length} characters, not shown)"


def _message(found: Token | NamedSecret) -> str:
    what = getattr(found, "what", "") or getattr(found, "place", "")
    return f"this looks like a secret ({what}), and {_REMEDY}"

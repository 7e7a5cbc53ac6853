"""A checklist: what was looked at, what came of it, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Status(StrEnum):
    """What came of a check."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Check:
    """One line of the checklist.

    Attributes:
        name: What was looked at, in one word.
        status: What came of it.
        text: One sentence: what was found, or what is wrong and what to do.
        details: More of the same, a line each.
    """

    name: str
    status: Status
    text: str
    details: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the check as plain JSON values."""
        return {"check": self.name, "status": str(self.status), "text": self.text, "details": list(self.details)}


def ok(name: str, text: str, details: Iterable[str] = ()) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, Status.OK, text, tuple(details))


def problem(name: str, text: str, details: Iterable[str] = ()) -> Check:
    """Return a check that found why a DAG is not there."""
    return Check(name, Status.PROBLEM, text, tuple(details))


def not_known(name: str, text: str, details: Iterable[str] = ()) -> Check:
    """Return a check that could not be made."""
    return Check(name, Status.NOT_KNOWN, text, tuple(details))

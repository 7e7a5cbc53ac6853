"""What scans of one place that were not finished got to know: the next one goes on from here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_ecs_dag_loader.definition import Definition, TaskDefinitionArn

_WORTH = 2.0
"""A list is used again for so many times as long as it took to make: then at least a third of all calls describe."""


@dataclass
class Listing:
    """The pages of a list of revisions, as far as they were read.

    Attributes:
        newest: The highest revision of each family, by family key.
        began_at: When its first page was asked for, by the clock of the scan.
        ended_at: When its last page was there; ``None`` before.
        token: Of the next page; empty before the first one and after the last.
        tokens: Those of all pages so far: one that comes again leads nowhere.
    """

    newest: dict[str, TaskDefinitionArn] = field(default_factory=dict)
    began_at: float = 0.0
    ended_at: float | None = None
    token: str = ""
    tokens: set[str] = field(default_factory=set)

    def add(self, arns: Iterable[TaskDefinitionArn]) -> None:
        """Add a page."""
        for arn in arns:
            self.newest[arn.family_key] = max(arn, self.newest.get(arn.family_key, arn))

    def is_worth_using(self, now: float) -> bool:
        """Tell whether to go on with it rather than to list anew."""
        return self.ended_at is None or now - self.ended_at < _WORTH * (self.ended_at - self.began_at)


@dataclass
class ScanProgress:
    """What is known so far.

    Attributes:
        described: What each describe told, by ARN, as in :class:`Registry`.
        listing: The list, if one was begun.
    """

    described: dict[str, Definition | None] = field(default_factory=dict)
    listing: Listing | None = None

    def clear(self) -> None:
        """Forget it all: a scan was finished."""
        self.described.clear()
        self.listing = None

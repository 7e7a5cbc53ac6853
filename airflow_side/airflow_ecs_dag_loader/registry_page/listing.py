"""The part of the registry that a request asks for: filters, counts and one page of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from airflow_ecs_dag_loader.registry_page.report import State
from airflow_ecs_dag_loader.registry_page.shown_registry import source_key

if TYPE_CHECKING:
    from airflow_ecs_dag_loader.registry_page.shown_registry import ShownDefinition, ShownRegistry

WITH_LABELS = "with labels"
"""The choice of all states but that of definitions without labels."""
ALL = "all"
CHOICES = (WITH_LABELS, *State, ALL)
PAGE_SIZE = 50
LONGEST_TEXT = 200


@dataclass(frozen=True)
class Query:
    """What is asked for.

    Attributes:
        text: What a DAG, family, account, region, owner, stack or reason holds; case does not matter.
        state: One of :data:`CHOICES`.
        source: Key of a source; empty for all.
        page: From 1.
    """

    text: str = ""
    state: str = WITH_LABELS
    source: str = ""
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Whether it asks for less than there is with labels."""
        return bool(self.text or self.source) or self.state != WITH_LABELS

    def address(self, **changes: object) -> str:
        """Return the query string of this query with changes; a change of the filter leads to the first page."""
        values = {"q": self.text, "state": self.state, "source": self.source, "page": 1, **changes}
        default = {"q": "", "state": WITH_LABELS, "source": "", "page": 1}
        return "?" + urlencode({name: value for name, value in values.items() if value != default[name]})

    def allows(self, shown: ShownDefinition) -> bool:
        """Tell whether a definition passes text and source, of whatever state it is."""
        if self.source and self.source != source_key(shown.bundle, shown.family.place):
            return False
        return not self.text or self.text.casefold() in _searched(shown)

    def has_state(self, state: State) -> bool:
        """Tell whether a state is asked for."""
        return self.state in (ALL, state) or (self.state == WITH_LABELS and state is not State.UNLABELLED)


@dataclass(frozen=True)
class Listing:
    """The definitions that a query asks for.

    Attributes:
        query: The query; its page is one that there is.
        counts: How many pass its text and source, by state.
        total: How many pass it whole.
        definitions: Those of its page.
    """

    query: Query
    counts: Counter[State]
    total: int
    definitions: tuple[ShownDefinition, ...]

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def first(self) -> int:
        """Number of the first definition of the page; 0 if there is none."""
        return (self.query.page - 1) * PAGE_SIZE + 1 if self.total else 0

    @property
    def last(self) -> int:
        """Number of the last definition of the page."""
        return min(self.total, self.query.page * PAGE_SIZE)

    @classmethod
    def of(cls, registry: ShownRegistry, query: Query) -> Self:
        """Apply a query; a page beyond the last one is the last one."""
        found = [each for each in registry.definitions if query.allows(each)]
        wanted = [each for each in found if query.has_state(each.state)]
        pages = max(1, -(-len(wanted) // PAGE_SIZE))
        page = min(max(1, query.page), pages)
        return cls(
            query=Query(query.text, query.state, query.source, page),
            counts=Counter(each.state for each in found),
            total=len(wanted),
            definitions=tuple(wanted[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]),
        )


def _searched(shown: ShownDefinition) -> str:
    family = shown.family
    said = (
        family.dag_id,
        shown.arn.name,
        shown.arn.account,
        shown.arn.region,
        shown.source,
        family.owner,
        family.stack,
    )
    return "\n".join((*said, *shown.reasons, *family.warnings)).casefold()

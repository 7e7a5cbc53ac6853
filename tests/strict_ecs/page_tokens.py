"""Page tokens: they say nothing to who gets them, and are good for one call with the same question."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strict_ecs.wire import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_PAGE = 100


@dataclass
class PageTokens:
    """The tokens that one account and region gave out."""

    _open: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def page(
        self, question: str, parameters: Mapping[str, Any], found: Mapping[Any, str], *, key: str
    ) -> dict[str, Any]:
        """Return the part of what was found that a call asks for.

        A page begins after the last one of the page before, whatever came or went meanwhile.

        Args:
            question: What was asked, without the page.
            parameters: Of the call, with ``maxResults``, ``nextToken`` and ``sort``.
            found: All that answers the question, by what it is sorted by.
            key: What the answer calls the list.

        Raises:
            AwsError: The token is none, was used or belongs to another question; or the page is too long.
        """
        size = parameters.get("maxResults", LONGEST_PAGE)
        if not isinstance(size, int) or not 1 <= size <= LONGEST_PAGE:
            raise AwsError("InvalidParameterException", f"maxResults must be between 1 and {LONGEST_PAGE}")
        descending = parameters.get("sort", "ASC") == "DESC"
        places = sorted(found, reverse=descending)
        if token := parameters.get("nextToken"):
            asked, last = self._open.pop(str(token), ("", None))
            if asked != question:
                raise AwsError("InvalidParameterException", "Invalid token")
            places = [place for place in places if (place < last if descending else place > last)]
        answer: dict[str, Any] = {key: [found[place] for place in places[:size]]}
        if len(places) > size:
            answer["nextToken"] = secrets.token_urlsafe(24)
            self._open[answer["nextToken"]] = (question, places[size - 1])
        return answer

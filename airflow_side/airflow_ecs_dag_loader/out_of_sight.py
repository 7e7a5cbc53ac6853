"""The families that a refresh could not look for: what is there of them stays, and that of all others may leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ecs_dag_loader.place_scans import PlaceScan
    from airflow_ecs_dag_loader.places import Place


class OutOfSight:
    """Families that may be in a place that was never looked through whole; ``family_key in`` it tells.

    Where the account of such a place isn't known, a family may be in it unless another place, which was looked through,
    would have it.

    Args:
        scans: One a place.
        accounts: The account of each place, by its key, as a refresh before found it.
    """

    def __init__(self, scans: Sequence[PlaceScan], accounts: Mapping[str, str]) -> None:
        self._unseen: list[tuple[Place, str]] = []
        self._seen: list[tuple[Place, str]] = []
        for scan in scans:
            known = scan.state.account if scan.state else ""
            account = known or scan.place.access.account or accounts.get(scan.place.key, "")
            (self._seen if scan.is_whole else self._unseen).append((scan.place, account))

    def __contains__(self, family_key: object) -> bool:
        if not isinstance(family_key, str):
            return False
        of = family_key.split("/")[0]
        unseen = {account for place, account in self._unseen if place.may_have(family_key)}
        return of in unseen or (
            "" in unseen and not any(account == of and place.may_have(family_key) for place, account in self._seen)
        )

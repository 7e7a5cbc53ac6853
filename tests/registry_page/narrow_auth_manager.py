"""An auth manager with users who may not see all, as Airflow's own simple one has none: the name says what one may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser


class NarrowAuthManager(SimpleAuthManager):
    """``reads-orders-and-errors`` may read DAGs whose id begins with ``orders``, and import errors; ``admin`` all."""

    def is_authorized_dag(self, *, user: SimpleAuthManagerUser, details: Any = None, **_: Any) -> bool:
        if user.username == "admin":
            return True
        asked = getattr(details, "id", None)
        prefixes = tuple(word for word in user.username.split("-") if word in {"orders", "stock"})
        team = getattr(details, "team_name", None)
        return bool(prefixes) and (asked is None or asked.startswith(prefixes)) and team is None

    def is_authorized_view(self, *, access_view: AccessView, user: SimpleAuthManagerUser) -> bool:
        if user.username == "admin":
            return True
        return access_view is not AccessView.IMPORT_ERRORS or "errors" in user.username.split("-")

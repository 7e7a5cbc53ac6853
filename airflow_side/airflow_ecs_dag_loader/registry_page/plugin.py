"""What Airflow loads of the page: its entry in the menu, and its web application in the API server.

Every process of Airflow that loads plugins imports this module; only the API server asks for the application.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.sdk.plugins_manager import AirflowPlugin

ROUTE = "ecs-registry"


class EcsRegistryPlugin(AirflowPlugin):
    """The page "ECS registry"."""

    name = "airflow_ecs_dag"
    external_views = [  # noqa: RUF012 - as Airflow has it
        {
            "name": "ECS registry",
            "href": f"{ROUTE}/",  # Airflow's page resolves it against its own base address
            "url_route": ROUTE,
            "destination": "nav",
            "category": "browse",
            "icon": f"{ROUTE}/static/icon.svg",
            "icon_dark_mode": f"{ROUTE}/static/icon-dark.svg",
        }
    ]

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override] # made when the API server asks for it
        """The application, made once."""
        from airflow_ecs_dag_loader.registry_page.page_app import make_app  # noqa: PLC0415 - for the API server alone

        return [{"app": make_app(), "url_prefix": f"/{ROUTE}", "name": "ECS registry"}]

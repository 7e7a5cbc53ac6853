"""The bundles of ECS DAGs that this Airflow's configuration has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.configuration import conf

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLASS = "EcsDagBundle"


def configured_bundles() -> dict[str, Mapping[str, Any]]:
    """Return the arguments of each bundle of ECS DAGs in ``[dag_processor] dag_bundle_config_list``, by its name.

    Raises:
        AirflowConfigException: The setting is no JSON.
    """
    configured: Any = conf.getjson("dag_processor", "dag_bundle_config_list", fallback=[])
    return {
        str(each.get("name")): each.get("kwargs") or {}
        for each in (configured if isinstance(configured, list) else ())
        if isinstance(each, dict) and str(each.get("classpath")).endswith(f".{_CLASS}")
    }

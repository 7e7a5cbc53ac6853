"""Whether two bundles of an Airflow may claim the same dag ids: then one project could take over another one's DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.configuration import conf

from airflow_ecs_dag_schema import PolicyError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLASS = "EcsDagBundle"


def check_prefix(name: str, prefix: str | None) -> None:
    """Check that no other bundle of ECS DAGs may have dag ids that begin as those of this one do.

    Args:
        name: This bundle's name.
        prefix: What its dag ids begin with.

    Raises:
        PolicyError: One may.
    """
    for other, others in _other_prefixes(name):
        if not prefix or not others or prefix.startswith(others) or others.startswith(prefix):
            raise PolicyError(
                [
                    Problem(
                        "dag_id_prefix",
                        f"the bundle {other} may claim the same dag ids, its dag_id_prefix is {others or 'not given'}: "
                        "give each bundle of ECS DAGs one, none of which begins with another",
                        prefix,
                    )
                ],
                subject=f"the bundle {name}",
            )


def _other_prefixes(name: str) -> Iterator[tuple[str, str | None]]:
    configured: Any = conf.getjson("dag_processor", "dag_bundle_config_list", fallback=[])
    for each in configured if isinstance(configured, list) else ():
        if isinstance(each, dict) and each.get("name") != name and str(each.get("classpath")).endswith(f".{_CLASS}"):
            yield str(each.get("name")), (each.get("kwargs") or {}).get("dag_id_prefix")

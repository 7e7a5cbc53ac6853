"""Whether two bundles of an Airflow may claim the same dag ids: then one project could take over another one's DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.configured_bundles import configured_bundles
from airflow_ecs_dag_loader.source_config import SourceError, prefixes_overlap, read_source_configs, source_configs
from airflow_ecs_dag_schema import PolicyError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def check_prefixes(name: str, prefixes: Iterable[str | None]) -> None:
    """Check that no other bundle of ECS DAGs may have dag ids that begin as those of this one do.

    Args:
        name: This bundle's name.
        prefixes: What the dag ids of its sources begin with; ``None`` for a source that has any.

    Raises:
        PolicyError: One may.
    """
    own = set(prefixes)
    for other, theirs in _other_prefixes(name):
        for prefix in sorted(own, key=lambda each: each or ""):
            if prefixes_overlap(prefix, theirs):
                raise PolicyError(
                    [
                        Problem(
                            "dag_id_prefix",
                            f"the bundle {other} may claim the same dag ids, its dag_id_prefix is "
                            f"{theirs or 'not given'}: give each bundle of ECS DAGs one, and each source of a bundle, "
                            "none of which begins with one of another bundle",
                            prefix,
                        )
                    ],
                    subject=f"the bundle {name}",
                )


def _other_prefixes(name: str) -> Iterator[tuple[str, str | None]]:
    for other, arguments in configured_bundles().items():
        if other != name:
            for prefix in _prefixes(arguments):
                yield other, prefix


def _prefixes(kwargs: Mapping[str, Any]) -> set[str | None]:
    """Return the prefixes of a bundle; none for one whose sources are none: it refuses itself until they are mended."""
    if not {"sources", "sources_file"} & kwargs.keys():
        return {kwargs.get("dag_id_prefix")}
    try:
        if "sources_file" in kwargs:
            configs = read_source_configs(kwargs["sources_file"])
        else:
            configs = source_configs(kwargs["sources"])
    except SourceError:
        return set()
    return {config.dag_id_prefix for config in configs}

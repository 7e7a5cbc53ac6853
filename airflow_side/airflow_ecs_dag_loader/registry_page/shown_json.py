"""What the page shows, as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_loader.registry_page.listing import PAGE_SIZE
from airflow_ecs_dag_loader.registry_page.report import State
from airflow_ecs_dag_loader.registry_page.shown_links import ShownLinks

if TYPE_CHECKING:
    from airflow_ecs_dag_loader.registry_page.listing import Listing
    from airflow_ecs_dag_loader.registry_page.shown_registry import ShownDefinition, ShownRegistry, ShownSource


def registry_json(registry: ShownRegistry, listing: Listing) -> dict[str, Any]:
    """Return the sources, and the definitions of one page."""
    return {
        "at": _moment(registry.now),
        "warnings": list(registry.warnings),
        "sources": [_source(each, registry.now) for each in registry.sources],
        "counts": {str(state): listing.counts[state] for state in State},
        "total": listing.total,
        "page": listing.query.page,
        "pages": listing.pages,
        "page_size": PAGE_SIZE,
        "definitions": [_definition(each) for each in listing.definitions],
    }


def _source(shown: ShownSource, now: float) -> dict[str, Any]:
    return {
        "key": shown.key,
        "bundle": shown.bundle,
        "source": shown.place.source,
        "account": shown.place.account or None,
        "region": shown.place.region,
        "is_complete": shown.place.is_complete,
        "read_at": None if shown.age is None else _moment(now - shown.age),
        "age_seconds": None if shown.age is None else round(shown.age, 1),
        "error": shown.error or None,
        "counts": {str(state): shown.counts[state] for state in State},
    }


def _definition(shown: ShownDefinition) -> dict[str, Any]:
    links = ShownLinks.of(shown)
    return {
        "dag_id": shown.family.dag_id or None,
        "state": str(shown.state),
        "family": shown.arn.family,
        "revision": shown.arn.revision,
        "account": shown.arn.account,
        "region": shown.arn.region,
        "bundle": shown.bundle,
        "source": shown.source,
        "arn": shown.arn.text,
        "owner": shown.family.owner or None,
        "registered_at": shown.family.registered_at or None,
        "is_paused": shown.is_paused,
        "reasons": list(shown.reasons),
        "warnings": list(shown.family.warnings),
        "links": {
            "dag": links.dag,
            "task_definition": links.task_definition,
            "stack": links.stack,
            "repository": links.repository,
        },
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")

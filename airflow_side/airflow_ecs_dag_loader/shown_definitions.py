"""What Airflow shows now, for a DAG processor that has lost its disk while AWS does not answer.

Airflow's database has the text of each DAG's file, for its Code tab, and that text is the whole definition.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import structlog

from airflow_ecs_dag_loader.dag_file import record_in
from airflow_ecs_dag_loader.dag_owners import may_ask_database
from airflow_ecs_dag_loader.place_state import PlaceState
from airflow_ecs_dag_loader.places import Place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow_ecs_dag_loader.definition import Definition

log = structlog.get_logger(__name__)

_AT_ONCE = 200
"""Texts that are fetched at once: one has up to 200,000 characters."""


def shown_states(bundle: str, places: Collection[Place]) -> dict[str, PlaceState]:
    """Return what Airflow shows of each place, by the place's key; nothing of a place of which it shows nothing.

    Empty where this process can't ask Airflow's database. What a text says is judged like what AWS says.

    Args:
        bundle: The bundle's name.
        places: Those that are asked for.
    """
    if not places or not may_ask_database():
        return {}
    by_key = {place.key: place for place in places}
    found: defaultdict[str, dict[str, Definition]] = defaultdict(dict)
    try:
        for dag_id, text in _texts(bundle):
            try:
                definition, source = record_in(text)
            except ValueError as error:
                log.warning("Airflow's database has another text of a DAG", bundle=bundle, dag=dag_id, error=str(error))
                continue
            key = Place(source).key
            if key in by_key and by_key[key].may_have(definition.parsed_arn.family_key):
                found[key][definition.arn] = definition
    except Exception as error:  # noqa: BLE001 - whatever it was, no refresh may fail by it
        log.warning("Airflow's database does not say which DAGs it shows", bundle=bundle, error=str(error))
        return {}
    return {
        key: PlaceState(definitions=definitions, identity=by_key[key].identity, account=_account(definitions.values()))
        for key, definitions in found.items()
    }


def _texts(bundle: str) -> Iterator[tuple[str, str]]:
    """Yield the id and the newest text of each DAG of a bundle that Airflow shows."""
    # A process that may ask has imported these long since; they would cost any other one a second.
    from airflow.models.dag import DagModel  # noqa: PLC0415
    from airflow.models.dag_version import DagVersion  # noqa: PLC0415
    from airflow.models.dagcode import DagCode  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import false, func, select  # noqa: PLC0415

    shown = select(DagModel.dag_id).where(DagModel.bundle_name == bundle, DagModel.is_stale == false())
    newest = (
        select(DagVersion.dag_id, func.max(DagVersion.version_number).label("number"))
        .where(DagVersion.dag_id.in_(shown))
        .group_by(DagVersion.dag_id)
        .subquery()
    )
    texts = (
        select(DagVersion.dag_id, DagCode.source_code)
        .join(newest, (newest.c.dag_id == DagVersion.dag_id) & (newest.c.number == DagVersion.version_number))
        .join(DagCode, DagCode.dag_version_id == DagVersion.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    with create_session() as session:
        for row in session.execute(texts):
            yield row.dag_id, row.source_code


def _account(definitions: Collection[Definition]) -> str:
    accounts = {definition.parsed_arn.account for definition in definitions}
    return accounts.pop() if len(accounts) == 1 else ""

"""Which family has each DAG, as Airflow knows: for a DAG processor whose disk is new, or that is one of several.

Processors that share no disk see the claims to a dag id at different moments. What they do share is Airflow's database,
which has the file that each DAG was read from last.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from airflow_ecs_dag_loader.file_names import family_of_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = structlog.get_logger(__name__)

_CONTEXT, _WITH_DATABASE = "_AIRFLOW_PROCESS_CONTEXT", "server"
"""How Airflow marks a process that may ask its database; no worker and no parsing process may."""


def may_ask_database() -> bool:
    """Tell whether this process may ask Airflow's database, as a DAG processor may."""
    return os.environ.get(_CONTEXT) == _WITH_DATABASE


@contextmanager
def asking_database() -> Iterator[None]:
    """Let this process ask Airflow's database, as those of Airflow's own commands do that read connections."""
    before = os.environ.get(_CONTEXT)
    os.environ[_CONTEXT] = _WITH_DATABASE
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CONTEXT]
        else:
            os.environ[_CONTEXT] = before


def known_owners(bundle: str, on_disk: Mapping[str, str], *, with_last: bool) -> dict[str, str]:
    """Return who has each dag id: in Airflow now, else on this disk, else who had it in Airflow last.

    Args:
        bundle: The bundle's name.
        on_disk: What the last refresh left on this disk.
        with_last: Whether those count whose DAGs are not in Airflow any more.
    """
    last = owners_in_airflow(bundle, with_stale=True) if with_last else {}
    return {**last, **on_disk, **owners_in_airflow(bundle, with_stale=False)}


def owners_in_airflow(bundle: str, *, with_stale: bool) -> dict[str, str]:
    """Return the family key of each DAG of a bundle, by its id; empty where this process can't ask Airflow's database.

    Args:
        bundle: The bundle's name.
        with_stale: Whether DAGs that Airflow does not run now are among them: the family of one may be there, and be
            broken, or have another DAG by now.
    """
    if not may_ask_database():
        return {}
    # Such a process has imported these long since; they would cost any other one a second.
    from airflow.models.dag import DagModel  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import false, select  # noqa: PLC0415

    files = select(DagModel.dag_id, DagModel.relative_fileloc).where(DagModel.bundle_name == bundle)
    try:
        with create_session() as session:
            rows = session.execute(files if with_stale else files.where(DagModel.is_stale == false())).all()
    except Exception as error:  # noqa: BLE001 - whatever it was, what is on disk says most of it
        log.warning("Airflow's database does not say whose DAGs these are", bundle=bundle, error=str(error))
        return {}
    found = {dag_id: family_of_file(file or "") for dag_id, file in rows}
    return {dag_id: family for dag_id, family in found.items() if family is not None}

"""What a user of Airflow's page may see, as Airflow's auth manager says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagDetails
from airflow.models.dag import DagModel
from sqlalchemy import select

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class AirflowDag:
    """A DAG as Airflow's database has it.

    Attributes:
        bundle: The bundle that it is from.
        is_stale: Whether Airflow does not run it now.
        is_paused: Whether it is paused.
    """

    bundle: str
    is_stale: bool
    is_paused: bool


@dataclass(frozen=True)
class Viewer:
    """A user.

    Attributes:
        sees_errors: Whether she may read import errors.
        bundles: The bundles that have no team, or one whose DAGs she may read.
        readable: Ids of the DAGs that she may read, among those asked for.
        dags: All DAGs that Airflow knows, by id.
    """

    sees_errors: bool
    bundles: frozenset[str]
    readable: frozenset[str]
    dags: Mapping[str, AirflowDag]

    @classmethod
    def of(
        cls,
        user: BaseUser,
        wanted: Mapping[str, Collection[str]],
        *,
        auth_manager: BaseAuthManager[BaseUser],
        teams: Mapping[str, str | None],
        session: Session,
    ) -> Self:
        """Ask the auth manager.

        Args:
            user: Who asks.
            wanted: The dag ids that each bundle's reports name.
            auth_manager: Airflow's.
            teams: The team of each bundle, which says who may read a DAG that Airflow does not know yet.
            session: With Airflow's database.
        """
        columns = (DagModel.dag_id, DagModel.bundle_name, DagModel.is_stale, DagModel.is_paused)
        dags = {
            dag_id: AirflowDag(bundle, bool(is_stale), bool(is_paused))
            for dag_id, bundle, is_stale, is_paused in session.execute(select(*columns))
        }
        readable = set(auth_manager.get_authorized_dag_ids(user=user, session=session))
        unknown: dict[str | None, set[str]] = defaultdict(set)
        for bundle, dag_ids in wanted.items():
            unknown[teams.get(bundle)] |= {dag_id for dag_id in dag_ids if dag_id and dag_id not in dags}
        for team, dag_ids in unknown.items():
            if dag_ids:
                readable |= auth_manager.filter_authorized_dag_ids(dag_ids=dag_ids, user=user, team_name=team)
        bundles = {
            bundle
            for bundle in wanted
            if (team := teams.get(bundle)) is None
            or auth_manager.is_authorized_dag(method="GET", details=DagDetails(team_name=team), user=user)
        }
        sees_errors = auth_manager.is_authorized_view(access_view=AccessView.IMPORT_ERRORS, user=user)
        return cls(sees_errors, frozenset(bundles), frozenset(readable), dags)

    def sees_errors_of(self, bundle: str) -> bool:
        """Tell whether she may read what is wrong with a bundle, and with what is no DAG in it."""
        return self.sees_errors and bundle in self.bundles

    def may_read(self, dag_id: str) -> bool:
        """Tell whether she may read a DAG."""
        return dag_id in self.readable

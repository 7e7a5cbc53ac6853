"""Where the loader looks for DAGs, as the platform configures it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_ecs_dag_schema.alerts import ProfileAlert
from airflow_ecs_dag_schema.tasks import OperatorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_schema import DagSpec, Policy


@dataclass(frozen=True)
class RegistrySource:
    """One account and region, with what its DAGs may take for granted.

    Attributes:
        region_name: AWS region; without it, the one of the connection or of the process's environment.
        aws_conn_id: Airflow connection with the credentials for running tasks; without it, the process's own (an
            instance's or a task's role).
        cluster: The cluster for DAGs that name none: all of 2019's, which could not.
        dag_id_prefix: What each dag id of this source begins with; one that doesn't is refused, whatever the policy's
            mode. With a prefix of its own for each, no source can take another one's dag ids.
        alert_profiles: For one DAG: the policy's alert profiles that it names, as plain JSON values.
        operators: For one DAG: the policy's rules for the operators that it names, as plain JSON values.
        name: What the platform calls the source that this account and region are of.
    """

    region_name: str | None = None
    aws_conn_id: str | None = None
    cluster: str | None = None
    dag_id_prefix: str | None = None
    alert_profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    operators: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    name: str = ""

    def serving(self, spec: DagSpec, policy: Policy) -> RegistrySource:
        """Return this source with what ``policy`` offers and ``spec`` uses, and with nothing else of it."""
        profiles = {alert.profile for alert in spec.alerts if isinstance(alert, ProfileAlert)}
        operators = {task.operator for task in spec.tasks if isinstance(task, OperatorSpec)}
        return replace(
            self,
            alert_profiles={
                name: profile.model_dump(mode="json")
                for name, profile in policy.alert_profiles.items()
                if name in profiles
            },
            operators={
                name: rule.model_dump(mode="json") for name, rule in policy.operators.items() if name in operators
            },
        )

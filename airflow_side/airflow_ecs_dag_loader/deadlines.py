"""A DAG's deadline as Airflow's ``DeadlineAlert``: when a run misses it, the triggerer tells the DAG's profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from asgiref.sync import sync_to_async

from airflow_ecs_dag_loader.alert_notifiers import notifier, profiles_for
from airflow_ecs_dag_schema.platform_parts import ALERT_PROFILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ecs_dag_schema import DagSpec
    from airflow_ecs_dag_schema.platform_parts import AnyAlertProfile

_EVENT: Final = "missed_deadline"
_REFERENCES = {
    "dagrun_logical_date": DeadlineReference.DAGRUN_LOGICAL_DATE,
    "dagrun_queued_at": DeadlineReference.DAGRUN_QUEUED_AT,
}


def deadline_alerts(spec: DagSpec, known: Mapping[str, AnyAlertProfile]) -> list[DeadlineAlert] | None:
    """Return what ``DAG(deadline=...)`` takes: an alert for each profile that is told; ``None`` without a deadline.

    Raises:
        LabelError: A profile is unknown, or can't be told from this Airflow.
    """
    if spec.deadline is None:
        return None
    alerts = []
    for profile in profiles_for(_EVENT, spec, known):
        notifier(profile, _EVENT)  # what can't be told is said now, not when a run is late
        callback = AsyncCallback(tell_missed_deadline, kwargs={"profile": profile.model_dump(mode="json")})
        alerts.append(DeadlineAlert(_REFERENCES[spec.deadline.reference], spec.deadline.interval, callback))
    return alerts


async def tell_missed_deadline(profile: dict[str, Any], context: dict[str, Any]) -> None:
    """Tell ``profile`` that a run missed its deadline; Airflow's triggerer calls this.

    Args:
        profile: An alert profile as plain JSON values.
        context: ``dag_run``: the run as plain JSON values; ``deadline``: with ``deadline_time``.
    """
    tell = notifier(ALERT_PROFILE.validate_python(profile), _EVENT)
    await sync_to_async(tell)(context)

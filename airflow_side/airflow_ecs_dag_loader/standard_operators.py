"""Airflow's standard operators as DAGs get them from the registry: with templates that see plain values alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators import hitl, trigger_dagrun
from airflow.providers.standard.sensors import date_time, external_task, time_delta
from airflow.sdk.exceptions import TaskDeferred

from airflow_ecs_dag_loader.projected_templates import ProjectedTemplates

if TYPE_CHECKING:
    from airflow.sdk import Context


class ApprovalOperator(ProjectedTemplates, hitl.ApprovalOperator):
    """Airflow's own. A person has as long to answer as a try may last, unless told otherwise."""

    def __init__(
        self,
        *,
        response_timeout: timedelta | None = None,
        execution_timeout: timedelta | None = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own
    ) -> None:
        super().__init__(response_timeout=response_timeout or execution_timeout, execution_timeout=None, **kwargs)


class DateTimeSensorAsync(ProjectedTemplates, date_time.DateTimeSensorAsync):
    """Airflow's own, with a timeout (Airflow's waits for ever), and without a wait for a moment that is past."""

    def execute(self, context: Context) -> None:  # type: ignore[override] # Airflow's says NoReturn, of itself
        """Wait in the triggerer."""
        if self.poke(context):
            return
        try:
            super().execute(context)
        except TaskDeferred as deferral:
            deferral.timeout = timedelta(seconds=self.timeout)
            raise


class ExternalTaskSensor(ProjectedTemplates, external_task.ExternalTaskSensor):
    """Airflow's own."""


class TimeDeltaSensor(ProjectedTemplates, time_delta.TimeDeltaSensor):
    """Airflow's own."""


class TriggerDagRunOperator(ProjectedTemplates, trigger_dagrun.TriggerDagRunOperator):
    """Airflow's own."""

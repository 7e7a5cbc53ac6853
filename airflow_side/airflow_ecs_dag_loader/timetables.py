"""From a schedule of the contract to Airflow's timetable of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import (
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
)

from airflow_ecs_dag_schema import schedule as schedules

if TYPE_CHECKING:
    from airflow.sdk.bases.timetable import BaseTimetable

    from airflow_ecs_dag_schema.schedule import AnySchedule


def timetable(schedule: AnySchedule) -> BaseTimetable | str | None:  # noqa: PLR0911 - one line a kind
    """Return what ``DAG(schedule=...)`` takes for ``schedule``."""
    match schedule:
        case schedules.CronTrigger():
            return CronTriggerTimetable(schedule.cron, timezone=schedule.timezone)
        case schedules.CronDataInterval():
            return CronDataIntervalTimetable(schedule.cron, timezone=schedule.timezone)
        case schedules.DeltaTrigger():
            return DeltaTriggerTimetable(schedule.every)
        case schedules.DeltaDataInterval():
            return DeltaDataIntervalTimetable(schedule.every)
        case schedules.Once():
            return "@once"
        case schedules.Continuous():
            return "@continuous"
        case schedules.Manual():
            return None

"""From a schedule of the contract to Airflow's timetable of the same name, or to its asset conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pendulum
from airflow.sdk import (
    AssetOrTimeSchedule,
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
)

from airflow_ecs_dag_loader.airflow_assets import asset_condition
from airflow_ecs_dag_schema import schedule as schedules

if TYPE_CHECKING:
    from airflow.sdk.bases.timetable import BaseTimetable
    from airflow.sdk.definitions.asset import BaseAsset
    from airflow.timetables.base import Timetable

    from airflow_ecs_dag_schema.schedule import AnySchedule


def timetable(schedule: AnySchedule) -> BaseTimetable | Timetable | BaseAsset | str | None:  # noqa: C901, PLR0911 - one line a kind
    """Return what ``DAG(schedule=...)`` takes for ``schedule``.

    Raises:
        LabelError: Airflow can't have one of its assets.
    """
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
        case schedules.Events():
            # Airflow 3.3 can't serialize the class of this name in airflow.sdk; this is the one of its core.
            from airflow.timetables.events import EventsTimetable  # noqa: PLC0415

            return EventsTimetable([pendulum.instance(moment) for moment in schedule.moments], presorted=True)
        case schedules.OnAssets():
            return asset_condition(schedule)
        case schedules.OnAssetsOrTime():
            return AssetOrTimeSchedule(
                timetable=CronTriggerTimetable(schedule.cron, timezone=schedule.timezone),
                assets=asset_condition(schedule),
            )

"""The reason that ECS shows of an ECS task that Airflow has stopped: it names the task instance and its try."""

from __future__ import annotations

_LONGEST_REASON = 255
"""Characters that StopTask takes."""
_BY_AIRFLOW = "stopped by Airflow: "


def stop_reason(run_name: str) -> str:
    """Return the reason that ECS shows of an ECS task that Airflow stops.

    Args:
        run_name: Of the task instance and its try.
    """
    return f"{_BY_AIRFLOW}{run_name}"[:_LONGEST_REASON]


def is_by_airflow(why: str) -> bool:
    """Tell whether a reason is one that :func:`stop_reason` gave."""
    return why.startswith(_BY_AIRFLOW)


def is_for_another_try(why: str, run_name: str) -> bool:
    """Tell whether an ECS task was stopped by Airflow, but for another try than that of ``run_name``."""
    return is_by_airflow(why) and why != stop_reason(run_name)

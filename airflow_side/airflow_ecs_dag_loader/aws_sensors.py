"""Airflow's sensors for AWS as DAGs get them from the registry: with templates that see plain values alone.

They wait in the triggerer where ``aiobotocore`` is installed, which Airflow needs for that. Where it isn't they look,
go and come again (``mode="reschedule"``): no worker is held up in either case.
"""

from __future__ import annotations

import math
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from airflow.providers.amazon.aws.sensors import glue, s3, sagemaker, sqs

from airflow_ecs_dag_loader.projected_templates import ProjectedTemplates

_IN_TRIGGERER = find_spec("aiobotocore") is not None
_POKE_INTERVAL = timedelta(minutes=1)
_TIMEOUT = timedelta(days=7)


def _waiting() -> dict[str, Any]:
    return {"deferrable": True} if _IN_TRIGGERER else {"deferrable": False, "mode": "reschedule"}


class S3KeySensor(ProjectedTemplates, s3.S3KeySensor):
    """Airflow's own."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own
        super().__init__(**_waiting(), **kwargs)


class SqsSensor(ProjectedTemplates, sqs.SqsSensor):
    """Airflow's own."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own
        super().__init__(**_waiting(), **kwargs)


class GlueJobSensor(ProjectedTemplates, glue.GlueJobSensor):
    """Airflow's own, with the interval and the timeout of all sensors; in the triggerer it counts looks."""

    def __init__(
        self,
        *,
        poke_interval: timedelta = _POKE_INTERVAL,
        timeout: timedelta = _TIMEOUT,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own
    ) -> None:
        super().__init__(
            poke_interval=int(poke_interval.total_seconds()),
            max_retries=math.ceil(timeout / poke_interval),
            timeout=timeout,
            **_waiting(),
            **kwargs,
        )


class SageMakerTrainingSensor(ProjectedTemplates, sagemaker.SageMakerTrainingSensor):
    """Airflow's own, which can't wait in the triggerer; each look would print the job's whole log again."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own
        super().__init__(mode="reschedule", print_log=False, **kwargs)  # type: ignore[no-untyped-call] # as above

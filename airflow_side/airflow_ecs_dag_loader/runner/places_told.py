"""What a task that fails says last in its log before Airflow's own lines: where the documentation tells of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException, AirflowSkipException, AirflowTaskTimeout

from airflow_ecs_dag_schema.troubleshooting import where_raised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import FilteringBoundLogger


@contextmanager
def places_told(log: FilteringBoundLogger) -> Iterator[None]:
    """Have each error that leaves the block say where it is told of; it leaves unchanged."""
    try:
        yield
    except AirflowSkipException:
        raise
    except (AirflowException, AirflowTaskTimeout) as error:
        if (told := where_raised(error)) is not None:
            log.info("%s", told[0].upper() + told[1:])
        raise

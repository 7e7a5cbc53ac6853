"""A task's log as Airflow writes it, and as Airflow's page reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from airflow.sdk.log import logging_processors
from airflow.utils.log.file_task_handler import _interleave_logs, _stream_lines_by_chunk

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk.types import Logger
    from airflow.utils.log.file_task_handler import StructuredLogMessage


def log_to(file: Path) -> Logger:
    """Return a logger with Airflow's own processors, that has written each line when it returns."""
    raw = file.open("ab", buffering=0)
    logger: Any = structlog.wrap_logger(
        structlog.BytesLogger(raw),
        processors=logging_processors(json_output=True),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    made: Logger = logger.bind(logger="task")
    return made


def as_on_the_page(*files: Path) -> list[StructuredLogMessage]:
    """Return the records of several processes in the order in which Airflow's page has them."""
    return list(_interleave_logs(*(_stream_lines_by_chunk(file.open(encoding="utf-8")) for file in files)))

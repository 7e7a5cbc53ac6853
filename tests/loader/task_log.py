"""The log of an Airflow task, as the lines that its reader sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from airflow.sdk.types import Logger
    from structlog.typing import EventDict, WrappedLogger


@dataclass
class TaskLog:
    """Keeps what is logged.

    Attributes:
        lines: The messages, in order.
    """

    lines: list[str] = field(default_factory=list)

    @property
    def logger(self) -> Logger:
        """Return a logger of structlog, as Airflow's task runner has one."""
        processors: list[Any] = [structlog.stdlib.PositionalArgumentsFormatter(), self._keep]
        logger: Logger = structlog.wrap_logger(
            None, processors=processors, wrapper_class=structlog.stdlib.BoundLogger, cache_logger_on_first_use=False
        )
        return logger

    def _keep(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        self.lines.append(str(event["event"]))
        raise structlog.DropEvent

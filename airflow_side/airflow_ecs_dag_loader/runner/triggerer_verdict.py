"""The verdict that the triggerer gives itself, so that a task that ended well needs no second worker.

Everything else is a worker's: an exception has to be raised where Airflow's retries and alerts see it, an asset's event
or the length of what is mapped over can only be told from there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import TaskSkippedEvent, TaskSuccessEvent

from airflow_ecs_dag_loader.runner.stop_reason import is_for_another_try
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError, check_stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk.types import Logger
    from airflow.triggers.base import TriggerEvent
    from pydantic import JsonValue

    from airflow_ecs_dag_loader.runner.container_lines import ContainerLines
    from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun
    from airflow_ecs_dag_loader.runner.shown_position import TaskInstanceName


@dataclass(frozen=True)
class Outcome:
    """How the triggerer ends a task.

    Attributes:
        event: What Airflow is told.
        words: What the task's log is told.
        has_output: Whether what the container put out counts.
    """

    event: TriggerEvent
    words: str
    has_output: bool = False


@dataclass(frozen=True, kw_only=True)
class TriggererVerdict:
    """What a triggerer must know of a task to say that it ended well.

    Attributes:
        skip_on_exit_code: Exit codes of the container that make Airflow skip the task.
        output_needed: Whether other tasks use the output, so that it is waited for.
    """

    skip_on_exit_code: tuple[int, ...] = ()
    output_needed: bool = False

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain JSON values."""
        return {**asdict(self), "skip_on_exit_code": list(self.skip_on_exit_code)}

    @classmethod
    def from_json(cls, value: object) -> Self | None:
        """Read what :meth:`to_json` wrote; ``None`` for anything else: a worker judges then."""
        if not isinstance(value, dict):
            return None
        try:
            return cls(**{**value, "skip_on_exit_code": tuple(value.get("skip_on_exit_code") or ())})
        except TypeError:
            return None

    def outcome(self, over: Mapping[str, Any], run: EcsTaskRun, *, run_name: str) -> Outcome | None:
        """Return how the task ends, as far as ECS tells; ``None`` if a worker has to judge.

        Args:
            over: The ECS task, which is over, as DescribeTasks gives it.
            run: The same, as it was started.
            run_name: The task instance and its try, as the reason of a stop has it.
        """
        if is_for_another_try(str(over.get("stoppedReason")), run_name):
            return None
        try:
            check_stopped(
                over,
                container_name=run.container_name,
                skip_on_exit_code=self.skip_on_exit_code,
                essential_sidecars=run.essential_sidecars,
            )
        except AirflowSkipException as skip:
            return Outcome(TaskSkippedEvent(), f"Skipping the task: {skip}")
        except EcsTaskFailedError:
            return None
        return Outcome(TaskSuccessEvent(), f"ECS task {run.arn.rpartition('/')[2]} succeeded", has_output=True)

    def is_through(
        self,
        lines: ContainerLines,
        outcome: Outcome,
        instance: TaskInstanceName,
        *,
        is_cancelled: Callable[[], bool],
        log: Logger,
    ) -> bool:
        """Show the rest of the lines, hand on the output, and tell whether there is no more to do.

        Args:
            lines: Those of the container.
            outcome: How the task ends.
            instance: The task instance.
            is_cancelled: Whether it is for another one to end the task; then nothing more is handed on.
            log: The Airflow task's logger.
        """
        needs_output = outcome.has_output and self.output_needed
        if not lines.show_rest(for_output=needs_output, is_cancelled=is_cancelled) or is_cancelled():
            return False
        if not outcome.has_output or not lines.output.found:
            return not needs_output  # a worker may see more, and says what is missing
        try:
            output = lines.output.value()
        except EcsTaskFailedError:
            return False
        return not is_cancelled() and _is_kept(output, instance, log)


def _is_kept(output: JsonValue, instance: TaskInstanceName, log: Logger) -> bool:
    """Put the output where a worker puts it: into the platform's own XCom backend, if it has one."""
    names: dict[str, Any] = instance.to_json()
    try:
        XCom.set(key=BaseXCom.XCOM_RETURN_KEY, value=output, **names)
    except Exception as error:  # noqa: BLE001 - the API server's, the network's, a platform's own XCom backend's
        log.warning("The triggerer can't keep the output, a worker does: %s", str(error) or repr(error))
        return False
    return True

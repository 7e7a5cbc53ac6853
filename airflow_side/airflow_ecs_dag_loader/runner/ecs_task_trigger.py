"""The wait for an ECS task in Airflow's triggerer: no worker is held, and one poller looks for all that wait there."""

from __future__ import annotations

import asyncio
import contextvars
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from airflow.sdk.configuration import conf
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_ecs_dag_loader.runner.ecs_task_calls import EcsTaskCalls
from airflow_ecs_dag_loader.runner.ecs_task_clients import EcsTaskClients
from airflow_ecs_dag_loader.runner.ecs_task_end import EcsTaskEnd
from airflow_ecs_dag_loader.runner.ecs_task_links import revision_url, write_links
from airflow_ecs_dag_loader.runner.ecs_task_poller import poller
from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun
from airflow_ecs_dag_loader.runner.ecs_task_watch import EcsTaskWatch
from airflow_ecs_dag_loader.runner.shown_position import ShownPosition, TaskInstanceName
from airflow_ecs_dag_loader.runner.stop_reason import stop_reason
from airflow_ecs_dag_loader.runner.triggerer_verdict import Outcome, TriggererVerdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from pydantic import JsonValue

    from airflow_ecs_dag_loader.runner.container_lines import ContainerLines

    Result = TypeVar("Result")

_SHORTEST_DEFERRAL = 8.0
"""Seconds from a worker's end to the event at least, unless the platform says otherwise: Airflow's scheduler takes a
task for lost that is queued anew before it has noticed that its worker is done with it."""
_JUDGED_WITHIN = 30.0
"""Seconds for the last lines of a container that ended well, after which a worker reads them: many may have ended, and
Airflow's own limit for the wait goes on."""
_LINES_EVERY = 2.0
"""Seconds between two looks for lines of one container; those of many containers queue up, so they wait longer."""
_STOPPING_TAKES = 60.0
"""Seconds for which the end of an ECS task that was stopped is waited for, so that its last lines are shown."""
_STOP_WITHIN = 20.0
"""Seconds for which StopTask is repeated after a person's click: Airflow gives up on it after 30."""
_STOP_AGAIN_AFTER = 30.0
"""Seconds after which an ECS task that ran out of time, and could not be stopped, is stopped again."""
_DEFERRED = "deferred"
_LOGGER = "airflow.task.operators.airflow_ecs_dag_loader.runner.ecs_task_operator.EcsTaskOperator"
"""That of the operator: in the task's log, the lines of worker and triggerer are the same kind of lines."""
_reading = ThreadPoolExecutor(4, thread_name_prefix="container-lines")
_reading_last = ThreadPoolExecutor(8, thread_name_prefix="last-container-lines")
"""Of a container that has ended, the lines go before those of containers that go on: a task waits for them."""


class EcsTaskTrigger(BaseTrigger):
    """Fires when the end of an ECS task can be judged: ends the task if that went well, else tells a worker.

    What it tells is an :class:`EcsTaskEnd`; every bad verdict is the operator's. It stops the ECS task when its time is
    up, and when a person has acted on the task instance; never because it could not look, and never because it is
    moved to another triggerer.

    Args:
        run: The ECS task, as :meth:`EcsTaskRun.to_json` writes it.
        instance: The task instance, as :meth:`TaskInstanceName.to_json` writes it.
        run_name: What the reason of a stop says: the task instance and its try.
        deadline: When the time of the try is up, in seconds since 1970; ``None`` for never.
        aws_conn_id: Airflow connection; ``None`` for the process's own credentials.
        region_name: AWS region; ``None`` for that of the connection or the environment.
        verdict: By what a task is told to have ended well, as :meth:`TriggererVerdict.to_json` writes it: that needs
            no worker, and no time in between. ``None`` where a worker has to judge.
    """

    def __init__(
        self,
        *,
        run: dict[str, JsonValue],
        instance: dict[str, JsonValue],
        run_name: str,
        deadline: float | None,
        aws_conn_id: str | None,
        region_name: str | None,
        verdict: dict[str, JsonValue] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow leaves it out
        ecs_task, name = EcsTaskRun.from_json(run), TaskInstanceName.from_json(instance)
        if ecs_task is None or name is None:
            # Airflow gives the task back to a worker, which waits for it as it knows how.
            raise TypeError(
                f"another version of this package deferred the task: it gave {run!r:.500}, {instance!r:.500}"
            )
        self.ecs_task = ecs_task
        self.instance = name
        self.run_name = run_name
        self.deadline = deadline
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verdict = TriggererVerdict.from_json(verdict)
        self._logger = structlog.get_logger(_LOGGER)
        self._one_look = Lock()
        self._clients = EcsTaskClients(aws_conn_id, region_name)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and the arguments that make the same trigger elsewhere."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "run": self.ecs_task.to_json(),
            "instance": self.instance.to_json(),
            "run_name": self.run_name,
            "deadline": self.deadline,
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verdict": None if self.verdict is None else self.verdict.to_json(),
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the end of the ECS task, its lines shown meanwhile; yield it."""
        watch = EcsTaskWatch(self.ecs_task.arn, container_name=self.ecs_task.container_name, log=self._logger)
        shared = poller(self.aws_conn_id, self.region_name)
        self._clients = shared.clients
        over = asyncio.create_task(shared.wait_until_over(watch, cluster=self.ecs_task.cluster))
        showing = asyncio.create_task(self._show_lines())
        try:
            is_in_time = await self._ends_in_time(over)
            if over.done():
                over.result()
        finally:
            over.cancel()
            showing.cancel()
        await asyncio.gather(over, showing, return_exceptions=True)
        if is_in_time and watch.task is not None and (event := await self._event(watch.task)) is not None:
            yield event
            return
        await _in(_reading_last, lambda: self._show_new(has_ended=True))
        shortest = conf.getfloat("airflow_ecs_dag", "shortest_deferral", fallback=_SHORTEST_DEFERRAL)
        await asyncio.sleep(max(0.0, (self.ecs_task.deferred_at or 0.0) + shortest - time.time()))
        end = EcsTaskEnd(watch.task, is_lost=watch.is_lost, is_timed_out=not is_in_time)
        yield TriggerEvent(end.to_json())  # type: ignore[no-untyped-call] # as above

    async def on_kill(self) -> None:
        """Stop the ECS task, if a person has acted on the task instance.

        Airflow calls this also in a triggerer that was too slow, whose triggers another one has taken over: then the
        task instance is still deferred.
        """
        if await asyncio.to_thread(self._is_still_deferred):
            return
        self._logger.info("Stopping ECS task %s", self.ecs_task.arn)
        await asyncio.to_thread(self._stop)

    async def _ends_in_time(self, over: asyncio.Task[None]) -> bool:
        left = None if self.deadline is None else max(0.0, self.deadline - time.time())
        if (await asyncio.wait({over}, timeout=left))[0]:
            return True
        self._logger.warning("The execution_timeout of the task is over: stopping ECS task %s", self.ecs_task.arn)
        while not over.done():
            if await asyncio.to_thread(self._stop):
                await asyncio.wait({over}, timeout=_STOPPING_TAKES)
                break
            await asyncio.wait({over}, timeout=_STOP_AGAIN_AFTER)
        return False

    async def _show_lines(self) -> None:
        if not self.ecs_task.log_group:
            return
        while True:
            await _in(_reading, self._show_new)
            await asyncio.sleep(_LINES_EVERY)

    def _show_new(self, *, has_ended: bool = False) -> None:
        """Show what is new. The last look begins while the one before may still be under way."""
        with self._one_look:
            if self.ecs_task.log_group and self._lines.show_new(has_ended=has_ended):
                self._position.write(self._lines.position)

    async def _event(self, over: Mapping[str, Any]) -> TriggerEvent | None:
        """Return the event that ends the task; ``None`` where a worker has to judge."""
        if (verdict := self.verdict) is None:
            return None
        if (outcome := verdict.outcome(over, self.ecs_task, run_name=self.run_name)) is None:
            return None
        is_given_up = Event()
        try:
            if self.ecs_task.log_group:
                reading = _in(_reading_last, lambda: self._is_through(verdict, outcome, is_given_up.is_set))
                if not await asyncio.wait_for(reading, timeout=_JUDGED_WITHIN):
                    return None
            if (ran := over.get("taskDefinitionArn")) and ran != self.ecs_task.task_definition:
                await asyncio.to_thread(write_links, revision_url(over), self.instance, log=self._logger)
        except Exception as error:  # noqa: BLE001 - whatever it is, a worker may do better
            self._logger.info("A worker ends the task: %s", str(error) or "reading its last lines takes long")
            return None
        finally:
            is_given_up.set()  # a thread can't be cancelled
        self._logger.info("%s", outcome.words)
        return outcome.event

    def _is_through(self, verdict: TriggererVerdict, outcome: Outcome, is_given_up: Callable[[], bool]) -> bool:
        with self._one_look:
            shown = self._lines.position
            is_through = verdict.is_through(
                self._lines, outcome, self.instance, is_cancelled=is_given_up, log=self._logger
            )
            if self._lines.position != shown:
                self._position.write(self._lines.position)
            return is_through

    def _stop(self) -> bool:
        why = stop_reason(self.run_name)
        return self._calls.stop(cluster=self.ecs_task.cluster, arn=self.ecs_task.arn, why=why, within=_STOP_WITHIN)

    def _is_still_deferred(self) -> bool:
        for wait in (0.5, 1.0, 2.0, 4.0, None):
            try:
                found = RuntimeTaskInstance.get_task_states(
                    dag_id=self.instance.dag_id,
                    task_ids=[self.instance.task_id],
                    run_ids=[self.instance.run_id],
                    map_index=self.instance.map_index,
                )
            except Exception as error:
                if wait is None:
                    self._logger.error(  # noqa: TRY400 - a stack trace tells an operator nothing
                        "Airflow does not tell whether somebody has acted on this task, so its ECS task %s goes on: %s",
                        self.ecs_task.arn,
                        error,
                    )
                    raise
                time.sleep(wait)
            else:
                return bool(found.get(self.instance.run_id, {}).get(self.instance.key) == _DEFERRED)
        raise AssertionError("the last attempt returns or raises")

    @cached_property
    def _position(self) -> ShownPosition:
        return ShownPosition(self.instance, log=self._logger)

    @cached_property
    def _lines(self) -> ContainerLines:
        # How a client is made belongs to no task's log.
        contextvars.Context().run(self._clients.logs, self.ecs_task.log_region)
        return self._calls.lines_of(self.ecs_task, position=self._position.read())

    @property
    def _calls(self) -> EcsTaskCalls:
        return EcsTaskCalls(self._clients, log=self._logger)


async def _in(threads: ThreadPoolExecutor, call: Callable[[], Result]) -> Result:
    """Make a call in one of ``threads``; what it logs belongs to who waits for it."""
    return await asyncio.get_running_loop().run_in_executor(threads, contextvars.copy_context().run, call)

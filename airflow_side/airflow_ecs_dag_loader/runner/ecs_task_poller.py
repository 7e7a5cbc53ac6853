"""One look for many: the ECS tasks that a process waits for, a hundred of them in each DescribeTasks.

A triggerer waits for thousands of ECS tasks at once. Were each looked at by itself, a hundred would use up what AWS
lets a whole account ask.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow_ecs_dag_loader.runner.ecs_task_clients import EcsTaskClients
from airflow_ecs_dag_loader.runner.ecs_task_watch import MOST_DESCRIBED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ecs_dag_loader.runner.ecs_task_watch import EcsTaskWatch

_CALLS_A_SECOND = 4.0
"""Calls a second at most: a fifth of what AWS gives back to the bucket of an account and region."""
_SHORTEST_ROUND = 1.0
"""Seconds from the beginning of one round over all ECS tasks to the beginning of the next, at least."""
_LONGEST_PAUSE = 30.0
"""Seconds between two calls at most while all fail."""


@dataclass(eq=False)
class _Wait:
    """An ECS task that somebody waits for.

    Attributes:
        context: That of who waits, for by it Airflow knows in which task's log a line belongs.
    """

    cluster: str
    watch: EcsTaskWatch
    context: contextvars.Context
    over: asyncio.Future[None]


@dataclass(eq=False)
class EcsTaskPoller:
    """Looks at the ECS tasks of one region, with one connection's credentials, for as long as any is waited for.

    Attributes:
        clients: With which it looks, in a thread; whoever waits may use them, too.
    """

    clients: EcsTaskClients
    _waits: dict[_Wait, None] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="ecs-task-poller")
    )

    async def wait_until_over(self, watch: EcsTaskWatch, *, cluster: str) -> None:
        """Return when ``watch`` is over; what it logs belongs to who calls this."""
        wait = _Wait(cluster, watch, contextvars.copy_context(), asyncio.get_running_loop().create_future())
        self._waits[wait] = None
        if self._task is None or self._task.done():
            # In a context of its own: what the poller itself does belongs to no task's log.
            self._task = asyncio.get_running_loop().create_task(self._poll(), context=contextvars.Context())
        try:
            await wait.over
        finally:
            self._waits.pop(wait, None)

    async def _poll(self) -> None:
        pause = 1 / _CALLS_A_SECOND
        try:
            while self._waits:
                began = time.monotonic()
                for cluster, waits in self._calls():
                    has_answered = await self._ask(cluster, waits)
                    pause = 1 / _CALLS_A_SECOND if has_answered else min(_LONGEST_PAUSE, pause * 2)
                    await asyncio.sleep(pause)
                await asyncio.sleep(max(0.0, began + _SHORTEST_ROUND - time.monotonic()))
        except Exception as error:
            for wait in self._waits:
                if not wait.over.done():
                    wait.over.set_exception(error)
            raise

    def _calls(self) -> Iterator[tuple[str, list[_Wait]]]:
        """Yield what each call of a round asks for."""
        by_cluster: dict[str, list[_Wait]] = {}
        for wait in self._waits:
            by_cluster.setdefault(wait.cluster, []).append(wait)
        for cluster, waits in by_cluster.items():
            for first in range(0, len(waits), MOST_DESCRIBED):
                yield cluster, waits[first : first + MOST_DESCRIBED]

    async def _ask(self, cluster: str, waits: list[_Wait]) -> bool:
        """Look at some, and tell those who wait; return whether ECS gave a usable answer."""
        arns = list(dict.fromkeys(wait.watch.arn for wait in waits))
        found = await asyncio.get_running_loop().run_in_executor(self._thread, self.clients.looks, cluster, arns)
        for wait in waits:
            if wait.over.done():
                continue  # who waited has been cancelled meanwhile
            look = found[wait.watch.arn]
            wait.context.run(wait.watch.take, look)
            if wait.watch.is_over:
                wait.over.set_result(None)
        return any(look.task is not None or look.is_unknown for look in found.values())


_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str | None, str | None], EcsTaskPoller]] = (
    WeakKeyDictionary()
)


def poller(aws_conn_id: str | None, region_name: str | None) -> EcsTaskPoller:
    """Return the one poller of this event loop for a connection and a region.

    Args:
        aws_conn_id: Airflow connection; ``None`` for the process's own credentials.
        region_name: AWS region; ``None`` for that of the connection or the environment.
    """
    of_loop = _pollers.setdefault(asyncio.get_running_loop(), {})
    key = (aws_conn_id, region_name)
    if key not in of_loop:
        of_loop[key] = EcsTaskPoller(EcsTaskClients(aws_conn_id, region_name))
    return of_loop[key]

"""From a saved file to the DAG in the running Airflow: synthesized, deployed, shown, again and again until Ctrl-C."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from airflow_ecs_dag_cli.locally_deployed import deployed_dags, wait_until_shown
from airflow_ecs_dag_cli.processes import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from airflow_ecs_dag_cli.local_project import LocalProject
    from airflow_ecs_dag_cli.source_watch import SourceWatch
    from airflow_ecs_dag_cli.terminal import Terminal

_NAMED = 3
_SAME_AGAIN = 3


class LiveUpdate:
    """Keeps a running project as its sources are.

    Args:
        local: The running project.
        watch: What notices changes of its sources.
        terminal: Where to say what is going on.
    """

    def __init__(self, local: LocalProject, watch: SourceWatch, terminal: Terminal) -> None:
        self._local = local
        self._watch = watch
        self._terminal = terminal
        self._latest: list[tuple[Path, ...]] = []
        self._ended = 0.0

    def wait(self, *, within: float) -> bool:
        """Wait for a change and deploy it; tell whether there was one.

        A change that can't be deployed is said, with the reason, and leaves all as it was.

        Raises:
            LocalRunError: The sources can't be watched any more, or the local AWS or Airflow is gone.
        """
        paths = self._watch.changed(within=within)
        if not paths:
            return False
        written_meanwhile = all(_changed_at(path) <= self._ended for path in paths)
        self._latest = [*(self._latest if written_meanwhile else ()), paths][-_SAME_AGAIN:]
        if len(self._latest) == _SAME_AGAIN and len(set(self._latest)) == 1:
            self._terminal.warn(
                f"{self._named(paths)} changes each time the app is synthesized, so it starts no update of its own; "
                "let the app write it elsewhere"
            )
            return False
        self._terminal.say()
        self._terminal.say(f"changed: {self._named(paths)}")
        self._update()
        self._ended = time.time()
        return True

    def _update(self) -> None:
        started = time.monotonic()
        try:
            self._local.redeploy()
            for dag in deployed_dags(self._local.aws):
                with self._terminal.step(f"DAG {dag.dag_id} in Airflow") as step:
                    wait_until_shown(self._local.airflow, dag)
                    step.done(f"revision {dag.revision}")
        except LocalRunError as error:
            self._local.airflow.check()  # without Airflow there is nothing to go on with
            self._terminal.fail(error)
            self._terminal.say("what was deployed before stays; save a change to try again")
        except (BotoCoreError, ClientError) as error:
            raise LocalRunError(f"the local AWS does not answer as it should: {error}; start again") from error
        else:
            self._terminal.say(f"up to date after {time.monotonic() - started:.1f} s")

    def _named(self, paths: Sequence[Path]) -> str:
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        return ", ".join(ascii(self._watch.shown(path))[1:-1] for path in paths[:_NAMED]) + more


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it is gone, and nobody knows when it went
        return math.inf

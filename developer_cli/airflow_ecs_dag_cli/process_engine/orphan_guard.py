"""Ends the processes of containers, also when the engine itself was killed.

As a program it is the engine's watchman: it reads standard input, which only the engine holds open. When
that ends, the engine is gone, and whatever it has left running is killed and its scratch folder deleted.
It works alike on Linux and macOS, and for processes that a container forked, which Linux's parent-death
signal would miss.
"""

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

# Every process of a container has this variable: `<engine token>.<container id>`.
MARKER = "AIRFLOW_ECS_DAG_PROCESS_ENGINE"
_MAX_ROUNDS = 20


def end_processes(groups: Iterable[int], marker: str) -> None:
    """Kill process groups and, on Linux, the processes that left them.

    Args:
        groups: ids of process groups.
        marker: the beginning of the value of `MARKER` in the processes' environment.
    """
    for group in groups:
        send_signal(group, signal.SIGKILL)
    for _ in range(_MAX_ROUNDS):  # a process may fork while it is looked for
        survivors = _marked_processes(marker)
        if not survivors:
            return
        for process in survivors:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)


def send_signal(group: int, number: int) -> None:
    """Send a signal to a process group; it is no error if the group is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _marked_processes(marker: str) -> list[int]:
    """Processes whose environment, as it was when their program started, has the marker."""
    wanted = f"{MARKER}={marker}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = entry.read_bytes()
        except OSError:  # another user's, or gone meanwhile
            continue
        if any(variable.startswith(wanted) for variable in environment.split(b"\0")):
            found.append(int(entry.parent.name))
    return found


def main(engine_token: str, scratch: str) -> None:
    """Wait for the end of the engine; `+123` and `-123` on standard input say which groups are alive."""
    groups: set[int] = set()
    for line in sys.stdin:
        change, group = line[0], int(line[1:])
        (groups.add if change == "+" else groups.discard)(group)
    end_processes(groups, f"{engine_token}.")
    shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

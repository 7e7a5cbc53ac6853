"""Child processes that never outlive the command: each in a process group of its own, with a log file.

A child is stopped in three ways, and each covers what the one before cannot:

- `BackgroundProcess.stop`, the way out of the ``with`` block: SIGTERM to the group, SIGKILL after a grace
  period.
- A *watchdog*, a `/bin/sh` in a session of its own that blocks on a pipe whose other end only this process
  holds. However this process ends, SIGKILL included, the kernel closes that end and the watchdog stops the
  group. (Linux' ``PR_SET_PDEATHSIG`` reaches the child alone, not what the child started, and fires when the
  *thread* that started the child ends.)
- Ctrl-C reaches this process alone, because the children are in other groups; the ``with`` blocks then stop
  them in reverse order.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

LOOPBACK = "127.0.0.1"

_POLL_SECONDS = 0.05
_KILL_SECONDS = 5.0
# Blocks until the pipe on its stdin closes, then stops the group $1: SIGTERM, and SIGKILL after $2 seconds.
_WATCHDOG = """
trap '' INT HUP
read -r _
kill -s TERM -- "-$1" 2>/dev/null || exit 0
left=$2
while [ "$left" -gt 0 ] && kill -s 0 -- "-$1" 2>/dev/null; do
  sleep 1
  left=$((left - 1))
done
kill -s KILL -- "-$1" 2>/dev/null
"""


class LocalRunError(Exception):
    """Something a local run needs could not be had; the message says what, and what to change."""


class ProcessError(LocalRunError):
    """A child process could not be started, ended too early or did not become ready.

    Attributes:
        name: What the process is, as given to `BackgroundProcess`.
        returncode: Its exit status, negative for the signal that ended it; None when it never ended.
        log: The file with its output.
    """

    def __init__(self, message: str, *, name: str, returncode: int | None, log: Path) -> None:
        super().__init__(message)
        self.name = name
        self.returncode = returncode
        self.log = log


def free_port() -> int:
    """Return a loopback TCP port that nothing listens on at this moment.

    Nobody reserves it: start the listener soon, and check that the one that answers is yours.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def check_port(port: int) -> None:
    """Check that nothing listens on a loopback TCP port.

    Raises:
        LocalRunError: Something does, or the system gives the port to root alone.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do: one that has just ended is no matter
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise LocalRunError(
                f"Airflow's page can't have port {port} ({error.strerror}): stop what has it, or choose another one "
                "with --port, 0 for any that is free"
            ) from None


class BackgroundProcess:
    """A child process in its own group, its output in a log file, stopped when the ``with`` block ends.

    Args:
        name: What to call it in messages, such as ``AWS emulator``.
        command: Program and arguments; no shell.
        log: File for its stdout and stderr; its folder is made, what was in it is replaced.
        environment: The child's whole environment; None hands on this process' own.
        directory: The child's working directory; None hands on this process' own.
        grace: Seconds between SIGTERM and SIGKILL when it is stopped.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        grace: float = 10.0,
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.log = log
        self._environment = environment
        self._directory = directory
        self._grace = grace
        self._child: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, whatever happened."""
        self.stop()

    @property
    def pid(self) -> int:
        """The child's process id, which is also the id of its group."""
        return self._started().pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._started().poll()

    def start(self) -> Self:
        """Start the child and the watchdog that outlives this process.

        Raises:
            ProcessError: when the program cannot be started, or when this object was started before.
        """
        if self._child is not None:
            raise self._error("was started already; make a new BackgroundProcess", None)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            try:
                self._child = subprocess.Popen(  # noqa: S603 - the caller's own command, without a shell
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=None if self._environment is None else dict(self._environment),
                    cwd=self._directory,
                    start_new_session=True,
                )
            except OSError as error:
                raise self._error(f"could not be started by `{self.shown_command}`: {error}", None) from error
        arguments = (str(self._child.pid), str(max(1, round(self._grace))))
        try:
            self._watchdog = subprocess.Popen(  # noqa: S603 - a constant script
                ["/bin/sh", "-c", _WATCHDOG, "watchdog", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except BaseException:  # an interrupt between the two must not leave the child behind
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the whole group: SIGTERM, SIGKILL after the grace period. A second call does nothing."""
        if self._child is None:
            return
        try:
            self._signal(signal.SIGTERM)
            deadline = time.monotonic() + self._grace
            while (self._child.poll() is None or _lives(self._child.pid)) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        finally:  # a second Ctrl-C during the grace period must not leave anything behind
            self._signal(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(_KILL_SECONDS)
            self._dismiss_watchdog()

    def ask_to_end(self) -> None:
        """Send SIGTERM to the child alone and return at once: for one that ends its own children in its own order."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the child's own end; its exit status, or None when `timeout` seconds passed first."""
        try:
            return self._started().wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def wait_until(self, ready: Callable[[], bool], *, within: float, for_what: str = "answer") -> None:
        """Wait until `ready` returns true.

        Args:
            ready: Asked again and again; an OSError from it (connection refused, no such file) is "not yet".
            within: Seconds until it is an error.
            for_what: What is waited for, for the message: "did not <for_what> within ...".

        Raises:
            ProcessError: when the child ended first, or was not ready in time; with the end of its log.
        """
        deadline = time.monotonic() + within
        while True:
            with contextlib.suppress(OSError):
                if ready():
                    return
            status = self.returncode
            if status is not None:
                raise self._error(f"ended with {_shown_status(status)} before it was ready", status)
            if time.monotonic() >= deadline:
                raise self._error(f"did not {for_what} within {within:g} seconds", None)
            time.sleep(_POLL_SECONDS)

    def wait_for_line(self, text: str, *, within: float) -> None:
        """Wait until a line of the output contains `text`. Raises as `wait_until` does."""
        wanted = text.encode()
        self.wait_until(
            lambda: any(wanted in line for line in self.log.read_bytes().splitlines()),
            within=within,
            for_what=f"print {text!r}",
        )

    def last_lines(self, count: int = 20) -> str:
        """Return the last `count` lines of the output so far."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""

    @property
    def shown_command(self) -> str:
        """The command as one would type it in a shell."""
        return shlex.join(self.command)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise self._error("was not started; call start() or use it in a with block", None)
        return self._child

    def _signal(self, number: int) -> bool:
        """Signal the whole group; false when nothing is left in it."""
        try:
            os.killpg(self._started().pid, number)
        except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            return False
        return True

    def _dismiss_watchdog(self) -> None:
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is None:
            return
        watchdog.kill()  # before its pipe closes: the group's id may belong to others by then
        watchdog.wait()
        if watchdog.stdin is not None:
            watchdog.stdin.close()

    def _error(self, problem: str, returncode: int | None) -> ProcessError:
        lines = self.last_lines()
        shown = f"; its last lines ({self.log}):\n{lines}" if lines else f"; its log {self.log} is empty"
        return ProcessError(f"{self.name} {problem}{shown}", name=self.name, returncode=returncode, log=self.log)


def _lives(group: int) -> bool:
    """Whether anything in the process group still runs.

    A zombie does not, though it can be signalled: where process 1 does not collect orphans (a container
    without an init), a group of them would seem alive for ever. Only Linux' /proc tells the two apart.
    """
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return False
    states = Path("/proc").glob("[0-9]*/stat")
    known = False
    for stat in states:
        with contextlib.suppress(OSError, ValueError):  # a process may end while we look
            state, _, member_of = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
            known = True
            if int(member_of) == group and state not in "ZX":
                return True
    return not known


def _shown_status(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"

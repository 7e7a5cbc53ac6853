"""Child processes: ready, failed early, stopped, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from airflow_ecs_dag_cli.processes import BackgroundProcess, ProcessError, free_port

PARENT_AND_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


def runs(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while runs(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.05)


def started_child(process: BackgroundProcess) -> int:
    process.wait_for_line("child", within=60)
    return int(process.last_lines().split()[1])


def test_the_whole_group_is_stopped(tmp_path: Path) -> None:
    with BackgroundProcess("the parent", python(PARENT_AND_CHILD), log=tmp_path / "log") as process:
        child = started_child(process)
        assert runs(child)
    assert process.returncode == -signal.SIGTERM
    wait_until_gone(child)


def test_what_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = python("""
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("deaf", flush=True)
        time.sleep(600)
        """)
    with BackgroundProcess("the stubborn one", stubborn, log=tmp_path / "log", grace=0.2) as process:
        process.wait_for_line("deaf", within=60)
    assert process.returncode == -signal.SIGKILL


def test_nothing_survives_when_the_owner_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    owner = subprocess.Popen(
        python(f"""
            import time
            from pathlib import Path
            from airflow_ecs_dag_cli.processes import BackgroundProcess
            with BackgroundProcess("the parent", {python(PARENT_AND_CHILD)!r}, log=Path({str(log)!r})) as process:
                process.wait_for_line("child", within=60)
                print(process.pid, flush=True)
                time.sleep(600)
            """),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stdout is not None
        parent = int(owner.stdout.readline())
        child = int(log.read_text().split()[1])
        assert runs(parent)
        assert runs(child)
    finally:
        owner.kill()
        owner.communicate()
    wait_until_gone(parent)
    wait_until_gone(child)


def test_an_early_end_is_an_error_with_the_end_of_the_log(tmp_path: Path) -> None:
    failing = python("""
        import sys
        print("line one")
        sys.exit("the reason")
        """)
    with (
        BackgroundProcess("the server", failing, log=tmp_path / "log") as process,
        pytest.raises(ProcessError, match="the server ended with exit status 1 before it was ready") as caught,
    ):
        process.wait_until(lambda: False, within=60)
    assert "line one" in str(caught.value)
    assert "the reason" in str(caught.value)
    assert caught.value.returncode == 1


def test_not_ready_in_time_is_an_error(tmp_path: Path) -> None:
    with (
        BackgroundProcess("the server", python("import time; time.sleep(600)"), log=tmp_path / "log") as process,
        pytest.raises(ProcessError, match=r"the server did not print 'ready' within 0\.1 seconds"),
    ):
        process.wait_for_line("ready", within=0.1)


def test_readiness_that_raises_oserror_is_not_ready_yet(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    writing = python(f"""
        import time
        from pathlib import Path
        time.sleep(0.2)
        Path({str(marker)!r}).write_text("up")
        time.sleep(600)
        """)
    with BackgroundProcess("the server", writing, log=tmp_path / "log") as process:
        process.wait_until(lambda: marker.stat().st_size > 0, within=60)
    assert marker.read_text() == "up"


def test_a_program_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    process = BackgroundProcess("the server", ["/no/such/program", "an argument"], log=tmp_path / "log")
    with pytest.raises(ProcessError, match="could not be started by `/no/such/program 'an argument'`"):
        process.start()
    process.stop()


def test_the_child_has_its_own_group_environment_and_folder(tmp_path: Path) -> None:
    telling = python("""
        import os
        print(os.getpgrp() == os.getpid(), os.environ["WORD"], os.getcwd())
        """)
    process = BackgroundProcess(
        "the child", telling, log=tmp_path / "log", environment={"WORD": "given"}, directory=tmp_path
    )
    with process:
        assert process.wait(60) == 0
    assert process.last_lines() == f"True given {tmp_path}"
    assert os.getpgrp() != process.pid


def test_stopping_twice_is_fine_and_starting_twice_is_not(tmp_path: Path) -> None:
    process = BackgroundProcess("the child", python("pass"), log=tmp_path / "log").start()
    process.stop()
    process.stop()
    with pytest.raises(ProcessError, match="was started already"):
        process.start()


def test_free_ports_are_free() -> None:
    with subprocess.Popen(
        python(f"import socket; s = socket.create_server(('127.0.0.1', {free_port()})); print('listens')"),
        stdout=subprocess.PIPE,
        text=True,
    ) as listener:
        assert listener.communicate(timeout=60)[0] == "listens\n"

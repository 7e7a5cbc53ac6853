"""``.ci/audit.py``, with the real pip-audit: what is known fails, what can't be asked is said and does not."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from supply.vulnerability_service import vulnerability_service

pytest.importorskip("pip_audit", reason="pip-audit is not installed: call make setup")

SCRIPT = Path(__file__).parents[2] / ".ci" / "audit.py"
LOCK = "".join(
    f"{name}==1.0 \\\n    --hash=sha256:{digit * 64}\n"
    for name, digit in (("alpha", "a"), ("beta", "b"), ("gamma", "c"))
)
OTHER_PLATFORM = "delta==1.0 ; sys_platform == 'plan9' \\\n    --hash=sha256:" + "d" * 64 + "\n"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text(LOCK)
    return path


def audit(lock: Path, address: str) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, SCRIPT, "--lock", lock, "--vulnerability-service=osv", f"--osv-url={address}"],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return run.returncode, run.stdout + run.stderr


def test_nothing_known_passes(lock: Path) -> None:
    with vulnerability_service({}) as address:
        status, output = audit(lock, address)
    assert (status, output) == (0, "audit: nothing is known against any of the 3 locked packages\n")


def test_what_is_known_fails_and_is_named(lock: Path) -> None:
    with vulnerability_service({"beta": "PYSEC-2026-1"}) as address:
        status, output = audit(lock, address)
    assert status == 1
    assert "audit: beta 1.0: PYSEC-2026-1; mended in 99.1" in output
    assert "1 known" in output


def test_a_package_of_another_platform_is_not_asked_about(lock: Path) -> None:
    lock.write_text(LOCK + OTHER_PLATFORM)
    with vulnerability_service({"delta": "PYSEC-2026-2"}) as address:
        assert audit(lock, address)[0] == 0


def test_a_service_that_is_not_there_is_said(lock: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers, and nobody else gets the port
        status, output = audit(lock, f"http://127.0.0.1:{taken.getsockname()[1]}/v1/query")
    assert status == 0
    assert output.startswith("audit: could not run: ")
    assert "refused" in output


@pytest.mark.parametrize(("code", "page"), [(503, b""), (403, b"no"), (200, b"<html>log in first</html>")])
def test_something_else_that_answers_is_said(lock: Path, code: int, page: bytes) -> None:
    with vulnerability_service({}, status=code, page=page) as address:
        status, output = audit(lock, address)
    assert status == 0
    assert output.startswith("audit: could not run: ")


@pytest.mark.parametrize("text", ["alpha>=1.0\n", "alpha==1.0\n", "alpha==1.0 --hash=sha256:zz\n--nonsense\n"])
def test_a_lock_file_that_is_none_is_no_pass(lock: Path, text: str) -> None:
    lock.write_text(text)
    with vulnerability_service({}) as address:
        status, output = audit(lock, address)
    assert status == 2
    assert "pip-audit failed" in output


def test_a_wrong_option_is_no_pass(lock: Path) -> None:
    run = subprocess.run([sys.executable, SCRIPT, "--lock", lock, "--nonsense"], check=False, capture_output=True)
    assert run.returncode == 2

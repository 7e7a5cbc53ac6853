"""A local AWS of the test's own: ministack on a free loopback port, in front of a container engine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import boto3
from mypy_boto3_ecs import ECSClient
from mypy_boto3_logs import CloudWatchLogsClient

START_SECONDS = 60
STOP_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """A running emulator.

    Attributes:
        url: where its API answers.
        region: the region its clients speak for.
    """

    url: str
    region: str = "us-east-1"

    def ecs(self) -> ECSClient:
        return self._session().client("ecs", endpoint_url=self.url)

    def logs(self) -> CloudWatchLogsClient:
        return self._session().client("logs", endpoint_url=self.url)

    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
            region_name=self.region,
        )


@contextmanager
def emulator(docker_host: str, folder: Path) -> Iterator[Emulator]:
    """Run ministack for the time of the block; it runs ECS tasks as containers of ``docker_host``.

    Args:
        docker_host: the engine's address, as in the variable ``DOCKER_HOST``.
        folder: where it runs and writes its log.

    Raises:
        RuntimeError: it ended or did not answer within ``START_SECONDS``; the message holds its log.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / "ministack.log"
    environment = os.environ | {
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": docker_host,
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "DEBUG",
    }
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            _wait_until_healthy(process, url, log)
            yield Emulator(url=url)
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_until_healthy(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"{url}/_ministack/health", timeout=5):  # noqa: S310 - a loopback address made above
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"ministack does not answer on {url}, its output is:\n{log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

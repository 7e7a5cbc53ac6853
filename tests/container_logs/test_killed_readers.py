"""A process that shows a container's lines is killed, and another one goes on from what it noted last."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from container_logs.task_log_file import as_on_the_page
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws

GROUP, STREAM = "/ecs/work", "airflow/main/0123"
TESTS = Path(__file__).parents[1]
COUNT = 2_000


class _Container(threading.Thread):
    """Says its lines for some seconds: several of one millisecond, or one each."""

    def __init__(self, aws: StrictAws, *, in_bursts: bool) -> None:
        super().__init__()
        self._logs = aws.region("111122223333", "eu-west-1").logs
        self._in_bursts = in_bursts

    def run(self) -> None:
        at = int(time.time() * 1000) - 2 * COUNT
        for first in range(0, COUNT, 20):
            batch = range(first, first + 20)
            self._logs.put(
                GROUP, STREAM, [(at + (number // 7 if self._in_bursts else number), _line(number)) for number in batch]
            )
            time.sleep(0.02)


def _line(number: int) -> str:
    return f"line {number}" if number % 3 else "the same line"


@pytest.mark.parametrize("is_between_looks", [True, False])
def test_no_line_is_lost_or_shown_twice(tmp_path: Path, *, is_between_looks: bool) -> None:
    """Between two looks, any lines are once. Within one, those are written again that were not noted, as the same
    records; Airflow's page shows these once where each has a millisecond of its own."""
    draws = random.Random(7)  # noqa: S311 - repeatable on purpose
    aws = StrictAws(clock=time.time, rates={})
    files: list[Path] = []
    kills = 0
    with on_loopback(aws) as url:
        container = _Container(aws, in_bursts=is_between_looks)

        def read(ends: str) -> subprocess.Popen[bytes]:
            files.append(tmp_path / f"{len(files)}.log")
            command = [sys.executable, "-m", "container_logs.reader_process", url, str(files[-1]), str(tmp_path / "n")]
            environment = {**os.environ, "PYTHONPATH": str(TESTS)}
            return subprocess.Popen([*command, ends], env=environment, stdout=subprocess.PIPE)

        container.start()
        while container.is_alive() or kills < 2:
            with read("goes on") as process:
                assert process.stdout is not None
                for _ in range(draws.randint(1, 12)):
                    process.stdout.read(1)
                if not is_between_looks:
                    time.sleep(draws.random() / 10)
                process.kill()
                kills += 1
        container.join()
        assert read("ends").wait(60) == 0
    shown = [record.event for record in as_on_the_page(*files)]
    assert shown == [_line(number) for number in range(COUNT)]

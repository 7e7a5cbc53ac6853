"""How long a container's line takes to the Airflow task log, behind AWS's rate for reads of logs, and what is lost.

    python benchmarks/log_latency.py [--streams 300] [--seconds 180] [--seed 1]

Our reader and the provider's `AwsTaskLogFetcher` read the same lines in the same run, from two accounts of the tests'
strict CloudWatch Logs with a rate each. Ours are read as the trigger reads them: by its threads, with its pauses. The
provider's get a thread a task, every 30 seconds, and are started spread over these. The clock is real. It is shortened
in that a container lives for `--seconds` only, and all end at once, which is the worst case for their last lines; lines
said while the readers still start are read, but not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "tests"))
HOME = tempfile.TemporaryDirectory(prefix="log-latency-")
os.environ |= {
    "AIRFLOW_HOME": HOME.name,
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    "AWS_SECRET_ACCESS_KEY": "not-aws",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "NO_PROXY": "127.0.0.1",
}

import boto3  # noqa: E402 - below Airflow's home
from airflow.providers.amazon.aws.utils.task_log_fetcher import AwsTaskLogFetcher  # noqa: E402
from botocore.config import Config  # noqa: E402
from figure_table import HEAD, Row, versions  # noqa: E402

from airflow_ecs_dag_loader.aws_answers import THROTTLED  # noqa: E402
from airflow_ecs_dag_loader.runner import ecs_task_trigger  # noqa: E402
from airflow_ecs_dag_loader.runner.container_lines import ContainerLines  # noqa: E402
from airflow_ecs_dag_loader.runner.log_reads import LogReads  # noqa: E402
from strict_ecs.http_door import on_loopback  # noqa: E402
from strict_ecs.strict_aws import StrictAws  # noqa: E402

if TYPE_CHECKING:
    from strict_ecs.log_streams import LogStreams

OURS, PROVIDERS = "111122223333", "444455556666"
REGION, GROUP = "eu-west-1", "/ecs/work"
PROVIDERS_INTERVAL = 30.0
"""That of ``EcsRunTaskOperator``, unless told."""
BETWEEN_LINES = (1.0, 3.0)
"""Seconds between two lines of a container, drawn: no period that could fit that of a reader."""
LIMITS = {1: 5.0, 300: 60.0}
"""Seconds that half of the lines may take, by how many containers run."""


@dataclass
class Shown:
    """What came to the task logs of one reader."""

    seconds: list[float] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)
    measured_from: float = 0.0

    def line(self, text: str) -> None:
        """Count a line ``stream number moment``, with whatever the reader puts before it."""
        *_, stream, number, said_at = text.split()
        self.count[f"{stream} {number}"] += 1
        if float(said_at) >= self.measured_from:
            self.seconds.append(time.time() - float(said_at))


class Log:
    """Stands for a task's logger, of which only the moment matters."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def log(self, _level: int, text: str) -> None:
        """As the provider says a line."""
        self._shown.line(text)

    def info(self, template: str, *arguments: object, logger: str = "", **_: object) -> None:
        """As ours is said, by the container's logger."""
        if logger:
            self._shown.line(template % arguments)

    def warning(self, *_: object, **__: object) -> None:
        """Say nothing: what can't be read just now is seen in what is lost."""


def say(logs: list[LogStreams], streams: int, until: float, seed: int) -> Counter[str]:
    """Let each container say a line now and then, to both accounts."""
    draws = random.Random(seed)  # noqa: S311 - moments, no secret
    next_at = {f"s{number}": time.time() + draws.uniform(*BETWEEN_LINES) for number in range(streams)}
    said: Counter[str] = Counter()
    numbers: defaultdict[str, int] = defaultdict(int)
    while (now := time.time()) < until:
        for stream, at in next_at.items():
            if at > now:
                continue
            for each in logs:
                each.put(GROUP, stream, [(int(now * 1000), f"{stream} {numbers[stream]} {now:.6f}")])
            said[f"{stream} {numbers[stream]}"] += 1
            numbers[stream] += 1
            next_at[stream] = at + draws.uniform(*BETWEEN_LINES)
        time.sleep(0.01)
    return said


async def read_ours(url: str, streams: int, shown: Shown, ended: threading.Event) -> None:
    """Read as the trigger does, and the rest as the worker does that judges the ECS task."""
    os.environ["AWS_ACCESS_KEY_ID"] = OURS
    client = boto3.client("logs", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))
    reads, log = LogReads(), Log(shown)
    readers: list[Any] = [
        ContainerLines(client, group=GROUP, stream=f"s{number}", log=log, reads=reads)  # type: ignore[arg-type] # as above
        for number in range(streams)
    ]
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(streams) as last:

        async def show(lines: ContainerLines) -> None:
            while not ended.is_set():
                await loop.run_in_executor(ecs_task_trigger._reading, lines.show_new)  # noqa: SLF001 - as the trigger
                await asyncio.sleep(ecs_task_trigger._LINES_EVERY)  # noqa: SLF001
            await loop.run_in_executor(last, lambda: lines.show_rest(wait=1.0))

        await asyncio.gather(*map(show, readers))


def read_providers(url: str, streams: int, shown: Shown, ended: threading.Event) -> None:
    """Read as ``EcsRunTaskOperator`` does: a thread a task, with the provider's client and its retries."""
    os.environ["AWS_ENDPOINT_URL"] = url
    fetchers = []
    for number in range(streams):
        began = time.monotonic()
        fetcher: Any = AwsTaskLogFetcher(
            log_group=GROUP,
            log_stream_name=f"s{number}",
            fetch_interval=timedelta(seconds=PROVIDERS_INTERVAL),
            logger=Log(shown),  # type: ignore[arg-type] # as above
            aws_conn_id=None,
            region_name=REGION,
        )
        _ = fetcher.hook.conn
        fetcher.start()
        fetchers.append(fetcher)
        ended.wait(max(0.0, PROVIDERS_INTERVAL / streams - (time.monotonic() - began)))
    ended.wait()
    for fetcher in fetchers:
        fetcher.stop()
    for fetcher in fetchers:
        fetcher.join()


def measure(streams: int, seconds: float, seed: int) -> list[Row]:
    """Let both readers read the lines of so many containers."""
    aws = StrictAws(clock=time.time)
    logs = [aws.region(account, REGION).logs for account in (OURS, PROVIDERS)]
    ours, providers = Shown(), Shown()
    ended = threading.Event()
    os.environ["AWS_ACCESS_KEY_ID"] = PROVIDERS
    ended_at = 0.0
    took: dict[str, float] = {}

    def until_done(name: str, read: Any) -> None:  # noqa: ANN401 - what a thread calls
        read()
        took[name] = time.time() - ended_at

    with on_loopback(aws) as url:
        os.environ["AWS_ENDPOINT_URL"] = url
        began = time.time()
        until = began + PROVIDERS_INTERVAL + seconds
        # The provider's hook reads the environment's key when its client is made, ours has its client by then.
        threads = [
            threading.Thread(
                target=until_done, args=("ours", lambda: asyncio.run(read_ours(url, streams, ours, ended)))
            ),
            threading.Thread(
                target=until_done, args=("providers", lambda: read_providers(url, streams, providers, ended))
            ),
        ]
        threads[0].start()
        while not any(call.place.account == OURS for call in aws.calls):
            time.sleep(0.01)
        os.environ["AWS_ACCESS_KEY_ID"] = PROVIDERS
        threads[1].start()
        ours.measured_from = providers.measured_from = began + PROVIDERS_INTERVAL
        said = say(logs, streams, until, seed)
        ended_at = time.time()
        ended.set()
        for thread in threads:
            thread.join()
    name = f"{streams} in flight"
    limit = LIMITS.get(streams, LIMITS[300])
    throttled = {
        account: sum(call.code in THROTTLED for call in aws.made(account=account)) for account in (OURS, PROVIDERS)
    }
    reads = {account: len(aws.made("GetLogEvents", account=account)) for account in (OURS, PROVIDERS)}
    lost = {each: sum((said - shown.count).values()) for each, shown in (("ours", ours), ("providers", providers))}
    doubled = {each: sum((shown.count - said).values()) for each, shown in (("ours", ours), ("providers", providers))}
    half, theirs = median(ours.seconds), median(providers.seconds or [0.0])
    return [
        Row(f"line to log, p50, {name}, against its limit", half, limit, "s", 1),
        Row(f"line to log, p50, {name}, against the provider's", half, theirs, "s", None),
        Row(f"line to log, p99, {name}, against the provider's", _p99(ours), _p99(providers), "s", None),
        Row(f"lines lost of {said.total():,}, {name}, against the provider's", lost["ours"], lost["providers"], "", 0),
        Row(f"lines doubled, {name}, against the provider's", doubled["ours"], doubled["providers"], "", 0),
        Row(f"reads refused, {name}, against the provider's", throttled[OURS], throttled[PROVIDERS], "", 0),
        Row(f"reads, {name}, against the provider's", reads[OURS], reads[PROVIDERS], "", None),
        Row(f"end of all to last line, {name}, against the provider's", took["ours"], took["providers"], "s", None),
    ]


def _p99(shown: Shown) -> float:
    return quantiles(shown.seconds, n=100)[98] if len(shown.seconds) > 1 else 0.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--streams", type=int, default=300, help="containers that run at the same time, beside one alone"
    )
    parser.add_argument("--seconds", type=float, default=180, help="for which lines are measured")
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which containers say something")
    given = parser.parse_args()
    print(f"{versions('apache-airflow', 'apache-airflow-providers-amazon', 'boto3')}; seed {given.seed}\n\n{HEAD}")
    for streams in dict.fromkeys((1, given.streams)):
        for row in measure(streams, given.seconds, given.seed):
            print(row, flush=True)


if __name__ == "__main__":
    main()

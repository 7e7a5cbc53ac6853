"""What it costs to wait for ECS tasks in a triggerer, and how soon their end is known: ours beside the provider's.

    python benchmarks/ecs_waits.py [--seed 1] [--tasks 1000] [--seconds 90]

The ECS is the tests' strict one with AWS's rates, over loopback. First one ECS task, then `--tasks` of them are in
flight; they end over `--seconds`, drawn by `--seed`. Each trigger runs as Airflow's triggerer runs it, all in one event
loop, in a process of its own; both see the same ends. Seconds are real.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import IO, TYPE_CHECKING, Any, cast

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "tests"))

from figure_table import HEAD, Row, versions  # noqa: E402 - in this folder

from loader.ecs_account import dag_labels  # noqa: E402 - below tests
from strict_ecs.http_door import on_loopback  # noqa: E402
from strict_ecs.strict_aws import StrictAws  # noqa: E402
from strict_ecs.token_buckets import RATES, TASK_READS  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from strict_ecs.strict_aws import Answered

ACCOUNT, REGION, CLUSTER, FAMILY = "100000000031", "eu-west-1", "work", "reports"
OURS, PROVIDERS = "ours", "the provider's"
QUIET = 5.0
"""Seconds after the start in which no ECS task ends."""
PROVIDERS_DELAY = 6
"""Seconds between two looks of the provider's operator, which is its default."""


@dataclass(frozen=True)
class Waited:
    """What came of one process.

    Attributes:
        late: Seconds from the end of an ECS task to its event, for each that had one.
        lost: ECS tasks whose trigger ended without an event.
        calls: DescribeTasks calls a second, until half of the ECS tasks had ended.
        throttled: Calls that AWS's bucket refused.
        cpu: Seconds of CPU while it waited.
        mebibytes: What its memory grew by.
    """

    late: Sequence[float]
    lost: int
    calls: float
    throttled: int
    cpu: float
    mebibytes: float


def wait(who: str, ends: Sequence[float]) -> Waited:
    """Wait for ECS tasks that end so many seconds after the start."""
    aws = StrictAws(clock=time.time)
    tasks = aws.region(ACCOUNT, REGION).tasks
    tasks.create_cluster({"clusterName": CLUSTER})
    definition = aws.region(ACCOUNT, REGION).definitions.register(FAMILY, dag_labels())
    with on_loopback(aws) as url, tempfile.TemporaryDirectory(prefix="ecs-waits-") as home:
        environment = {name: text for name, text in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_"))} | {
            "AIRFLOW_HOME": home,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "not-aws",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": url,
        }
        command = (sys.executable, __file__, "--wait-as", who)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            asked, answers = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
            answers.readline()  # it has imported all that it needs
            began, at = time.time(), {}
            for seconds in ends:
                tasks.run_seconds = seconds
                request = {"cluster": CLUSTER, "taskDefinition": definition, "count": 1}
                arn = tasks.run_task(request)["tasks"][0]["taskArn"]
                at[arn] = began + seconds
            asked.write(json.dumps([definition, *at]) + "\n")
            asked.flush()
            told = json.loads(answers.readline())
    events = told["events"]
    made = aws.made("DescribeTasks")
    return Waited(
        late=[moment - at[arn] for arn, moment in events.items()],
        lost=len(at) - len(events),
        calls=_a_second(made, until=sorted(at.values())[len(at) // 2]),
        throttled=aws.codes()["ThrottlingException"],
        cpu=told["cpu"],
        mebibytes=told["mebibytes"],
    )


def _a_second(made: Sequence[Answered], *, until: float) -> float:
    early = [each.at for each in made if each.at <= until]
    return len(early) / (until - early[0]) if early else 0.0


def table(one: dict[str, Waited], many: dict[str, Waited]) -> list[Row]:
    """Return the figures: ours against AWS's rate and the provider's trigger."""
    bucket = RATES[TASK_READS].refill
    ours, providers = many[OURS], many[PROVIDERS]
    count = len(ours.late) + ours.lost
    rows = [
        Row(f"DescribeTasks a second, {count:,} in flight, of AWS's bucket", ours.calls, bucket, "/s", 0.2),
        Row(f"the same, {PROVIDERS}", providers.calls, bucket, "/s", None),
        Row("throttled calls", ours.throttled, 0, "", 0),
        Row(f"the same, {PROVIDERS}", providers.throttled, 0, "", None),
        Row("ends that no event told", ours.lost, 0, "", 0),
        Row(f"the same, {PROVIDERS}", providers.lost, 0, "", None),
    ]
    for name, waited in (("1 in flight", one), (f"{count:,} in flight", many)):
        for percent in (50, 99):
            value, peer = (_percentile(waited[who].late, percent) for who in (OURS, PROVIDERS))
            rows.append(Row(f"exit to event, p{percent}, {name}, to {PROVIDERS}", value, peer, "s", None))
    return [
        *rows,
        Row(f"CPU of the triggers' process, {count:,} waiting, to {PROVIDERS}", ours.cpu, providers.cpu, "s", 1.0),
        Row(f"its memory, {count:,} waiting, to {PROVIDERS}", ours.mebibytes, providers.mebibytes, "MiB", 1.0),
    ]


def _percentile(values: Sequence[float], percent: int) -> float:
    if len(values) < 2:
        return next(iter(values), float("nan"))
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def be_triggerer(who: str) -> None:
    """Wait for the ECS tasks that standard input names, and tell when each event came."""
    import structlog  # noqa: PLC0415 - in the process that is measured
    from airflow.providers.amazon.aws.triggers.ecs import TaskDoneTrigger  # noqa: PLC0415

    from airflow_ecs_dag_loader.runner.ecs_task_run import EcsTaskRun  # noqa: PLC0415
    from airflow_ecs_dag_loader.runner.ecs_task_trigger import EcsTaskTrigger  # noqa: PLC0415

    structlog.configure(processors=[_drop])

    def trigger(definition: str, arn: str) -> Any:  # noqa: ANN401 - either kind
        if who == PROVIDERS:
            return TaskDoneTrigger(
                cluster=CLUSTER,
                task_arn=arn,
                waiter_delay=PROVIDERS_DELAY,
                waiter_max_attempts=1_000,
                aws_conn_id=None,
                region=REGION,
            )
        run = EcsTaskRun(arn=arn, cluster=CLUSTER, task_definition=definition, container_name="main")
        return EcsTaskTrigger(
            run=run.to_json(),
            instance={"dag_id": FAMILY, "run_id": "run", "task_id": arn, "map_index": -1},
            run_name=arn,
            deadline=None,
            aws_conn_id=None,
            region_name=REGION,
        )

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    definition, *arns = json.loads(sys.stdin.readline())
    before = resource.getrusage(resource.RUSAGE_SELF)
    events = asyncio.run(_events({arn: trigger(definition, arn) for arn in arns}))
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = {"events": events, "cpu": cpu, "mebibytes": (after.ru_maxrss - before.ru_maxrss) / 1024}
    sys.stdout.write(json.dumps(told) + "\n")


async def _events(triggers: dict[str, Any]) -> dict[str, float]:
    """Run triggers until each has told something; return when those with an event did."""
    events: dict[str, float] = {}

    async def run(arn: str, stream: AsyncIterator[object]) -> None:
        async for _ in stream:
            events[arn] = time.time()
            return

    await asyncio.gather(*(run(arn, each.run()) for arn, each in triggers.items()), return_exceptions=True)
    return events


def _drop(*_: object) -> Any:  # noqa: ANN401 - a processor of structlog's
    import structlog  # noqa: PLC0415 - as above

    raise structlog.DropEvent


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--wait-as", choices=(OURS, PROVIDERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.wait_as:
        be_triggerer(options.wait_as)
        return
    chance = random.Random(options.seed)  # noqa: S311 - no secret
    alone = [QUIET + chance.random() * 5]
    ends = [QUIET + 15 + chance.random() * (options.seconds - QUIET - 15) for _ in range(options.tasks)]
    print(versions("airflow-ecs-dag", "apache-airflow", "apache-airflow-providers-amazon", "boto3", "aiobotocore"))
    print(f"seed {options.seed}, {options.tasks} ECS tasks that end within {options.seconds:g} s\n")
    one = {who: wait(who, alone) for who in (OURS, PROVIDERS)}
    many = {who: wait(who, ends) for who in (OURS, PROVIDERS)}
    print(HEAD)
    for row in table(one, many):
        print(row)


if __name__ == "__main__":
    main()

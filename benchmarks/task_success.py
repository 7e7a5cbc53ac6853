"""How long after its container's exit an Airflow task is a success: ours beside the provider's, in a real Airflow.

    python benchmarks/task_success.py [--seed 1] [--in-flight 1000] [--seconds 90] [--alone 4] [--beside-peer 100]
        [--by-workers]

Ours has `[airflow_ecs_dag] end_in_triggerer`, unless `--by-workers` says otherwise. The Airflow is that of the tests:
PostgreSQL, scheduler, API server, DAG processor, triggerer, LocalExecutor. The ECS is the tests' strict one with AWS's
rates, over loopback; it knows when a container has exited, PostgreSQL when the task's success began (`end_date`). Ours
is a DAG of labels, the peer the provider's `EcsRunTaskOperator(deferrable=True)` with its defaults; neither reads logs.
Each has an AWS region, so a bucket, to itself, and the Airflow: they run by turns.

First `--alone` ECS tasks are in flight one after the other, each started by a worker; the p99 of so few is about the
longest. Then `--beside-peer` of each are, and at last `--in-flight` of ours; their containers exit over `--seconds`,
drawn by `--seed`. No container exits in the first seconds of a wait, in which Airflow's scheduler may fail a task that
is back from the triggerer before it has noticed that it left its worker: the provider's operator does not wait for
that.

Of those in flight together, a worker starts the first alone; of the others, Airflow has made the runs and scheduled the
tasks, and their rows in its database are then written as the worker left the first one's. A start has no part in what
is measured, but needs a process of a worker, and two cores would be busy for minutes to start a hundred. All that comes
after is Airflow's own: triggerer, events, scheduler, and a worker for each task whose operator wants one to end.

For each end that a triggerer tells, Airflow asks its DAG processor for a callback, which parses the DAG's file once
more, whether there is one to call or not. What that costs is told as CPU time, without what the processes spend anyway;
callbacks of one file that wait together are one parse, so a thousand tasks of one DAG cost less than of a thousand.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "tests"))

import httpx  # noqa: E402 - below the path, as all that follows
from deferred_instances import DeferredInstances, Waiting  # noqa: E402 - in this folder
from figure_table import HEAD, Row, versions  # noqa: E402
from process_cpu import Meter, Spent  # noqa: E402

from airflow_ecs_dag_cli.local_aws import isolated_environment  # noqa: E402
from airflow_ecs_dag_cli.postgres_server import PROGRAMS, PostgresServer, newest_programs  # noqa: E402
from loader.ecs_account import dag_labels  # noqa: E402 - below tests
from production.installation import Installation  # noqa: E402
from strict_ecs.http_door import on_loopback  # noqa: E402
from strict_ecs.strict_aws import StrictAws  # noqa: E402
from strict_ecs.token_buckets import RATES, TASK_READS  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from strict_ecs.tasks import Tasks

ACCOUNT, CLUSTER = "100000000041", "work"
QUIET = 9.0
"""Seconds of a wait in which no container exits."""
ALONE_WITHIN = 4.0
"""Seconds after these in which the container of an ECS task that is alone exits."""
PATIENCE = 180.0
"""Seconds without any progress after which what has not happened is taken for lost."""
SETTLED = 3.0
"""Seconds after which a worker that has ended its task is gone, and PostgreSQL has counted the rows."""
P50, P99 = 3.0, 15.0
"""Seconds that half of the tasks may take, and all but one of a hundred."""
IDLE = 60.0
"""Seconds in which Airflow has nothing to do: twice the time after which it parses all files again."""
ALL_SLOTS = 128
"""Airflow's own size of its default pool."""

WHY_SO_MANY = """\
Not 1,000 of the provider's: each of its tasks needs a worker to end, and two cores don't start so many in that time.
"""

PROVIDERS_DAG = """
from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.sdk import DAG

with DAG({dag_id!r}, schedule=None):
    EcsRunTaskOperator(
        task_id="build",
        cluster={cluster!r},
        task_definition={dag_id!r},
        overrides={{}},
        deferrable=True,
        aws_conn_id=None,
        region_name={region!r},
    )
"""


@dataclass(frozen=True)
class Contender:
    """Whose operator it is; its DAG, which is also the family, and the region where its ECS tasks are."""

    name: str
    dag_id: str
    region: str


OURS = Contender("ours", "ours", "eu-west-1")
PROVIDERS = Contender("the provider's", "providers", "eu-central-1")


@dataclass
class Measured:
    """What came of the ECS tasks of one contender.

    Attributes:
        late: Seconds from the exit of a container to the success of its task, for each that was one.
        by_worker: How many of these went to a worker once more, to end there.
        lost: Tasks that ended otherwise, or not at all.
        calls: DescribeTasks calls a second while the first half of the containers exited.
        throttled: Calls that AWS's bucket refused.
        spent: What Airflow spent on them, beyond what it spends anyway.
    """

    late: list[float] = field(default_factory=list)
    by_worker: int = 0
    lost: int = 0
    calls: float = 0.0
    throttled: int = 0
    spent: Spent = field(default_factory=Spent)


@dataclass
class Trial:
    """An Airflow in which both contenders' DAGs are, and the AWS where their tasks run."""

    airflow: Installation
    aws: StrictAws
    instances: DeferredInstances
    meter: Meter
    idle: Spent = field(default_factory=Spent)

    def rest(self, seconds: float) -> None:
        """Let Airflow do nothing for a while, to know what that costs."""
        before = self.meter.read()
        time.sleep(seconds)
        self.idle = self.meter.read() - before

    def alone(self, who: Contender, seconds: float, measured: Measured) -> None:
        """Run one ECS task, for so many seconds once it is waited for, and add what came of it."""
        tasks, before = self._tasks(who), self.meter.read()
        run_id = self.airflow.api.trigger(who.dag_id, logical_date=None)
        self._wait(lambda: run_id in self.instances.waiting(who.dag_id), who)
        (arn,) = tasks.list_tasks({"cluster": CLUSTER})["taskArns"]
        tasks.end_at(arn, time.time() + seconds)
        self._add(measured, who, [Waiting(run_id, arn)])
        self._spend(measured, before)

    def together(self, who: Contender, lives: Sequence[float]) -> Measured:
        """Have as many ECS tasks in flight, which end so many seconds after all are."""
        waiting = self._in_flight(who, len(lives))
        tasks = self._tasks(who)
        began, before, spent = time.time(), len(self.aws.calls), self.meter.read()
        for each, seconds in zip(waiting, lives, strict=True):
            tasks.end_at(each.arn, began + seconds)
        measured = Measured()
        self._add(measured, who, waiting)
        self._spend(measured, spent)
        half = sorted(lives)[len(lives) // 2]
        made = [call for call in self.aws.calls[before:] if call.place.region == who.region]
        looks = [call for call in made if call.place.operation == "DescribeTasks" and call.at <= began + half]
        measured.calls = len(looks) / half
        measured.throttled = sum(call.code == "ThrottlingException" for call in made)
        return measured

    def _in_flight(self, who: Contender, count: int) -> list[Waiting]:
        """Have ECS tasks in flight, and their Airflow tasks deferred: the first by a worker, the others as that one."""
        instances, tasks = self.instances, self._tasks(who)
        before = instances.ended(who.dag_id)
        self._set_pool(1, include_deferred=True)  # the first task has the only slot, so no worker starts the others
        run_ids = {self.airflow.api.trigger(who.dag_id, logical_date=None) for _ in range(count)}
        others = count - 1

        def are_scheduled() -> bool:
            return bool(instances.waiting(who.dag_id)) and instances.states(who.dag_id)["scheduled"] == others

        self._wait(are_scheduled, who)
        (first_run,) = instances.waiting(who.dag_id)
        (first_arn,) = tasks.list_tasks({"cluster": CLUSTER})["taskArns"]
        request = self.aws.made("RunTask", region=who.region)[-1].parameters
        waiting = [Waiting(first_run, first_arn)]
        for run_id in sorted(run_ids - {first_run} - set(before)):
            started = tasks.run_task({**request, "clientToken": uuid.uuid4().hex})
            waiting.append(Waiting(run_id, started["tasks"][0]["taskArn"]))
        instances.defer_like(waiting[0], waiting[1:], dag_id=who.dag_id)
        self._set_pool(ALL_SLOTS, include_deferred=False)
        self._wait(lambda: instances.waiting(who.dag_id) >= run_ids, who)
        return waiting

    def _add(self, measured: Measured, who: Contender, waiting: Sequence[Waiting]) -> None:
        """Wait for the ends of tasks, and add how late each is."""
        arns = {each.run_id: each.arn for each in waiting}
        self._wait(lambda: self.instances.ended(who.dag_id).keys() >= arns.keys(), who, is_needed=False)
        ended = self.instances.ended(who.dag_id)
        for run_id, arn in arns.items():
            if run_id in ended and ended[run_id].state == "success":
                (task,) = self._tasks(who).describe_tasks({"cluster": CLUSTER, "tasks": [arn]})["tasks"]
                measured.late.append(ended[run_id].at - task["stoppedAt"])
                measured.by_worker += ended[run_id].queued_at > task["stoppedAt"]
            else:
                measured.lost += 1

    def _spend(self, measured: Measured, before: Spent) -> None:
        """Wait until the DAG processor has done what it was asked for, and add what Airflow spent since ``before``."""
        while not self.meter.is_done():
            time.sleep(0.5)
        time.sleep(SETTLED)
        measured.spent += (self.meter.read() - before).beyond(self.idle)

    def _wait(self, what: Callable[[], bool], who: Contender, *, is_needed: bool = True) -> None:
        """Wait until ``what`` is true.

        Raises:
            RuntimeError: No task instance has changed its state for too long, and there is no going on without it.
        """
        seen, changed = self.instances.states(who.dag_id), time.monotonic()
        while not what():
            self.airflow.supervise()
            time.sleep(0.5)
            now = self.instances.states(who.dag_id)
            if now != seen:
                seen, changed = now, time.monotonic()
            if time.monotonic() - changed > PATIENCE:
                if is_needed:
                    raise RuntimeError(f"{who.name}: nothing has changed for {PATIENCE:g} s, the tasks are {now}")
                return

    def _set_pool(self, slots: int, *, include_deferred: bool) -> None:
        url = f"{self.airflow.url}/api/v2/pools/default_pool"
        content = {"slots": slots, "include_deferred": include_deferred}
        with httpx.Client(trust_env=False, timeout=60) as client:
            client.patch(url, params={"update_mask": list(content)}, json=content).raise_for_status()

    def _tasks(self, who: Contender) -> Tasks:
        return self.aws.region(ACCOUNT, who.region).tasks


@contextmanager
def trial(programs: Path, in_flight: int, *, is_ended_there: bool) -> Iterator[Trial]:
    """Have an Airflow, with both DAGs, over an AWS."""
    aws = StrictAws(clock=time.time)
    for who, labels in ((OURS, dag_labels(OURS.dag_id)), (PROVIDERS, {})):
        region = aws.region(ACCOUNT, who.region)
        region.tasks.create_cluster({"clusterName": CLUSTER})
        region.definitions.register(who.dag_id, labels)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="task-success-")))
        url = stack.enter_context(on_loopback(aws))
        peers, logs = folder / "peers-dags", folder / "postgres"
        for each in (peers, logs):
            each.mkdir()
        content = PROVIDERS_DAG.format(dag_id=PROVIDERS.dag_id, cluster=CLUSTER, region=PROVIDERS.region)
        (peers / "providers.py").write_text(content)
        postgres = stack.enter_context(PostgresServer(programs, logs=logs))
        airflow = Installation(
            folder,
            database_url=postgres.url,
            environment=isolated_environment(os.environ, endpoint_url=url, region=OURS.region)
            | {"AWS_ACCESS_KEY_ID": ACCOUNT},
            bundle={"region_name": OURS.region},
            more_bundles=(
                {
                    "name": "peers",
                    "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                    "kwargs": {"path": str(peers)},
                },
            ),
            processors=("processor-one",),
            options={
                "CORE__MAX_ACTIVE_RUNS_PER_DAG": str(in_flight + 1),
                "AIRFLOW_ECS_DAG__END_IN_TRIGGERER": str(is_ended_there),
            },
        )
        stack.enter_context(airflow)
        meter = Meter(
            postgres.url,
            processors=[process.pid for process in airflow.processors.values()],
            scheduler=airflow.scheduler_pid,
        )
        made = Trial(airflow, aws, stack.enter_context(DeferredInstances(postgres.url)), meter)
        began = time.monotonic()
        while not all(airflow.api.dag(who.dag_id) for who in (OURS, PROVIDERS)):
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"Airflow has no such DAGs, but these errors: {airflow.api.import_errors()}")
            time.sleep(0.5)
        yield made


def lateness(name: str, measured: dict[Contender, Measured]) -> list[Row]:
    """Return the figures of so many in flight: against the goal, and against the provider's operator."""
    rows = []
    ours = measured[OURS]
    for percent, limit in ((50, P50), (99, P99)):
        value, figure = _percentile(ours.late, percent), f"exit to success, p{percent}, {name}"
        rows.append(Row(f"{figure}, of what it may take", value, limit, "s", 1.0))
        if PROVIDERS in measured:
            peer = _percentile(measured[PROVIDERS].late, percent)
            rows.append(Row(f"{figure}, to {PROVIDERS.name}", value, peer, "s", None))
    return rows


def spending(name: str, measured: dict[Contender, Measured]) -> list[Row]:
    """Return what Airflow spends on a task: its DAG processor, and its scheduler with the workers."""
    rows = []
    for who, each in measured.items():
        count = max(1, len(each.late))
        both = (each.spent.processor + each.spent.scheduler) / count
        rows += [
            Row(
                f"CPU a task, DAG processor, of all, {name}, {who.name}", each.spent.processor / count, both, "s", None
            ),
            Row(
                f"CPU a task, scheduler and workers, of all, {name}, {who.name}",
                each.spent.scheduler / count,
                both,
                "s",
                None,
            ),
            Row(f"callbacks to the DAG processor, of all tasks, {name}, {who.name}", each.spent.asked, count, "", None),
        ]
    return rows


def costs(name: str, measured: dict[Contender, Measured]) -> list[Row]:
    """Return what the waits cost AWS, and what was lost."""
    bucket = RATES[TASK_READS].refill
    rows = []
    for who, each in measured.items():
        is_ours = who is OURS
        of = f"{name}, {who.name}"
        rows += [
            Row(f"DescribeTasks a second, of AWS's bucket, {of}", each.calls, bucket, "/s", 0.2 if is_ours else None),
            Row(f"throttled calls, {of}", each.throttled, 0, "", 0 if is_ours else None),
            Row(f"tasks that a worker ended, of all, {of}", each.by_worker, each.lost + len(each.late), "", None),
            Row(f"tasks that were no success, {of}", each.lost, 0, "", 0 if is_ours else None),
        ]
    return rows


def _percentile(values: Sequence[float], percent: int) -> float:
    if len(values) < 2:
        return next(iter(values), float("nan"))
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--in-flight", type=int, default=1000, help="ECS tasks of ours in flight; 1,000 unless told")
    parser.add_argument("--beside-peer", type=int, default=100, help="of each in flight; 0 for nothing of the peer's")
    parser.add_argument("--seconds", type=float, default=90.0, help="over which these end")
    parser.add_argument("--alone", type=int, default=4, help="ECS tasks that are in flight one after the other")
    parser.add_argument(
        "--by-workers", action="store_true", help="let a worker end each task, as Airflow does by default"
    )
    options = parser.parse_args()
    programs = newest_programs()
    if programs is None:
        sys.exit(f"no PostgreSQL server below {PROGRAMS}: install Debian's package postgresql")
    chance = random.Random(options.seed)  # noqa: S311 - no secret
    alone = [QUIET + chance.random() * ALONE_WITHIN for _ in range(options.alone)]
    contenders = (OURS, PROVIDERS) if options.beside_peer else (OURS,)
    packages = ("airflow-ecs-dag", "apache-airflow", "apache-airflow-providers-amazon", "boto3", "aiobotocore")
    print(f"{versions(*packages)}, {os.cpu_count()} CPUs")
    print(f"seed {options.seed}, {options.alone} one after the other, those together end within {options.seconds:g} s")
    print(WHY_SO_MANY if options.beside_peer else "")
    most = max(options.in_flight, options.beside_peer)
    with trial(programs, most, is_ended_there=not options.by_workers) as airflow:
        airflow.rest(IDLE)
        one = {who: Measured() for who in contenders}
        for seconds in alone:  # by turns, so that what else the machine does is the same for both
            for who in contenders:
                airflow.alone(who, seconds, one[who])
        print(HEAD, flush=True)
        for row in (*lateness("1 in flight", one), *spending("1 in flight", one)):
            print(row, flush=True)
        for count, whose in ((options.beside_peer, contenders), (options.in_flight, (OURS,))):
            if not count:
                continue
            lives = [QUIET + chance.random() * (options.seconds - QUIET) for _ in range(count)]
            many = {who: airflow.together(who, lives) for who in whose}
            named = f"{count:,} in flight"
            for row in [*lateness(named, many), *costs(named, many), *spending(named, many)]:
                print(row, flush=True)


if __name__ == "__main__":
    main()

"""Each fault of AWS in each call of a task that waits: no good container is stopped, none doubled, no exit code lost.

The DAG runs under Airflow's own ``dag.test()``: its task runner, its database, its serialization of triggers. ECS and
CloudWatch Logs are the strict ones behind a loopback server; what a container does, a thread says.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from botocore.config import Config

from airflow_ecs_dag_cli.local_aws import isolated_environment
from airflow_ecs_dag_loader.runner import (
    container_lines,
    ecs_task_clients,
    ecs_task_poller,
    ecs_task_start,
    ecs_task_trigger,
    ecs_task_watch,
)
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from loader.dag_runs import DagRunResult, run_dag
from strict_ecs.faults import Fault
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strict_ecs.strict_aws import Region

ACCOUNT, REGION = "100000000041", "eu-west-1"
GROUP, PREFIX = "/ecs/work", "airflow"
OWN_FILE = f"{ACCOUNT}/{REGION}/waits.py"
EARLY, LATE = ["first line", "second line"], ["third line", "last line"]
FAULTS = [
    Fault.THROTTLED,
    Fault.SERVER_ERROR,
    Fault.EXPIRED_TOKEN,
    Fault.ACCESS_DENIED,
    Fault.RESET,
    Fault.TIMEOUT,
    Fault.TRUNCATED,
    Fault.EMPTY,
    Fault.HTML,
]
TIMES = 3
"""How many calls fail."""
DEFERRABLE = [pytest.param(True, id="triggerer"), pytest.param(False, id="worker")]


@dataclass
class Containers:
    """What the containers of the ECS tasks do: say something, take a while, say more, and exit.

    Attributes:
        exit_code: Theirs.
        seconds: How long they take; ``None`` for ever.
        on_running: Is done while each runs.
    """

    region: Region
    exit_code: int = 0
    seconds: float | None = 0.8
    on_running: list[Any] = field(default_factory=list)
    _seen: dict[str, float] = field(default_factory=dict)
    _closing: threading.Event = field(default_factory=threading.Event)

    def all(self) -> list[dict[str, Any]]:
        """Return the ECS tasks that there ever were."""
        tasks = self.region.tasks
        arns = [
            arn
            for status in ("RUNNING", "STOPPED")
            for arn in tasks.list_tasks({"cluster": "work", "desiredStatus": status})["taskArns"]
        ]
        return list(tasks.describe_tasks({"cluster": "work", "tasks": arns})["tasks"]) if arns else []

    def one(self) -> dict[str, Any]:
        """Return the one ECS task."""
        (task,) = self.all()
        return task

    def live(self) -> None:
        """Be the containers until :meth:`close`."""
        while not self._closing.wait(0.03):
            for task in self.all():
                arn = task["taskArn"]
                if arn not in self._seen:
                    self._seen[arn] = time.monotonic()
                    self._say(arn, EARLY)
                    for action in self.on_running:
                        action(arn)
                lasted = time.monotonic() - self._seen[arn]
                if task["lastStatus"] == "RUNNING" and self.seconds is not None and lasted > self.seconds:
                    self._say(arn, LATE)
                    self.region.tasks.finish(arn, exit_code=self.exit_code)

    def close(self) -> None:
        """End."""
        self._closing.set()

    def _say(self, arn: str, lines: list[str]) -> None:
        at = int(time.time() * 1000)
        self.region.logs.put(GROUP, f"{PREFIX}/main/{arn.rpartition('/')[2]}", [(at, line) for line in lines])


@dataclass(frozen=True)
class Work:
    """An account with a task definition, and its containers."""

    aws: StrictAws
    containers: Containers
    definition: str

    def run(self, *, deferrable: bool, file: str = OWN_FILE, **arguments: Any) -> DagRunResult:
        """Run a DAG of one task, which is in such a file, to its end."""
        with DAG("waits", schedule=None) as dag:
            dag.relative_fileloc = file
            EcsTaskOperator(
                task_id="build",
                task_definition=self.definition,
                cluster="work",
                container_name="main",
                command=["build"],
                aws_conn_id=None,
                region_name=REGION,
                awslogs_group=GROUP,
                awslogs_stream_prefix=PREFIX,
                deferrable=deferrable,
                **arguments,
            )
        return run_dag(dag)

    def lines(self, run: DagRunResult) -> list[str]:
        """Return the container's lines that the run has logged."""
        return [line for line in run.lines if line in {*EARLY, *LATE}]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """Waits are as short as a test wants them; what is waited for, and how often, stays as it is."""
    monkeypatch.setattr(
        ecs_task_clients, "_ASKING", Config(connect_timeout=1, read_timeout=0.2, retries={"total_max_attempts": 1})
    )
    monkeypatch.setattr(ecs_task_poller, "_CALLS_A_SECOND", 20.0)
    monkeypatch.setattr(ecs_task_poller, "_SHORTEST_ROUND", 0.1)
    monkeypatch.setattr(ecs_task_start, "_FIRST_WAIT", 0.05)
    monkeypatch.setattr(ecs_task_watch, "_FIRST_POLL", 0.05)
    monkeypatch.setattr(ecs_task_watch, "_LONGEST_POLL", 0.1)
    monkeypatch.setattr(ecs_task_trigger, "_LINES_EVERY", 0.1)
    monkeypatch.setattr(ecs_task_trigger, "_STOP_AGAIN_AFTER", 0.2)
    monkeypatch.setattr(container_lines, "_LAST_LINES_WAIT", 0.2)
    aws = StrictAws(clock=time.time)
    region = aws.region(ACCOUNT, REGION)
    region.tasks.create_cluster({"clusterName": "work"})
    definition = region.definitions.register("waits")
    containers = Containers(region)
    with on_loopback(aws) as url:
        environment = isolated_environment({}, endpoint_url=url, region=REGION) | {"AWS_ACCESS_KEY_ID": ACCOUNT}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        thread = threading.Thread(target=containers.live)
        thread.start()
        try:
            yield Work(aws, containers, definition)
        finally:
            containers.close()
            thread.join()


@pytest.mark.parametrize("deferrable", DEFERRABLE)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
def test_a_look_that_fails_is_no_verdict(work: Work, fault: Fault, *, deferrable: bool) -> None:
    work.containers.exit_code = 3
    work.aws.faults.add(fault, "DescribeTasks", count=TIMES)
    run = work.run(deferrable=deferrable)
    run.assert_failed_with("exited with code 3")
    assert run.lines.count("The container's last lines:\n" + "\n".join([*EARLY, *LATE])) == 1
    assert sum(line.endswith("md#the-container-exited-with-a-code-or-was-stopped") for line in run.lines) == 1
    assert work.containers.one()["stopCode"] == "EssentialContainerExited"
    assert work.aws.made("StopTask") == []
    assert len([each for each in work.aws.made("DescribeTasks") if each.fault is fault]) == TIMES
    assert work.lines(run) == [*EARLY, *LATE]
    assert sum("can't be looked at" in line for line in run.lines) == 1


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault is not Fault.ACCESS_DENIED], ids=lambda fault: fault.value
)
def test_the_triggerer_ends_a_task_when_its_lines_are_read(
    work: Work, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__AIRFLOW_ECS_DAG__END_IN_TRIGGERER", "True")
    work.containers.on_running.append(lambda _: work.aws.faults.add(fault, "GetLogEvents", count=TIMES))
    run = work.run(deferrable=True)
    assert run.state == "success", run.errors
    assert work.lines(run) == [*EARLY, *LATE]
    assert _successes(run) == 2  # dag.test() gives the end to the task once more


def test_a_triggerer_that_may_not_read_the_lines_leaves_the_end_to_a_worker(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__AIRFLOW_ECS_DAG__END_IN_TRIGGERER", "True")
    work.aws.faults.add(Fault.ACCESS_DENIED, "GetLogEvents", count=None)
    run = work.run(deferrable=True)
    assert run.state == "success", run.errors
    assert _successes(run) == 1


@pytest.mark.parametrize("file", ["dags.py", f"{ACCOUNT}/{REGION}/3.zip/ecs-waits.py"])
def test_a_worker_ends_what_is_in_no_file_of_its_own(work: Work, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's DAG processor would parse the file, with all the DAGs in it, for each end in the triggerer."""
    monkeypatch.setenv("AIRFLOW__AIRFLOW_ECS_DAG__END_IN_TRIGGERER", "True")
    run = work.run(deferrable=True, file=file)
    assert run.state == "success", run.errors
    assert work.lines(run) == [*EARLY, *LATE]
    assert _successes(run) == 1


def _successes(run: DagRunResult) -> int:
    return sum(line.startswith("ECS task ") and line.endswith(" succeeded") for line in run.lines)


@pytest.mark.parametrize("deferrable", DEFERRABLE)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
def test_lines_that_can_not_be_read_just_now_are_read_later(work: Work, fault: Fault, *, deferrable: bool) -> None:
    work.aws.faults.add(fault, "GetLogEvents", count=TIMES)
    run = work.run(deferrable=deferrable)
    assert run.state == "success", run.errors
    assert work.containers.one()["stopCode"] == "EssentialContainerExited"
    assert work.lines(run) == [*EARLY, *LATE]


@pytest.mark.parametrize("deferrable", DEFERRABLE)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
def test_a_start_that_fails_is_one_start(work: Work, fault: Fault, *, deferrable: bool) -> None:
    work.aws.faults.add(fault, "RunTask", count=TIMES)
    run = work.run(deferrable=deferrable)
    if fault is Fault.ACCESS_DENIED:
        run.assert_failed_with("AccessDenied")
        assert work.containers.all() == []
        return
    assert run.state == "success", run.errors
    assert work.containers.one()["stopCode"] == "EssentialContainerExited"
    assert work.lines(run) == [*EARLY, *LATE]


def _started_and_timed_out(work: Work, *, deferrable: bool) -> DagRunResult:
    """Return a run whose time is over after its ECS task began, however long a busy machine takes to start one."""
    for seconds in (2, 10, 50):
        run = work.run(deferrable=deferrable, execution_timeout=timedelta(seconds=seconds))
        if work.aws.made("RunTask"):
            return run
    pytest.fail("no ECS task was started within 50 s")


@pytest.mark.parametrize("deferrable", DEFERRABLE)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
def test_a_stop_that_fails_is_asked_for_again(work: Work, fault: Fault, *, deferrable: bool) -> None:
    work.containers.seconds = None
    work.aws.faults.add(fault, "StopTask", count=TIMES)
    run = _started_and_timed_out(work, deferrable=deferrable)
    assert run.state == "failed"
    if fault is Fault.ACCESS_DENIED and not deferrable:
        # A worker has no time to wait until somebody gives it the right.
        assert any("allow ecs:StopTask" in line for line in run.lines)
        return
    task = work.containers.one()
    assert task["stopCode"] == "UserInitiated"
    assert task["stoppedReason"].startswith("stopped by Airflow: dag waits, run ")


@pytest.mark.parametrize("deferrable", DEFERRABLE)
def test_a_revision_that_is_gone_while_it_runs_matters_to_nothing(work: Work, *, deferrable: bool) -> None:
    def deregister(_: str) -> None:
        work.containers.region.definitions.deregister_task_definition({"taskDefinition": work.definition})

    work.containers.on_running.append(deregister)
    run = work.run(deferrable=deferrable)
    assert run.state == "success", run.errors
    assert work.containers.one()["stopCode"] == "EssentialContainerExited"


@pytest.mark.parametrize("deferrable", DEFERRABLE)
def test_an_ecs_task_that_ecs_forgets_is_lost_and_nothing_else_starts(
    work: Work, monkeypatch: pytest.MonkeyPatch, *, deferrable: bool
) -> None:
    monkeypatch.setattr(ecs_task_watch, "_MISSING_FOR", 0.5)
    work.containers.seconds = None

    def forget(arn: str) -> None:
        work.containers.region.tasks.forget(arn)

    work.containers.on_running.append(forget)
    run = work.run(deferrable=deferrable)
    run.assert_failed_with("has not known")
    assert len(work.aws.made("RunTask")) == 1
    assert work.aws.made("StopTask") == []

"""Workers that are really killed around RunTask: however it goes on, each piece of work is one ECS task.

The ECS is the strict one, in this process; each worker is a process of its own with Airflow's task runner, execution
API and database, and with them the task state store.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.serialization.serialized_objects import create_scheduler_operator
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState

from airflow_ecs_dag_cli.local_aws import isolated_environment
from loader.dag_runs import queue_run
from loader.worker_process import DAG_ID, TASK_ID, dag_of
from strict_ecs.faults import Fault, HeldCall
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.models.taskinstance import TaskInstance

    from strict_ecs.strict_aws import Region
    from strict_ecs.tasks import Tasks

ACCOUNT, REGION = "100000000021", "eu-west-1"
PATIENCE = 120.0
TESTS = Path(__file__).parents[1]


@dataclass
class Installation:
    """An Airflow with one run of one task, and the AWS of its workers.

    Attributes:
        aws: That AWS.
        arguments: Of the task, as the newest parse of its DAG has them.
        forge: The process that makes workers.
    """

    aws: StrictAws
    url: str
    folder: Path
    arguments: dict[str, Any]
    run_id: str
    forge: subprocess.Popen[str]
    workers: list[Worker] = field(default_factory=list)

    @property
    def region(self) -> Region:
        return self.aws.region(ACCOUNT, REGION)

    @property
    def tasks(self) -> Tasks:
        return self.region.tasks

    def ecs_tasks(self) -> list[dict[str, Any]]:
        """Return all ECS tasks that there ever were, the oldest first."""
        arns = [
            arn
            for status in ("RUNNING", "STOPPED")
            for arn in self.tasks.list_tasks({"cluster": "work", "desiredStatus": status})["taskArns"]
        ]
        found = self.tasks.describe_tasks({"cluster": "work", "tasks": arns})["tasks"] if arns else []
        return sorted(found, key=lambda task: float(task["createdAt"]))

    def start_worker(self) -> Worker:
        """Give the task instance to a worker, as the scheduler does."""
        with create_session() as session:
            instance = self._instance(session)
            instance.try_number += 1
            return self._start(instance)

    def start_worker_again(self) -> Worker:
        """Give the same try to another worker, as an executor does whose message was not confirmed."""
        with create_session() as session:
            return self._start(self._instance(session))

    def notice_dead_worker(self) -> None:
        """Do what the scheduler does when the heartbeats of a worker stay away."""
        with create_session() as session:
            instance = self._instance(session)
            instance.task = create_scheduler_operator(dag_of(self.arguments).get_task(TASK_ID))
            instance.handle_failure(error="no heartbeat", session=session)
            assert instance.state == TaskInstanceState.UP_FOR_RETRY

    def clear(self) -> None:
        """Let the task instance run again, as a person does on Airflow's page."""
        with create_session() as session:
            instance = self._instance(session)
            instance.prepare_db_for_next_try(session)
            instance.state = None

    def _instance(self, session: Any) -> TaskInstance:
        run = session.query(DagRun).filter_by(dag_id=DAG_ID, run_id=self.run_id).one()
        instance: TaskInstance | None = run.get_task_instance(TASK_ID, session=session)
        assert instance is not None
        return instance

    def _start(self, instance: TaskInstance) -> Worker:
        instance.state = TaskInstanceState.QUEUED
        asked = {
            "id": str(instance.id),
            "run_id": self.run_id,
            "try_number": instance.try_number,
            "dag_version_id": str(instance.dag_version_id),
            "arguments": self.arguments,
        }
        log = self.folder / f"worker-{len(self.workers)}.log"
        environment = {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "not-aws",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_MAX_ATTEMPTS": "1",
        }
        assert self.forge.stdin is not None
        assert self.forge.stdout is not None
        self.forge.stdin.write(json.dumps({**asked, "log": str(log), "environment": environment}) + "\n")
        self.forge.stdin.flush()
        self.workers.append(Worker(int(self.forge.stdout.readline()), log))
        return self.workers[-1]


@dataclass(frozen=True)
class Worker:
    """A process that runs one try.

    Attributes:
        pid: Its number.
        log: What it writes.
    """

    pid: int
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def has_ended(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until ``condition`` is true, while it runs."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert not self.has_ended, self.text
            assert time.monotonic() < end, self.text
            time.sleep(0.02)

    def kill_when(self, condition: Callable[[], object]) -> None:
        """Kill it with SIGKILL once ``condition`` is true."""
        self.until(condition)
        self.kill()
        assert not self._told

    def kill(self) -> None:
        """Kill it with SIGKILL, if it still runs."""
        while not self.has_ended:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.02)

    def result(self) -> dict[str, str]:
        """Wait for its end; return what it tells."""
        end = time.monotonic() + PATIENCE
        while not self.has_ended:
            assert time.monotonic() < end, self.text
            time.sleep(0.02)
        assert len(self._told) == 1, self.text
        told: dict[str, str] = json.loads(self._told[0])
        return told

    @property
    def _told(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.startswith('{"state"')]


@pytest.fixture(scope="module")
def forge() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "loader.worker_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=isolated_environment(os.environ) | {"PYTHONPATH": str(TESTS)},
        text=True,
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            assert process.poll() is None
        yield process
        process.kill()


@pytest.fixture
def airflow(forge: subprocess.Popen[str], tmp_path: Path) -> Iterator[Installation]:
    aws = StrictAws(clock=time.time)
    region = aws.region(ACCOUNT, REGION)
    region.tasks.create_cluster({"clusterName": "work"})
    arguments = {
        "task_definition": region.definitions.register("reports"),
        "cluster": "work",
        "container_name": "main",
        "deferrable": False,
        "command": ["build", "{{ run_id }}"],
        "aws_conn_id": None,
        "region_name": REGION,
    }
    with on_loopback(aws) as url:
        made = Installation(aws, url, tmp_path, arguments, queue_run(dag_of(arguments)), forge)
        try:
            yield made
        finally:
            for each in made.workers:
                each.kill()


def kill_after_run_task(airflow: Installation) -> dict[str, Any]:
    """Kill a worker that has not yet got the answer of its RunTask; return the ECS task."""
    before = len(airflow.ecs_tasks())
    airflow.aws.faults.add(Fault.TIMEOUT, "RunTask")  # carried out, but never answered
    airflow.start_worker().kill_when(lambda: len(airflow.ecs_tasks()) > before)
    airflow.aws.faults.clear()
    return airflow.ecs_tasks()[-1]


def test_the_next_try_watches_what_the_killed_worker_has_started(airflow: Installation) -> None:
    started = kill_after_run_task(airflow)
    airflow.notice_dead_worker()
    worker = airflow.start_worker()
    worker_ends_with(airflow, worker, started)
    assert worker.result() == {"state": "success", "error": ""}
    assert "still runs and does this work: it is watched" in worker.text
    assert [task["taskArn"] for task in airflow.ecs_tasks()] == [started["taskArn"]]
    assert len(airflow.aws.made("RunTask")) == 1


def worker_ends_with(airflow: Installation, worker: Worker, task: dict[str, Any], exit_code: int = 0) -> None:
    """Let the ECS task end once the worker looks at it."""
    looks = len(airflow.aws.made("DescribeTasks"))
    worker.until(lambda: len(airflow.aws.made("DescribeTasks")) >= looks + 2)
    airflow.tasks.finish(task["taskArn"], exit_code=exit_code)


def test_the_same_try_again_finds_its_ecs_task(airflow: Installation) -> None:
    started = kill_after_run_task(airflow)
    worker = airflow.start_worker_again()
    worker_ends_with(airflow, worker, started)
    assert worker.result()["state"] == "success"
    assert len(airflow.ecs_tasks()) == 1
    tokens = {call.parameters["clientToken"] for call in airflow.aws.made("RunTask")}
    assert len(tokens) == 1


def test_a_success_that_nobody_saw_counts(airflow: Installation) -> None:
    started = kill_after_run_task(airflow)
    airflow.tasks.finish(started["taskArn"])
    airflow.notice_dead_worker()
    worker = airflow.start_worker()
    assert worker.result() == {"state": "success", "error": ""}
    assert "has ended well: it counts" in worker.text
    assert len(airflow.ecs_tasks()) == 1


def test_a_failure_that_nobody_saw_is_tried_again(airflow: Installation) -> None:
    started = kill_after_run_task(airflow)
    airflow.tasks.finish(started["taskArn"], exit_code=3)
    airflow.notice_dead_worker()
    airflow.tasks.run_seconds = 1
    assert airflow.start_worker().result()["state"] == "success"
    first, second = airflow.ecs_tasks()
    assert first["stoppedAt"] <= second["createdAt"]


def test_an_ecs_task_that_the_list_does_not_have_yet_is_found(airflow: Installation) -> None:
    """ListTasks is consistent in the end only; a worker may be dead and its retry there before that."""
    started = kill_after_run_task(airflow)
    airflow.notice_dead_worker()
    airflow.aws.faults.add(Fault.STALE_LIST, "ListTasks", count=None)
    worker = airflow.start_worker()
    worker_ends_with(airflow, worker, started)
    assert worker.result()["state"] == "success"
    assert len(airflow.ecs_tasks()) == 1


def test_a_worker_killed_before_its_call_got_there_leaves_nothing_behind(airflow: Installation) -> None:
    airflow.aws.faults.add(Fault.SERVER_ERROR, "RunTask")
    airflow.start_worker().kill_when(lambda: airflow.aws.made("RunTask"))
    assert airflow.ecs_tasks() == []
    airflow.notice_dead_worker()
    airflow.tasks.run_seconds = 1
    assert airflow.start_worker().result()["state"] == "success"
    assert len(airflow.ecs_tasks()) == 1


def test_other_work_is_stopped_before_the_new_one_starts(airflow: Installation) -> None:
    started = kill_after_run_task(airflow)
    airflow.notice_dead_worker()
    airflow.arguments["task_definition"] = airflow.region.definitions.register("reports")
    airflow.tasks.run_seconds = 1
    worker = airflow.start_worker()
    assert worker.result()["state"] == "success"
    first, second = airflow.ecs_tasks()
    assert first["taskArn"] == started["taskArn"]
    assert first["stopCode"] == "UserInitiated"
    for part in ("stopped by Airflow", f"dag {DAG_ID}", f"run {airflow.run_id}", f"task {TASK_ID}", "try 2"):
        assert part in first["stoppedReason"]
    assert first["stoppedAt"] <= second["createdAt"]
    assert second["taskDefinitionArn"].endswith("reports:2")


def test_three_workers_killed_in_turn_share_one_ecs_task(airflow: Installation) -> None:
    started = kill_after_run_task(airflow)
    for _ in range(2):
        airflow.notice_dead_worker()
        looks = len(airflow.aws.made("DescribeTasks"))
        airflow.start_worker().kill_when(lambda looks=looks: len(airflow.aws.made("DescribeTasks")) > looks + 2)  # type: ignore[misc]
    airflow.notice_dead_worker()
    airflow.tasks.finish(started["taskArn"])
    assert airflow.start_worker().result()["state"] == "success"
    assert len(airflow.ecs_tasks()) == 1


def test_what_was_judged_is_not_taken_again(airflow: Installation) -> None:
    """A task that is cleared after its success is to do its work again, though its ECS task is still shown."""
    airflow.tasks.run_seconds = 1
    assert airflow.start_worker().result()["state"] == "success"
    airflow.clear()
    assert airflow.start_worker().result()["state"] == "success"
    assert len(airflow.ecs_tasks()) == 2


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, None], ids=["lost", "arrived"])
def test_the_next_try_finds_what_a_worker_was_killed_for_stopping(airflow: Installation, fault: Fault | None) -> None:
    """Its time was up, and its StopTask under way: the call gets lost, or ECS carries it out."""
    airflow.arguments["execution_timeout"] = 10
    held = HeldCall()
    airflow.aws.faults.before("StopTask", held)
    if fault:
        airflow.aws.faults.add(fault, "StopTask")
    airflow.start_worker().kill_when(lambda: held.is_under_way)
    held.release()
    wait_until(lambda: airflow.aws.made("StopTask"))
    airflow.aws.faults.clear()
    (left,) = airflow.ecs_tasks()
    assert left["lastStatus"] == ("RUNNING" if fault else "STOPPED")

    airflow.notice_dead_worker()
    worker = airflow.start_worker()
    told = worker.result()
    assert told["state"] == "up_for_retry"
    assert told["error"].startswith("AirflowTaskTimeout")
    first, *others = airflow.ecs_tasks()
    assert first["taskArn"] == left["taskArn"]
    assert [task["stopCode"] for task in (first, *others)] == ["UserInitiated"] * (1 if fault else 2)
    assert all(first["stoppedAt"] <= other["createdAt"] for other in others)
    assert ("it is watched" in worker.text) == bool(fault)
    assert ("try 2" if fault else "try 1") in first["stoppedReason"]


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until ``condition`` is true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)

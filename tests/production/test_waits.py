"""Tasks that wait in real triggerers, while people click, time is up, and processes are killed.

Each test has a DAG of its own with one ECS task. ECS is the strict one; the test says when a container ends. What must
come out of each: no good container is stopped, none runs on that nobody wants, none is started twice, and the exit code
is the verdict.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_ecs_dag_cli.local_aws import isolated_environment
from loader.ecs_account import dag_labels
from production.installation import Installation
from strict_ecs.faults import Fault, HeldCall
from strict_ecs.http_door import on_loopback
from strict_ecs.strict_aws import StrictAws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_ecs_dag_cli.postgres_server import PostgresServer
    from strict_ecs.strict_aws import Region

pytestmark = [pytest.mark.airflow, pytest.mark.postgresql, pytest.mark.timeout(900)]

ACCOUNT, REGION = "111122223355", "eu-west-1"
CLUSTER = "work"
TASK = "build"
TRIGGERERS = ("triggerer-one", "triggerer-two")
WORKER_STARTS = "Worker startup parse complete"
"""What Airflow logs once each time that a worker takes a task up."""
PATIENCE = 150.0
"""How long Airflow may take before a test gives up; not what it should take."""
TRIGGERER_COUNTS_AS_DEAD = 6
SECONDS_TO_NOTICE = 8.0
"""How long a triggerer that wakes up is given to see that its triggers are another one's now."""
KINDS: dict[str, dict[str, str]] = {
    "ends-well": {},
    "done-again": {},
    "skips": {"tasks__build__skip_on_exit_code.0": "99"},
    "makes-an-asset": {"tasks__build__outlets.0.uri": "https://example.com/prices"},
    "fails": {},
    "marked-failed": {},
    "marked-success": {},
    "cleared": {},
    "out-of-time": {"dag__defaults__execution_timeout": "PT12S"},
    "run-out-of-time": {"dag__dagrun_timeout": "PT15S"},
    "triggerer-killed": {},
    "triggerer-asleep": {},
    "scheduler-killed": {},
    "retried": {"dag__defaults__retries": "1", "dag__defaults__retry_delay": "PT1S"},
    "stop-lost": {},
    "stop-arrived": {},
    "late-stop-lost": {"dag__defaults__execution_timeout": "PT15S"},
}


@dataclass
class Waits:
    """An installation whose DAGs are those of :data:`KINDS`, and the AWS where their tasks run."""

    airflow: Installation
    aws: StrictAws
    region: Region
    http: httpx.Client
    logs: Path

    def start(self, kind: str) -> str:
        """Trigger the DAG; return its run's id once its ECS task runs and the task waits for it."""
        run_id = self.airflow.api.trigger(kind, logical_date=None)
        self.wait_for(kind, run_id, "deferred")
        return run_id

    def wait_for(self, kind: str, run_id: str, *states: str) -> None:
        """Wait until the task is in one of ``states``."""
        self.wait(lambda: self.state(kind, run_id) in states, lambda: f"{kind}: {self.state(kind, run_id)}")

    def wait(self, what: Callable[[], object], describe: Callable[[], object]) -> None:
        """Wait until ``what`` is true."""
        deadline = time.monotonic() + PATIENCE
        while not what():
            assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {describe()}"
            time.sleep(0.5)

    def state(self, kind: str, run_id: str) -> str | None:
        """Return the state of the task."""
        return {task.task_id: task.state for task in self.airflow.api.tasks(kind, run_id)}.get(TASK)

    def log(self, kind: str, run_id: str) -> str:
        """Return the log of the task's last try."""
        (task,) = [each for each in self.airflow.api.tasks(kind, run_id) if each.task_id == TASK]
        events = self.airflow.api.log(kind, run_id, task)
        return "\n".join(f"{event.message} {event.error_detail or ''}" for event in events)

    def trigger_logs(self, kind: str) -> str:
        """Return what the triggerers have logged for the tasks of a DAG."""
        return "\n".join(path.read_text() for path in self.logs.glob(f"dag_id={kind}/**/*.trigger.*"))

    def ecs_tasks(self, kind: str) -> list[dict[str, Any]]:
        """Return all ECS tasks of a DAG, the oldest first."""
        tasks = self.region.tasks
        arns = [
            arn
            for status in ("RUNNING", "STOPPED")
            for arn in tasks.list_tasks({"cluster": CLUSTER, "family": kind, "desiredStatus": status})["taskArns"]
        ]
        found = tasks.describe_tasks({"cluster": CLUSTER, "tasks": arns})["tasks"] if arns else []
        return sorted(found, key=lambda task: float(task["createdAt"]))

    def ecs_task(self, kind: str) -> dict[str, Any]:
        """Return the one ECS task that there ever was."""
        (task,) = self.ecs_tasks(kind)
        return task

    def finish(self, kind: str, *, exit_code: int = 0) -> None:
        """End the container of the ECS task that runs."""
        (running,) = [task for task in self.ecs_tasks(kind) if task["lastStatus"] == "RUNNING"]
        self.region.tasks.finish(running["taskArn"], exit_code=exit_code)

    def mark(self, kind: str, run_id: str, state: str) -> None:
        """Mark the task, as a person does on Airflow's page."""
        path = f"/dags/{kind}/dagRuns/{run_id}/taskInstances/{TASK}"
        self.http.patch(path, json={"new_state": state}).raise_for_status()

    def clear(self, kind: str, run_id: str) -> None:
        """Clear the task, as a person does on Airflow's page."""
        asked = {"dag_run_id": run_id, "task_ids": [TASK], "dry_run": False, "only_failed": False}
        self.http.post(f"/dags/{kind}/clearTaskInstances", json=asked).raise_for_status()

    def triggerer_of(self, kind: str, run_id: str) -> str | None:
        """Return the machine of the triggerer that waits for the task; ``None`` if none does yet."""
        found = self.http.get(f"/dags/{kind}/dagRuns/{run_id}/taskInstances/{TASK}").raise_for_status().json()
        job = found["triggerer_job"]
        return None if job is None else str(job["hostname"])

    def waiting_triggerer(self, kind: str, run_id: str, *, other_than: str | None = None) -> str:
        """Return the machine of the triggerer that waits for the task, once there is one that does."""

        def waits() -> bool:
            return self.triggerer_of(kind, run_id) not in {None, other_than}

        self.wait(waits, lambda: self.triggerer_of(kind, run_id))
        time.sleep(2)  # the process of the triggers gets it up to a second later
        return str(self.triggerer_of(kind, run_id))

    @contextmanager
    def holding_stop(self, fault: Fault | None) -> Iterator[HeldCall]:
        """Keep the next StopTask under way in the block.

        Args:
            fault: What happens to the call after the block; without any, ECS carries it out.
        """
        held, before = HeldCall(), len(self.aws.made("StopTask"))
        self.aws.faults.before("StopTask", held)
        if fault:
            self.aws.faults.add(fault, "StopTask")
        try:
            yield held
        finally:
            held.release()
        self.wait(lambda: len(self.aws.made("StopTask")) > before, lambda: "ECS has not looked at it")
        self.aws.faults.clear()


@pytest.fixture(scope="module")
def waits(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waits]:
    aws = StrictAws(clock=time.time)
    region = aws.region(ACCOUNT, REGION)
    region.tasks.create_cluster({"clusterName": CLUSTER})
    for kind, labels in KINDS.items():
        region.definitions.register(kind, dag_labels(kind, **labels))
    with ExitStack() as stack:
        url = stack.enter_context(on_loopback(aws))
        folder = tmp_path_factory.mktemp("waits")
        airflow = Installation(
            folder,
            database_url=postgres.url,
            environment=isolated_environment(os.environ, endpoint_url=url, region=REGION)
            | {"AWS_ACCESS_KEY_ID": ACCOUNT},
            bundle={"region_name": REGION},
            processors=("processor-one",),
            triggerers=TRIGGERERS,
            options={
                # As remote logging does, so that the API server sees what other machines write.
                "LOGGING__BASE_LOG_FOLDER": str(folder / "task-logs"),
                "AIRFLOW_ECS_DAG__END_IN_TRIGGERER": "True",
                "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": str(TRIGGERER_COUNTS_AS_DEAD),
                "TRIGGERER__JOB_HEARTBEAT_SEC": "1",
                "SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "5",
            },
        )
        stack.enter_context(airflow)
        http = stack.enter_context(httpx.Client(base_url=f"{airflow.url}/api/v2", trust_env=False, timeout=60))
        made = Waits(airflow, aws, region, http, folder / "task-logs")
        made.wait(lambda: all(airflow.api.dag(kind) for kind in KINDS), airflow.api.import_errors)
        yield made


def test_a_container_that_ends_well_is_a_success(waits: Waits) -> None:
    run_id = waits.start("ends-well")
    waits.finish("ends-well")
    waits.wait_for("ends-well", run_id, "success", "failed")
    assert waits.state("ends-well", run_id) == "success"
    assert waits.ecs_task("ends-well")["stopCode"] == "EssentialContainerExited"
    assert "succeeded" in waits.log("ends-well", run_id)
    assert waits.log("ends-well", run_id).count(WORKER_STARTS) == 1  # the second one would be there for nothing


def test_a_container_that_says_so_is_skipped(waits: Waits) -> None:
    run_id = waits.start("skips")
    waits.finish("skips", exit_code=99)
    waits.wait_for("skips", run_id, "skipped", "success", "failed")
    assert waits.state("skips", run_id) == "skipped"
    assert "exited with code 99, which skips the task" in waits.log("skips", run_id)
    assert waits.log("skips", run_id).count(WORKER_STARTS) == 1


def test_what_a_task_makes_is_told_by_a_worker(waits: Waits) -> None:
    run_id = waits.start("makes-an-asset")
    waits.finish("makes-an-asset")
    waits.wait_for("makes-an-asset", run_id, "success", "failed")
    assert waits.state("makes-an-asset", run_id) == "success"
    assert waits.log("makes-an-asset", run_id).count(WORKER_STARTS) == 2
    events = waits.http.get("/assets/events").raise_for_status().json()["asset_events"]
    assert [event["source_dag_id"] for event in events] == ["makes-an-asset"]


def test_a_container_that_fails_is_a_failure(waits: Waits) -> None:
    run_id = waits.start("fails")
    waits.finish("fails", exit_code=3)
    waits.wait_for("fails", run_id, "success", "failed")
    assert waits.state("fails", run_id) == "failed"
    assert "exited with code 3" in waits.log("fails", run_id)
    assert len(waits.ecs_tasks("fails")) == 1


def test_a_retry_has_an_ecs_task_of_its_own(waits: Waits) -> None:
    run_id = waits.start("retried")
    waits.finish("retried", exit_code=1)
    waits.wait(lambda: len(waits.ecs_tasks("retried")) == 2, lambda: waits.ecs_tasks("retried"))
    waits.wait_for("retried", run_id, "deferred")
    waits.finish("retried")
    waits.wait_for("retried", run_id, "success", "failed")
    assert waits.state("retried", run_id) == "success"


@pytest.mark.parametrize(("kind", "state"), [("marked-failed", "failed"), ("marked-success", "success")])
def test_what_a_person_marks_is_stopped(waits: Waits, kind: str, state: str) -> None:
    run_id = waits.start(kind)
    waits.waiting_triggerer(kind, run_id)
    waits.mark(kind, run_id, state)
    waits.wait(lambda: waits.ecs_task(kind)["lastStatus"] == "STOPPED", lambda: waits.ecs_task(kind))
    assert waits.ecs_task(kind)["stopCode"] == "UserInitiated"
    for part in (f"dag {kind}", f"run {run_id}", f"task {TASK}", "try 1"):
        assert part in waits.ecs_task(kind)["stoppedReason"]
    assert waits.state(kind, run_id) == state


def test_what_a_person_clears_is_stopped_and_starts_anew(waits: Waits) -> None:
    run_id = waits.start("cleared")
    waits.waiting_triggerer("cleared", run_id)
    (first,) = waits.ecs_tasks("cleared")
    waits.clear("cleared", run_id)

    def states() -> list[str]:
        return [task["lastStatus"] for task in waits.ecs_tasks("cleared")]

    waits.wait(lambda: sorted(states()) == ["RUNNING", "STOPPED"], states)
    waits.wait_for("cleared", run_id, "deferred")
    assert waits.ecs_tasks("cleared")[0]["taskArn"] == first["taskArn"]
    assert waits.ecs_tasks("cleared")[0]["stopCode"] == "UserInitiated"
    waits.finish("cleared")
    waits.wait_for("cleared", run_id, "success", "failed")
    assert waits.state("cleared", run_id) == "success"
    assert len(waits.ecs_tasks("cleared")) == 2


def test_what_is_cleared_after_its_success_starts_anew(waits: Waits) -> None:
    kind = "done-again"
    run_id = waits.start(kind)
    waits.finish(kind)
    waits.wait_for(kind, run_id, "success", "failed")
    waits.clear(kind, run_id)
    waits.wait(lambda: len(waits.ecs_tasks(kind)) == 2, lambda: waits.ecs_tasks(kind))
    waits.wait_for(kind, run_id, "deferred")
    waits.finish(kind)
    waits.wait_for(kind, run_id, "success", "failed")
    assert waits.state(kind, run_id) == "success"
    assert [task["stopCode"] for task in waits.ecs_tasks(kind)] == ["EssentialContainerExited"] * 2


def test_a_try_that_is_out_of_time_is_stopped(waits: Waits) -> None:
    run_id = waits.start("out-of-time")
    waits.wait_for("out-of-time", run_id, "failed", "success")
    assert waits.state("out-of-time", run_id) == "failed"
    assert waits.ecs_task("out-of-time")["stopCode"] == "UserInitiated"
    assert "execution_timeout of 12 s" in waits.log("out-of-time", run_id)


def test_a_run_that_is_out_of_time_is_stopped(waits: Waits) -> None:
    waits.start("run-out-of-time")

    def task() -> dict[str, Any]:
        return waits.ecs_task("run-out-of-time")

    waits.wait(lambda: task()["lastStatus"] == "STOPPED", task)
    assert task()["stopCode"] == "UserInitiated"


def test_another_triggerer_goes_on_for_one_that_is_killed(waits: Waits) -> None:
    kind = "triggerer-killed"
    run_id = waits.start(kind)
    machine = waits.waiting_triggerer(kind, run_id)
    waits.airflow.kill(machine)
    try:
        waits.waiting_triggerer(kind, run_id, other_than=machine)
        assert waits.ecs_task(kind)["lastStatus"] == "RUNNING"
        waits.finish(kind)
        waits.wait_for(kind, run_id, "success", "failed")
    finally:
        waits.airflow.start(machine)
    assert waits.state(kind, run_id) == "success"
    assert waits.ecs_task(kind)["stopCode"] == "EssentialContainerExited"


def test_a_triggerer_that_was_asleep_stops_nothing_of_what_another_has_taken(waits: Waits) -> None:
    kind = "triggerer-asleep"
    run_id = waits.start(kind)
    machine = waits.waiting_triggerer(kind, run_id)
    group = waits.airflow.triggerers[machine].pid
    os.killpg(group, signal.SIGSTOP)
    try:
        waits.waiting_triggerer(kind, run_id, other_than=machine)
    finally:
        os.killpg(group, signal.SIGCONT)
    time.sleep(SECONDS_TO_NOTICE)
    assert "Trigger cancelled by user action" in waits.trigger_logs(kind)
    assert waits.ecs_task(kind)["lastStatus"] == "RUNNING"
    waits.finish(kind)
    waits.wait_for(kind, run_id, "success", "failed")
    assert waits.state(kind, run_id) == "success"
    assert waits.ecs_task(kind)["stopCode"] == "EssentialContainerExited"


def test_a_wait_outlives_the_scheduler(waits: Waits) -> None:
    kind = "scheduler-killed"
    run_id = waits.start(kind)
    waits.airflow.kill_scheduler()
    try:
        waits.finish(kind)
        time.sleep(5)
    finally:
        waits.airflow.start_scheduler()
    waits.wait_for(kind, run_id, "success", "failed")
    assert waits.state(kind, run_id) == "success"
    assert waits.ecs_task(kind)["stopCode"] == "EssentialContainerExited"


@pytest.mark.parametrize(("kind", "fault"), [("stop-lost", Fault.SERVER_ERROR), ("stop-arrived", None)])
def test_the_next_try_stops_what_a_killed_triggerer_could_not(waits: Waits, kind: str, fault: Fault | None) -> None:
    """Airflow has forgotten the trigger of a task that was marked, so no other triggerer goes on with the stop."""
    with waits.holding_stop(fault) as held:
        run_id = waits.start(kind)
        machine = waits.waiting_triggerer(kind, run_id)
        waits.mark(kind, run_id, "failed")
        waits.wait(lambda: held.is_under_way, lambda: "no StopTask")
        waits.airflow.kill(machine)
    try:
        (first,) = waits.ecs_tasks(kind)
        assert first["lastStatus"] == ("RUNNING" if fault else "STOPPED")
        assert waits.state(kind, run_id) == "failed"
        waits.clear(kind, run_id)
        waits.wait(lambda: len(waits.ecs_tasks(kind)) == 2, lambda: waits.ecs_tasks(kind))
        waits.wait_for(kind, run_id, "deferred")
    finally:
        waits.airflow.start(machine)
    stopped, started = waits.ecs_tasks(kind)
    assert stopped["taskArn"] == first["taskArn"]
    assert stopped["stopCode"] == "UserInitiated"
    assert stopped["stoppedAt"] <= started["createdAt"]
    assert ("try 2" if fault else "try 1") in stopped["stoppedReason"]
    waits.finish(kind)
    waits.wait_for(kind, run_id, "success", "failed")
    assert waits.state(kind, run_id) == "success"
    assert len(waits.ecs_tasks(kind)) == 2


def test_another_triggerer_stops_what_is_out_of_time(waits: Waits) -> None:
    kind = "late-stop-lost"
    with waits.holding_stop(Fault.SERVER_ERROR) as held:
        run_id = waits.start(kind)
        machine = waits.waiting_triggerer(kind, run_id)
        waits.wait(lambda: held.is_under_way, lambda: "no StopTask")
        waits.airflow.kill(machine)
    try:
        assert waits.ecs_task(kind)["lastStatus"] == "RUNNING"
        waits.wait_for(kind, run_id, "failed", "success")
    finally:
        waits.airflow.start(machine)
    assert waits.state(kind, run_id) == "failed"
    assert waits.ecs_task(kind)["stopCode"] == "UserInitiated"
    assert "execution_timeout of 15 s" in waits.log(kind, run_id)

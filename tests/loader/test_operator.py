"""One ECS task from start to end, in the emulator with real processes; what AWS answers badly is never a verdict."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowException

from airflow_ecs_dag_loader.console_links import task_definition_url
from airflow_ecs_dag_loader.dag_builder import DagSource, build_dag
from airflow_ecs_dag_loader.registry import scan
from airflow_ecs_dag_loader.runner import ecs_task_watch
from airflow_ecs_dag_loader.runner.ecs_errors import EcsSidecarError
from airflow_ecs_dag_loader.runner.ecs_task_operator import EcsTaskOperator
from airflow_ecs_dag_loader.runner.verdict import EcsTaskFailedError, EcsTaskLostError
from airflow_ecs_dag_schema import decode
from loader.bad_answers import UNUSABLE, Answer, error, intercept
from loader.dag_runs import run_dag
from loader.ecs_account import IMAGE, REGION, dag_labels
from loader.ecs_operators import LOGS, arguments_for, ecs_tasks, operator
from loader.sources import SOURCE
from loader.task_runs import run_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

    from loader.ecs_account import EcsAccount

pytestmark = pytest.mark.emulator

PATIENCE = 30.0


def test_success_with_the_containers_lines_in_the_log(work: EcsAccount) -> None:
    task = operator(work.register("reports", logConfiguration=LOGS), "convert", "{{ ds }}", "a b")
    run_task(task)
    assert task.said.count("did convert 2019-12-04 a b") == 1
    (ran,) = ecs_tasks(work)
    assert ran["taskArn"] == task.arn
    assert ran["overrides"]["containerOverrides"][0]["command"] == ["convert", "2019-12-04", "a b"]


def test_every_line_is_in_the_log_once_and_in_order(work: EcsAccount) -> None:
    task = operator(work.register("reports", logConfiguration=LOGS), "count", "2500")
    run_task(task)
    lines = [line for line in task.said if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(2500)]


def test_lines_that_come_after_the_end_are_in_the_log(work: EcsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudWatch Logs has a container's last lines only a while after ECS says that it has stopped."""
    task = operator(work.register("reports", logConfiguration=LOGS), "convert")
    logs: Any = work.logs()
    ended: list[bool] = []
    late_looks = [False]

    def note(parsed: dict[str, Any], **_: object) -> None:
        ended.extend(True for each in parsed.get("tasks", ()) if each["lastStatus"] == "STOPPED")

    def late(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        if ended and not late_looks:
            return None
        if ended:
            late_looks.pop()
        return Answer(200, b'{"events": []}').response(request)

    ecs: Any = task.client
    ecs.meta.events.register("after-call.ecs.DescribeTasks", note)
    logs.meta.events.register("before-send.logs.GetLogEvents", late)
    monkeypatch.setattr(task._calls, "logs", lambda _: logs)
    run_task(task)
    assert task.said.count("did convert") == 1


def test_an_exit_code_is_a_failure_that_names_it(work: EcsAccount) -> None:
    with pytest.raises(EcsTaskFailedError, match="container main exited with code 3"):
        run_task(operator(work.register("reports", logConfiguration=LOGS), "exit", "3"))


def test_an_image_that_is_not_there_is_a_failure_with_the_reason(work: EcsAccount) -> None:
    definition = work.register("reports", image="assets.example.com/unknown:1", logConfiguration=LOGS)
    with pytest.raises(EcsTaskFailedError, match=r"never ran, its image can.t be pulled: .*push it, .*unknown"):
        run_task(operator(definition, "convert"))


def test_a_sidecar_that_exits_with_1_is_no_failure(work: EcsAccount) -> None:
    definition = work.register_containers(
        "reports",
        [
            {"name": "sidecar", "image": IMAGE, "essential": False, "command": ["exit", "1"]},
            {"name": "main", "image": IMAGE, "logConfiguration": LOGS},
        ],
    )
    run_task(operator(definition, "work", "2"))  # the emulator gives a sidecar that it saw last the task's exit code
    (ran,) = ecs_tasks(work)
    assert {each["name"]: each["exitCode"] for each in ran["containers"]} == {"sidecar": 1, "main": 0}


def test_without_logs_the_task_runs_all_the_same(work: EcsAccount) -> None:
    task = operator(work.register("reports"), "convert", awslogs_group=None, awslogs_stream_prefix=None)
    run_task(task)
    assert any("not in CloudWatch Logs" in line for line in task.said)


@pytest.mark.usefixtures("work")
def test_a_task_definition_that_ecs_does_not_have() -> None:
    with pytest.raises(EcsTaskFailedError, match="ECS refused to run nowhere:1: ClientException"):
        run_task(operator("nowhere:1", "convert"))


def test_a_start_that_ecs_reports_as_failed(work: EcsAccount) -> None:
    task = operator(work.register("reports"), "convert")
    failure = b'{"tasks": [], "failures": [{"reason": "ATTRIBUTE", "detail": "no host has a GPU"}]}'
    intercept(task.client, "RunTask", Answer(200, failure))
    with pytest.raises(EcsTaskFailedError, match="ATTRIBUTE no host has a GPU"):
        run_task(task)


def test_an_override_larger_than_ecs_takes_starts_nothing(work: EcsAccount) -> None:
    task = operator(work.register("reports"), "x" * 8_192)
    runs = intercept(task.client, "RunTask")
    with pytest.raises(EcsTaskFailedError, match="8192"):
        run_task(task)
    assert runs.requests == []


def sent(account: EcsAccount, definition: str, **run: Any) -> dict[str, Any]:
    task = operator(definition, "convert")
    runs = intercept(task.client, "RunTask", error("AccessDeniedException"))
    with pytest.raises(EcsTaskFailedError, match="AccessDenied"):
        run_task(task, **run)
    assert ecs_tasks(account) == []
    (request,) = runs.requests
    return request


def test_the_token_is_the_same_for_a_replay_and_another_for_any_other_try(work: EcsAccount) -> None:
    definition = work.register("reports")
    first, replay = sent(work, definition), sent(work, definition)
    assert first == replay
    others = [
        sent(work, definition, run_id="another"),
        sent(work, definition, try_number=2),
        sent(work, definition, map_index=1),
        sent(work, definition, start_date=None),
    ]
    tokens = {request["clientToken"] for request in (first, *others)}
    assert len(tokens) == 5
    for request in (first, *others):
        assert re.fullmatch(r"[\x21-\x7e]{1,64}", request["clientToken"])
        assert re.fullmatch(r"[A-Za-z0-9/_-]{1,128}", request["startedBy"])
    assert (first["count"], first["cluster"], first["taskDefinition"]) == (1, "work", definition)
    assert "launchType" not in first


def test_where_it_runs_is_asked_of_ecs(work: EcsAccount) -> None:
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    on_fargate = {"launchType": "FARGATE", "networkConfiguration": network}
    for arguments, expected in (
        ({"launch_type": "FARGATE", "network_configuration": network}, on_fargate),
        ({"capacity_provider_strategy": strategy}, {"capacityProviderStrategy": strategy}),
    ):
        task = operator(work.register("reports"), "convert", **arguments)
        runs = intercept(task.client, "RunTask", error("AccessDeniedException"))
        with pytest.raises(EcsTaskFailedError):
            run_task(task)
        (request,) = runs.requests
        where = {"launchType", "networkConfiguration", "capacityProviderStrategy"}
        assert {name: request[name] for name in where & request.keys()} == expected


UNTOLD = ["empty", "empty object", "truncated", "HTML", "a list", "null", "no UTF-8", "server error", "timeout"]


@pytest.mark.parametrize("kind", UNTOLD)
def test_a_start_that_ecs_did_not_tell_of_is_asked_again_with_the_same_token(work: EcsAccount, kind: str) -> None:
    task = operator(work.register("reports"), "convert")
    runs = intercept(task.client, "RunTask", UNUSABLE[kind])
    run_task(task)
    assert len(runs.requests) == 2
    assert len({request["clientToken"] for request in runs.requests}) == 1


def test_a_start_that_ecs_never_tells_of_is_said_to_be_in_doubt(work: EcsAccount) -> None:
    task = operator(work.register("reports"), "convert", start_timeout=0.3)
    runs = intercept(task.client, "RunTask", *[UNUSABLE["empty"]] * 99)
    with pytest.raises(EcsTaskLostError, match=r"startedBy airflow/[0-9a-f]{32}"):
        run_task(task)
    assert len({request["clientToken"] for request in runs.requests}) == 1
    assert len(runs.requests) > 1


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_look_that_failed_neither_ends_nor_stops_a_healthy_task(work: EcsAccount, kind: str) -> None:
    task = operator(work.register("reports", logConfiguration=LOGS), "convert")
    looks = intercept(task.client, "DescribeTasks", *[UNUSABLE[kind]] * 2)
    stops = intercept(task.client, "StopTask")
    run_task(task)
    assert len(looks.requests) > 2
    assert stops.requests == []
    (ran,) = ecs_tasks(work)
    assert ran.get("stopCode") != "UserInitiated"


MISSING = Answer(200, b'{"tasks": [], "failures": [{"reason": "MISSING"}]}')


@pytest.mark.parametrize("answer", [MISSING, error("ClusterNotFoundException", "Cluster not found.")])
def test_a_task_that_ecs_does_not_know_for_long_is_lost_not_failed(
    work: EcsAccount, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    task = operator(work.register("reports"), "hold")
    intercept(task.client, "DescribeTasks", *[answer] * 3)
    run_in_background(task, lambda: bool(task.arn)).stop(work)
    monkeypatch.setattr(ecs_task_watch, "_MISSING_FOR", 0.2)
    again = operator(work.register("reports"), "convert")
    intercept(again.client, "DescribeTasks", *[answer] * 99)
    with pytest.raises(EcsTaskLostError, match="not known"):
        run_task(again)


class Running:
    """An operator that runs in a thread, as Airflow's signals find it in its process."""

    def __init__(self, task: EcsTaskOperator) -> None:
        self.task = task
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            run_task(self.task)
        except AirflowException as failure:
            self.failure = failure

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.05)
        pytest.fail("never came true")

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def stop(self, account: EcsAccount) -> None:
        account.ecs().stop_task(cluster="work", task=str(self.task.arn))
        self.join()


def run_in_background(task: EcsTaskOperator, condition: Callable[[], bool]) -> Running:
    running = Running(task)
    running.until(condition)
    return running


def test_a_kill_stops_the_process_and_says_why(work: EcsAccount) -> None:
    task = operator(work.register("reports", logConfiguration=LOGS), "hold")
    running = run_in_background(task, lambda: "holding" in task.said)
    task.on_kill()
    running.join()
    assert isinstance(running.failure, EcsTaskFailedError)
    assert "Airflow stopped the ECS task" in str(running.failure)
    (ran,) = ecs_tasks(work)
    assert ran["lastStatus"] == "STOPPED"
    reason = ran["stoppedReason"]
    for part in ("Airflow", "dag reports", "run manual__2026-02-28", "task build", "try 1"):
        assert part in reason


@pytest.mark.parametrize("kind", ["a list", "no UTF-8", "throttled", "access denied", "server error", "timeout"])
def test_a_stop_that_fails_is_said_and_raises_nothing(work: EcsAccount, kind: str) -> None:
    """An error in a signal's handler would end the watch over a task that goes on."""
    task = operator(work.register("reports"), "convert")
    task.arn = f"arn:aws:ecs:{REGION}:{work.number}:task/work/0123"
    intercept(task.client, "StopTask", UNUSABLE[kind])
    task.on_kill()
    assert "could not be stopped" in task.said[-1]


def test_a_kill_before_the_start_starts_nothing(work: EcsAccount) -> None:
    task = operator(work.register("reports"), "convert")
    runs = intercept(task.client, "RunTask")
    task.on_kill()
    with pytest.raises(EcsTaskFailedError, match="stopped by Airflow"):
        run_task(task)
    assert runs.requests == []


def test_a_kill_while_ecs_starts_the_task_stops_it(work: EcsAccount) -> None:
    task = operator(work.register("reports"), "hold")
    ecs: Any = task.client
    ecs.meta.events.register("after-call.ecs.RunTask", lambda **_: task.on_kill())
    with pytest.raises(EcsTaskFailedError, match="Airflow stopped the ECS task"):
        run_task(task)
    (ran,) = ecs_tasks(work)
    assert ran["lastStatus"] == "STOPPED"


def test_a_client_for_the_lines_that_can_not_be_had_starts_nothing(
    work: EcsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = operator(work.register("reports"), "convert", awslogs_region="not a region")
    runs = intercept(task.client, "RunTask")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(Exception, match="region"):
        run_task(task)
    assert runs.requests == []


def test_the_log_says_what_runs_and_where_it_is_seen(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    task = operator(definition, "convert", environment={"DAY": "4"})
    run_task(task)
    number = str(task.arn).rpartition("/")[2]
    console = "https://eu-west-1.console.aws.amazon.com"
    lines = [line for line in task.said if "SUPERVISOR_COMMS" not in line and not line.startswith("ECS task is ")]
    assert lines == [
        "Task definition: reports:1, container main",
        'Command: ["convert"]',
        "Environment variables given: DAY",
        f"ECS task: {number} in cluster work",
        f"ECS task in the console: {console}/ecs/v2/clusters/work/tasks/{number}/configuration?region=eu-west-1",
        (
            f"Lines in CloudWatch Logs: {console}/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/"
            f"$252Fecs$252Fwork/log-events/airflow$252Fmain$252F{number}"
        ),
        f"Image: {IMAGE}",
        "did convert",
        f"ECS task {number} succeeded",
    ]


ENDED_FIRST = {
    "lastStatus": "STOPPED",
    "desiredStatus": "STOPPED",
    "stopCode": "EssentialContainerExited",
    "stoppedReason": "Essential container in task exited",
    "containers": [{"name": "main", "exitCode": 0}, {"name": "proxy", "exitCode": 1}],
}


def test_an_essential_sidecar_that_ended_first_is_no_success(work: EcsAccount) -> None:
    """The emulator has no such end, so what ECS says of it is put in its place."""
    definition = work.register_containers(
        "reports",
        [
            {"name": "main", "image": IMAGE, "logConfiguration": LOGS, "dockerLabels": dag_labels()},
            {"name": "proxy", "image": IMAGE, "essential": True, "command": ["hold"]},
            {"name": "agent", "image": IMAGE, "essential": False, "command": ["hold"]},
        ],
    )
    found = scan(work.ecs(), known={}).definitions[definition]
    assert found is not None
    spec = decode(found.labels)
    built: Any = build_dag(spec, DagSource.of(found, spec, SOURCE)).get_task("build")
    assert built.essential_sidecars == ["proxy"]

    task = operator(definition, "hold", essential_sidecars=built.essential_sidecars)
    ecs: Any = task.client
    ecs.meta.events.register("after-call.ecs.DescribeTasks", ended_first)
    with pytest.raises(EcsSidecarError, match=r"essential container proxy \(exit code 1\) ended first"):
        run_task(task)
    work.ecs().stop_task(cluster="work", task=str(task.arn))


def ended_first(parsed: dict[str, Any], **_: object) -> None:
    for each in parsed.get("tasks", ()):
        each.update(ENDED_FIRST)


def test_a_retry_policy_tells_the_causes_apart(work: EcsAccount) -> None:
    definition = work.register("reports", logConfiguration=LOGS)
    policy = ExceptionRetryPolicy(
        rules=[RetryRule(exception="airflow_ecs_dag_loader.EcsExitCodeError", action=RetryAction.FAIL)]
    )
    for exits, is_final in ((3, True), (127, False)):
        with DAG(f"policy-{exits}", schedule=None) as dag:
            EcsTaskOperator(
                task_id="build",
                retries=1,
                retry_delay=0,
                retry_policy=policy,
                **arguments_for(definition, command=["exit", str(exits)]),
            )
        assert run_dag(dag).tries == {"build": 1 if is_final else 2}


def test_an_essential_sidecar_that_is_told_to_stop_is_no_failure(work: EcsAccount) -> None:
    definition = work.register_containers(
        "reports",
        [
            {"name": "proxy", "image": IMAGE, "essential": True, "command": ["hold"]},
            {"name": "main", "image": IMAGE, "essential": True, "logConfiguration": LOGS},
        ],
    )
    run_task(operator(definition, "work", "1", essential_sidecars=["proxy"]))


def test_the_link_leads_to_the_revision_that_did_run(work: EcsAccount) -> None:
    """ECS runs another one than was asked for where it takes RunTask for the repetition of an earlier call."""
    first, second = (work.register("reports", logConfiguration=LOGS) for _ in range(2))
    task = operator(second, "convert")

    def ran_first(parsed: dict[str, Any], **_: object) -> None:
        for each in parsed.get("tasks", ()):
            each["taskDefinitionArn"] = first

    ecs: Any = task.client
    ecs.meta.events.register("after-call.ecs.DescribeTasks", ran_first)
    run_task(task)
    assert task.console_urls["Task definition"] == task_definition_url(first)

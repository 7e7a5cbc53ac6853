"""How an ECS task ended: its DAG's container decides, unless somebody stopped the task."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowSkipException

from airflow_ecs_dag_loader.runner import ecs_errors
from airflow_ecs_dag_loader.runner.ecs_errors import (
    EcsCommandError,
    EcsExitCodeError,
    EcsHealthCheckError,
    EcsImageError,
    EcsInterruptedError,
    EcsLogDriverError,
    EcsOutOfMemoryError,
    EcsSecretError,
    EcsSidecarError,
    EcsStartError,
    EcsTaskFailedError,
    EcsTaskStoppedError,
)
from airflow_ecs_dag_loader.runner.ecs_task_end import EcsTaskEnd
from airflow_ecs_dag_loader.runner.ecs_task_links import revision_url
from airflow_ecs_dag_loader.runner.stop_reason import stop_reason
from airflow_ecs_dag_loader.runner.verdict import check_stopped, is_over


def ended(exit_code: int | None, *, reason: str = "", **task: Any) -> dict[str, Any]:
    main: dict[str, Any] = {"name": "main", "lastStatus": "STOPPED"}
    if exit_code is not None:
        main["exitCode"] = exit_code
    if reason:
        main["reason"] = reason
    return {"containers": [main], "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited", **task}


def test_an_exit_code_of_0_is_success() -> None:
    check_stopped(ended(0), container_name="main")
    check_stopped(ended(0, stopCode=""), container_name="main")


def test_what_sidecars_did_is_their_affair() -> None:
    task = ended(0)
    task["containers"].insert(0, {"name": "proxy", "exitCode": 1, "reason": "Error"})
    check_stopped(task, container_name="main")


@pytest.mark.parametrize(
    ("task", "error", "words"),
    [
        (ended(3), EcsExitCodeError, "container main exited with code 3: its last lines say why, if it wrote any"),
        (ended(143), EcsExitCodeError, "exited with code 143, a SIGTERM"),
        (ended(127), EcsCommandError, "exited with code 127"),
        (ended(137), EcsOutOfMemoryError, "exited with code 137, it was killed, mostly for want of memory"),
        (
            ended(137, reason="OutOfMemoryError: Container killed due to memory usage"),
            EcsOutOfMemoryError,
            "container main was killed for want of memory: give it more memory",
        ),
        (
            ended(137, stoppedReason="OutOfMemoryError: Container killed due to memory usage"),
            EcsOutOfMemoryError,
            "container main was killed for want of memory",
        ),
        (
            ended(0, stopCode="UserInitiated", stoppedReason="by hand"),
            EcsTaskStoppedError,
            (
                "from outside (UserInitiated) before container main was done: CloudTrail has who called "
                "StopTask; a retry runs "
                "it anew (by hand)"
            ),
        ),
        (ended(143, stopCode="UserInitiated"), EcsTaskStoppedError, "from outside (UserInitiated)"),
        (
            ended(137, stopCode="UserInitiated", stoppedReason="it looked out of memory, and its health check failed"),
            EcsTaskStoppedError,
            "(it looked out of memory, and its health check failed)",
        ),
        (
            ended(0, stopCode="UserInitiated", stoppedReason=stop_reason("dag reports, run r, task build, try 1")),
            EcsTaskStoppedError,
            "Airflow stopped the ECS task before container main was done",
        ),
        (
            ended(0, stopCode="SpotInterruption", stoppedReason="Your Spot Task was interrupted."),
            EcsInterruptedError,
            "AWS took its Spot capacity back",
        ),
        (
            ended(143, stopCode="TerminationNotice", stoppedReason="Your Spot Task was interrupted."),
            EcsInterruptedError,
            "AWS took its Spot capacity back",
        ),
        (ended(0, stopCode="TerminationNotice"), EcsInterruptedError, "the host that it ran on ended"),
        (
            ended(None, stoppedReason="Host EC2 (instance i-0123456789abcdef0) terminated."),
            EcsInterruptedError,
            "the host that it ran on ended",
        ),
        (
            ended(
                143,
                stopCode="ServiceSchedulerInitiated",
                stoppedReason="Amazon ECS is performing maintenance on the underlying infrastructure hosting the task.",
            ),
            EcsInterruptedError,
            "AWS maintains or retires what it ran on",
        ),
        (
            ended(0, stopCode="ServiceSchedulerInitiated", stoppedReason="Task failed container health checks"),
            EcsHealthCheckError,
            "because a health check failed",
        ),
        ({"lastStatus": "STOPPED"}, EcsStartError, "container main never ran, ECS could not start it"),
        ({"containers": [{"name": "proxy", "exitCode": 0}]}, EcsStartError, "never ran"),
    ],
)
def test_anything_else_is_a_failure_in_one_sentence(
    task: dict[str, Any], error: type[EcsTaskFailedError], words: str
) -> None:
    failure = failure_of(task)
    assert type(failure) is error
    assert words in str(failure)


def failure_of(task: dict[str, Any], **given: Any) -> EcsTaskFailedError:
    with pytest.raises(EcsTaskFailedError) as raised:
        check_stopped(task, container_name="main", **given)
    assert "\n" not in str(raised.value)
    return raised.value


PULL = "CannotPullContainerError: "
INIT = "ResourceInitializationError: "
AUTH = f"{INIT}unable to pull secrets or registry auth: "
REF = 'failed to resolve ref "123456789012.dkr.ecr.eu-west-1.amazonaws.com/work:v42": '
START = "CannotStartContainerError: "


@pytest.mark.parametrize(
    ("text", "error", "fix"),
    [
        (f"{PULL}pull image manifest has been retried 1 time(s): {REF}not found", EcsImageError, "push it"),
        (
            f"{PULL}Error response from daemon: manifest for work:v42 not found: manifest unknown",
            EcsImageError,
            "push it",
        ),
        (
            (
                f"{PULL}Error response from daemon: pull access denied for work, repository does not exist or "
                "may require "
                "'docker login'"
            ),
            EcsImageError,
            "only to who is logged in",
        ),
        (
            (
                f"{PULL}pull image manifest has been retried 5 time(s): {REF}failed to do request: Head: dial tcp "
                "10.0.3.17:443: i/o timeout"
            ),
            EcsImageError,
            "a NAT gateway, a public IP or VPC endpoints",
        ),
        (
            f"{PULL}ref pull has been retried 1 time(s): {REF}unexpected status code: 403 Forbidden",
            EcsImageError,
            "ecr:BatchGetImage",
        ),
        (
            (
                f"{PULL}inspect image has been retried 5 time(s): httpReaderSeeker: failed open: unexpected "
                "status code 429 "
                "Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit."
            ),
            EcsImageError,
            "takes no more pulls for now",
        ),
        (
            f"{PULL}image Manifest does not contain descriptor matching platform 'linux/amd64'",
            EcsImageError,
            "runtimePlatform",
        ),
        (f"{PULL}write /var/lib/docker/tmp: no space left on device", EcsImageError, "more ephemeral storage"),
        (
            (
                f"{AUTH}execution resource retrieval failed: unable to retrieve ecr registry auth: service call "
                "has been "
                "retried 3 time(s): RequestError: send request failed caused by: Post: dial tcp: i/o timeout"
            ),
            EcsImageError,
            "can't reach the registry",
        ),
        (
            (
                f"{AUTH}The task cannot pull registry auth from Amazon ECR: There is a connection issue between "
                "the task and "
                "Amazon ECR. Check your task network configuration."
            ),
            EcsImageError,
            "can't reach the registry",
        ),
        (
            (
                f"{AUTH}execution resource retrieval failed: unable to retrieve secret from asm: service call has been "
                "retried 1 time(s): AccessDeniedException: User is not authorized to perform: "
                "secretsmanager:GetSecretValue"
            ),
            EcsSecretError,
            "allow the execution role secretsmanager:GetSecretValue",
        ),
        (
            (
                f"{AUTH}execution resource retrieval failed: unable to retrieve secret from asm: service call has been "
                "retried 1 time(s): ResourceNotFoundException: Secrets Manager can't find the specified secret."
            ),
            EcsSecretError,
            "it is not there: create it",
        ),
        (
            (
                f"{AUTH}execution resource retrieval failed: unable to retrieve secret from asm: retrieved secret from "
                "Secrets Manager did not contain json key PASSWORD"
            ),
            EcsSecretError,
            "lacks that JSON key",
        ),
        (
            (
                f"{AUTH}execution resource retrieval failed: unable to retrieve secrets from ssm: service call "
                "has been "
                "retried 5 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded"
            ),
            EcsSecretError,
            "can't reach Secrets Manager or Systems Manager",
        ),
        (f"{AUTH}pull command failed: : signal: killed", EcsStartError, "check the execution role"),
        (
            (
                f"{INIT}failed to validate logger args: create stream has been retried 1 times: failed to "
                "create Cloudwatch "
                "log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1"
            ),
            EcsLogDriverError,
            "create the log group",
        ),
        (f"{INIT}failed to validate logger args: : signal: killed", EcsLogDriverError, "can't reach CloudWatch Logs"),
        (
            (
                f"{START}Error response from daemon: failed to initialize logging driver: failed to create "
                "Cloudwatch log "
                "group: AccessDeniedException"
            ),
            EcsLogDriverError,
            "logs:CreateLogStream",
        ),
        (
            (
                f"{START}Error response from daemon: OCI runtime create failed: container_linux.go:380: "
                "starting container "
                'process caused: exec: "convert": executable file not found in $PATH: unknown'
            ),
            EcsCommandError,
            "change the task's command",
        ),
        (
            (
                f"{START}{INIT}failed to create new container runtime task: OCI runtime create failed: "
                "container_linux.go:370: "
                'starting container process caused: exec: "/opt/run.sh": stat /opt/run.sh: no such file or directory'
            ),
            EcsCommandError,
            "change the task's command",
        ),
        (f"{START}failed to get container status: unknown", EcsStartError, "change in the task definition"),
        ("Timeout waiting for network interface provisioning to complete.", EcsStartError, "if a retry ends likewise"),
    ],
)
@pytest.mark.parametrize("place", ["container", "task"])
def test_why_a_container_never_ran(text: str, error: type[EcsTaskFailedError], fix: str, place: str) -> None:
    """Fargate has the text in the ECS task, EC2 in the container."""
    stopped = text if place == "task" else "Task failed to start"
    failure = failure_of(
        ended(None, reason=text if place == "container" else "", stopCode="TaskFailedToStart", stoppedReason=stopped)
    )
    assert type(failure) is error
    assert str(failure).startswith("container main never ran, ")
    assert fix in str(failure)
    assert str(failure).endswith(f"({text})")


def test_another_container_that_can_not_start_is_the_one_to_mend() -> None:
    task = ended(0, stopCode="TaskFailedToStart", stoppedReason="Task failed to start")
    task["containers"].append({"name": "proxy", "reason": f"{PULL}manifest unknown"})
    failure = failure_of(task)
    assert type(failure) is EcsImageError
    assert (
        f"container main was not run to its end, because container proxy never did, its image can't be pulled ({PULL}"
        in str(failure)
    )


def beside(exit_code: int | None, sidecar: dict[str, Any], **task: Any) -> dict[str, Any]:
    whole = ended(exit_code, stoppedReason="Essential container in task exited", **task)
    whole["containers"].append({"name": "proxy", "lastStatus": "STOPPED", **sidecar})
    return whole


@pytest.mark.parametrize("exit_code", [None, 0, 137, 143])
@pytest.mark.parametrize("sidecar", [{"exitCode": 1}, {"exitCode": 139}])
def test_an_essential_sidecar_that_crashed_counts_as_the_first(exit_code: int | None, sidecar: dict[str, Any]) -> None:
    failure = failure_of(beside(exit_code, sidecar), essential_sidecars=["proxy"])
    assert type(failure) is EcsSidecarError
    assert f"essential container proxy (exit code {sidecar['exitCode']}) ended first" in str(failure)


def test_an_essential_sidecar_without_memory_is_said_to_be_so() -> None:
    task = beside(0, {"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"})
    failure = failure_of(task, essential_sidecars=["proxy"])
    assert type(failure) is EcsOutOfMemoryError
    assert "container proxy was killed for want of memory, so ECS stopped container main" in str(failure)


@pytest.mark.parametrize("exit_code", [0, 130, 137, 143])
def test_an_essential_sidecar_that_was_told_to_stop_is_no_failure(exit_code: int) -> None:
    check_stopped(beside(0, {"exitCode": exit_code}), container_name="main", essential_sidecars=["proxy"])


def test_a_sidecar_that_is_not_essential_ends_nothing() -> None:
    check_stopped(beside(0, {"exitCode": 1}), container_name="main", essential_sidecars=["other"])


def test_a_container_that_was_told_to_stop_names_who_ended_before() -> None:
    failure = failure_of(beside(143, {"exitCode": 0}), essential_sidecars=["proxy"])
    assert type(failure) is EcsSidecarError
    assert "container proxy (exit code 0) ended first" in str(failure)


def test_a_container_that_failed_by_itself_is_to_blame_whatever_its_sidecar_did() -> None:
    failure = failure_of(beside(3, {"exitCode": 1}), essential_sidecars=["proxy"])
    assert type(failure) is EcsExitCodeError
    assert failure.exit_code == 3


@pytest.mark.parametrize("error", [each for each in vars(ecs_errors).values() if isinstance(each, type)])
def test_an_exception_survives_being_pickled(error: type[Exception]) -> None:
    again = pickle.loads(pickle.dumps(error("why")))  # noqa: S301 - made here
    assert (type(again), str(again)) == (error, "why")


def test_the_exit_code_survives_being_pickled() -> None:
    again = pickle.loads(pickle.dumps(failure_of(ended(3))))  # noqa: S301 - made here
    assert again.exit_code == 3


def test_airflows_retry_policies_tell_the_causes_apart() -> None:
    policy = ExceptionRetryPolicy(
        rules=[
            RetryRule(exception="airflow_ecs_dag_loader.EcsInterruptedError", action=RetryAction.RETRY),
            RetryRule(exception="airflow_ecs_dag_loader.EcsTaskFailedError", action=RetryAction.FAIL),
        ]
    )
    policy = ExceptionRetryPolicy.deserialize(policy.serialize())
    spot, exited = failure_of(ended(0, stopCode="SpotInterruption")), failure_of(ended(1))
    assert policy.evaluate(spot, 1, 3).action is RetryAction.RETRY
    assert policy.evaluate(exited, 1, 3).action is RetryAction.FAIL


def test_the_verdict_is_the_same_from_what_the_triggerer_hands_on() -> None:
    task = beside(0, {"exitCode": 1}, taskDefinitionArn="arn:aws:ecs:eu-west-1:123456789012:task-definition/reports:7")
    end = EcsTaskEnd.from_json(json.loads(json.dumps(EcsTaskEnd(task).to_json())))
    assert end is not None
    assert end.task is not None
    assert revision_url(end.task) == revision_url(task) != {}
    handed_on = failure_of(dict(end.task), essential_sidecars=["proxy"])
    assert str(handed_on) == str(failure_of(task, essential_sidecars=["proxy"]))


def test_the_same_reason_is_said_once() -> None:
    task = ended(1, reason="Error: no such row", stoppedReason="Error: no such row")
    assert str(failure_of(task)).endswith(" (Error: no such row)")


def test_a_long_reason_is_cut_and_on_one_line() -> None:
    failure = failure_of(ended(1, reason="Error:\n" + "x" * 5_000))
    assert str(failure).endswith("x...)")
    assert len(str(failure)) < 1_200


@pytest.mark.parametrize("exit_code", [0, 99])
def test_an_exit_code_that_skips(exit_code: int) -> None:
    with pytest.raises(AirflowSkipException, match=f"exited with code {exit_code}, which skips the task"):
        check_stopped(ended(exit_code), container_name="main", skip_on_exit_code=[0, 99])


@pytest.mark.parametrize(
    "task", [ended(98), ended(None), ended(99, stopCode="UserInitiated"), ended(99, stopCode="SpotInterruption")]
)
def test_no_other_end_skips(task: dict[str, Any]) -> None:
    with pytest.raises(EcsTaskFailedError):
        check_stopped(task, container_name="main", skip_on_exit_code=[99])


def test_a_sidecars_exit_code_does_not_skip() -> None:
    task = ended(0)
    task["containers"].insert(0, {"name": "proxy", "exitCode": 99})
    check_stopped(task, container_name="main", skip_on_exit_code=[99])


def ending(**task: Any) -> dict[str, Any]:
    """Return an ECS task of Fargate whose container has ended, and whose network interface is still there."""
    return ended(0, **{"lastStatus": "DEPROVISIONING", "desiredStatus": "STOPPED", **task})


def test_the_end_can_be_judged_before_the_network_interface_is_gone() -> None:
    assert is_over(ending(), "main")
    assert is_over(ending(lastStatus="STOPPING"), "main")
    assert is_over({"lastStatus": "STOPPED"}, "main")


@pytest.mark.parametrize(
    "task",
    [
        ending(desiredStatus="RUNNING"),
        ending(stopCode=None),
        ending(containers=[]),
        ending(containers=[{"name": "main", "lastStatus": "STOPPED"}]),
        ending(containers=[{"name": "other", "lastStatus": "STOPPED", "exitCode": 0}]),
        ending(containers=[{"name": "main", "exitCode": 0}, {"name": "proxy", "lastStatus": "RUNNING"}]),
        {"lastStatus": "RUNNING"},
        {},
    ],
)
def test_an_end_of_which_something_is_still_to_come_is_not_judged(task: dict[str, Any]) -> None:
    assert not is_over(task, "main")


def test_a_sidecar_that_has_ended_or_never_ran_has_nothing_to_come() -> None:
    task = ending()
    task["containers"] += [
        {"name": "proxy", "lastStatus": "RUNNING", "exitCode": 143},
        {"name": "agent", "lastStatus": "STOPPED"},
    ]
    assert is_over(task, "main")


@pytest.mark.parametrize(
    "task",
    [
        ended(0, stopCode="InfrastructureHealth"),
        ended(0, stopCode="WhatAwsMayComeToAdd"),
        ended(0, stopCode="EssentialContainerExited", stoppedReason="Host EC2 (instance i-0) terminated."),
        ended(0, stoppedReason="Amazon ECS is performing maintenance on the underlying infrastructure"),
    ],
)
def test_an_interruption_that_the_exit_code_hides(task: dict[str, Any]) -> None:
    with pytest.raises(EcsInterruptedError, match="interrupted before container main was done"):
        check_stopped(task, container_name="main", skip_on_exit_code=[0])


def test_a_health_check_that_the_exit_code_hides() -> None:
    task = ended(0, stopCode="EssentialContainerExited", stoppedReason="Task failed container health checks")
    with pytest.raises(EcsHealthCheckError):
        check_stopped(task, container_name="main")

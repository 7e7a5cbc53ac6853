"""What the project rests on: real containers, alone and as ECS tasks of a local AWS."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import pytest
from docker.models.containers import Container
from mypy_boto3_ecs.type_defs import TaskTypeDef

from airflow_ecs_dag_cli.local_aws import LocalAws

pytestmark = pytest.mark.container

# Long enough for a loaded machine; a wait ends as soon as what it waits for is there.
WAIT_SECONDS = 120
CLUSTER = "containers"
CONTAINER = "main"


@contextmanager
def started(
    engine: docker.DockerClient, image: str, *command: str, mem_limit: str | None = None
) -> Iterator[Container]:
    """A container that runs ``command``; removed at the end of the block."""
    container = engine.containers.run(image, list(command), detach=True, mem_limit=mem_limit, memswap_limit=mem_limit)
    try:
        yield container
    finally:
        container.remove(v=True, force=True)


def exit_code(container: Container) -> int:
    return int(container.wait(timeout=WAIT_SECONDS)["StatusCode"])


def output(container: Container) -> list[str]:
    return container.logs().decode().splitlines()


@pytest.mark.parametrize("code", [0, 3])
def test_container_takes_arguments_and_gives_its_exit_code(
    engine: docker.DockerClient, verb_image: str, code: int
) -> None:
    with started(engine, verb_image, "exit", str(code)) as container:
        assert exit_code(container) == code
        assert output(container) == [f"arguments {code}"]


def test_container_over_its_memory_limit_is_killed(engine: docker.DockerClient, verb_image: str) -> None:
    with started(engine, verb_image, "allocate", "16", mem_limit="64m") as within:
        assert exit_code(within) == 0
    with started(engine, verb_image, "allocate", "256", mem_limit="64m") as beyond:
        # 128 + SIGKILL. `OOMKilled` is not asked: Podman 4 leaves it false where cgroups are version 1.
        assert exit_code(beyond) == 137


def test_stop_lets_a_container_end_itself(engine: docker.DockerClient, verb_image: str) -> None:
    with started(engine, verb_image, "wait") as container:
        for line in container.logs(stream=True, follow=True):
            if b"waiting" in line:
                break
        container.stop(timeout=WAIT_SECONDS)
        assert exit_code(container) == 7


def test_container_has_an_address_of_its_own(engine: docker.DockerClient, verb_image: str) -> None:
    with started(engine, verb_image, "wait") as one, started(engine, verb_image, "wait") as two:
        addresses = set()
        for container in (one, two):
            container.reload()
            addresses |= {net["IPAddress"] for net in container.attrs["NetworkSettings"]["Networks"].values()}
        assert len(addresses - {""}) == 2


@pytest.fixture
def family(local_aws: LocalAws, verb_image: str) -> str:
    """A family whose one revision runs ``verb_image`` and logs to the group of the family's name."""
    name = f"family-{uuid.uuid4().hex[:12]}"
    local_aws.client("logs").create_log_group(logGroupName=name)
    local_aws.client("ecs").create_cluster(clusterName=CLUSTER)
    local_aws.client("ecs").register_task_definition(
        family=name,
        containerDefinitions=[
            {
                "name": CONTAINER,
                "image": verb_image,
                "essential": True,
                "environment": [{"name": "KEPT", "value": "definition"}, {"name": "CHANGED", "value": "definition"}],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": name,
                        "awslogs-region": local_aws.region,
                        "awslogs-stream-prefix": "prefix",
                    },
                },
            }
        ],
    )
    return name


def run_task(aws: LocalAws, family: str, *command: str, environment: dict[str, str] | None = None) -> str:
    """Start an ECS task of the newest revision with another command; its ARN."""
    answer = aws.client("ecs").run_task(
        cluster=CLUSTER,
        taskDefinition=family,
        overrides={
            "containerOverrides": [
                {
                    "name": CONTAINER,
                    "command": list(command),
                    "environment": [{"name": key, "value": value} for key, value in (environment or {}).items()],
                }
            ]
        },
    )
    assert answer["failures"] == []
    return answer["tasks"][0]["taskArn"]


def wait_for_status(aws: LocalAws, arn: str, status: str) -> TaskTypeDef:
    """The ECS task once it has ``status``; fails when it is stopped before."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        (task,) = aws.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"]
        if task["lastStatus"] == status:
            return task
        if task["lastStatus"] == "STOPPED" or time.monotonic() > deadline:
            pytest.fail(f"the ECS task is {task['lastStatus']}, not {status}: {task.get('stoppedReason')}")
        time.sleep(0.1)


def messages(aws: LocalAws, family: str, arn: str, last: str) -> list[str]:
    """The task's log once it ends in ``last``: it may arrive after the ECS task is STOPPED."""
    logs = aws.client("logs")
    stream = f"prefix/{CONTAINER}/{arn.rsplit('/', 1)[1]}"
    deadline = time.monotonic() + WAIT_SECONDS
    found: list[str] = []
    while time.monotonic() < deadline:
        try:
            events = logs.get_log_events(logGroupName=family, logStreamName=stream, startFromHead=True)["events"]
        except logs.exceptions.ResourceNotFoundException:
            events = []
        found = [event["message"] for event in events]
        if "".join(found).endswith(last):
            return found
        time.sleep(0.1)
    pytest.fail(f"the log does not end in {last!r} but, after {len(found)} lines, in {found[-3:]}")


@pytest.mark.parametrize("code", [0, 3])
def test_ecs_task_runs_its_command_and_keeps_exit_code_and_log(local_aws: LocalAws, family: str, code: int) -> None:
    arn = run_task(local_aws, family, "exit", str(code))
    task = wait_for_status(local_aws, arn, "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert [container["exitCode"] for container in task["containers"]] == [code]
    assert messages(local_aws, family, arn, last=f"arguments {code}") == [f"arguments {code}"]


def test_ecs_task_takes_the_environment_of_the_override(local_aws: LocalAws, family: str) -> None:
    arn = run_task(local_aws, family, "environment", "KEPT", "CHANGED", environment={"CHANGED": "override"})
    wait_for_status(local_aws, arn, "STOPPED")
    assert messages(local_aws, family, arn, last="CHANGED=override")[1:] == ["KEPT=definition", "CHANGED=override"]


def test_the_last_lines_of_a_task_that_exits_at_once_arrive(local_aws: LocalAws, family: str) -> None:
    arn = run_task(local_aws, family, "count", "1000")
    wait_for_status(local_aws, arn, "STOPPED")
    found = messages(local_aws, family, arn, last="line 999")
    # Podman hands a burst on in pieces of 8 KiB, and the emulator makes an event of each end of a line cut there:
    # nothing may be lost or out of order, but where the events begin is not asked.
    assert "".join(found) == "arguments 1000" + "".join(f"line {number}" for number in range(1000))


def test_stop_task_ends_the_container(local_aws: LocalAws, engine: docker.DockerClient, family: str) -> None:
    arn = run_task(local_aws, family, "wait")
    wait_for_status(local_aws, arn, "RUNNING")
    filters: dict[str, str | list[str] | bool] = {"label": f"com.amazonaws.ecs.task-arn={arn}"}
    assert [container.status for container in engine.containers.list(filters=filters)] == ["running"]
    local_aws.client("ecs").stop_task(cluster=CLUSTER, task=arn, reason="the test asks")
    task = wait_for_status(local_aws, arn, "STOPPED")
    assert task["stoppedReason"] == "the test asks"
    assert engine.containers.list(filters=filters) == []

"""RunTask where ECS has no room, throttles, does not tell, or has the revision no more; the ECS is the strict one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from airflow_ecs_dag_loader.runner import ecs_task_calls, ecs_task_watch, take_over
from airflow_ecs_dag_loader.runner.ecs_errors import EcsStartError
from airflow_ecs_dag_loader.runner.left_ecs_tasks import is_same_work
from airflow_ecs_dag_loader.runner.run_task_answer import Outcome
from airflow_ecs_dag_loader.runner.run_task_answer import run_task as answer_of
from airflow_ecs_dag_loader.runner.verdict import EcsCapacityError, EcsTaskFailedError, EcsTaskLostError
from loader.bad_answers import Answer, error, intercept
from loader.ecs_account import dag_labels
from loader.ecs_operators import operator
from loader.task_runs import run_task
from strict_ecs.botocore_door import in_this_process
from strict_ecs.faults import Fault
from strict_ecs.strict_aws import StrictAws
from strict_ecs.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loader.ecs_operators import Operator
    from strict_ecs.strict_aws import Region

ACCOUNT, REGION = "100000000022", "eu-west-1"
WITH_CLOCKS = (ecs_task_calls, take_over)
"""Imported before the clock is put in their place."""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def aws(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictAws]:
    """A strict AWS with a cluster, whose tasks run for a minute."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "not-aws",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    strict = StrictAws(clock=clock.now)
    tasks = strict.region(ACCOUNT, REGION).tasks
    tasks.create_cluster({"clusterName": "work"})
    tasks.run_seconds = 60
    with in_this_process(strict, clock):
        yield strict


@pytest.fixture
def region(aws: StrictAws) -> Region:
    return aws.region(ACCOUNT, REGION)


def build(region: Region, definition: str = "", **arguments: Any) -> Operator:
    arguments = {"awslogs_group": None, "awslogs_stream_prefix": None} | arguments
    return operator(definition or region.definitions.register("reports", dag_labels()), "build", **arguments)


def started(region: Region) -> list[dict[str, Any]]:
    arns = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in region.tasks.list_tasks({"cluster": "work", "desiredStatus": status})["taskArns"]
    ]
    found: list[dict[str, Any]] = region.tasks.describe_tasks({"cluster": "work", "tasks": arns})["tasks"]
    return found


def fill(region: Region, tasks: int) -> None:
    """Let other tasks have all the room there is, for a minute."""
    region.tasks.room = tasks
    definition = region.definitions.register("others")
    for _ in range(tasks):
        region.tasks.run_task({"cluster": "work", "taskDefinition": definition})


@pytest.mark.parametrize(
    ("launch_type", "said"), [(None, "RESOURCE:MEMORY"), ("FARGATE", "limit on the number of tasks you can run")]
)
def test_room_is_waited_for(aws: StrictAws, region: Region, launch_type: str | None, said: str) -> None:
    fill(region, 2)
    task = build(region, launch_type=launch_type)
    run_task(task)
    runs = aws.made("RunTask")
    assert len(runs) > 3
    assert len({str(sorted(call.parameters.items(), key=str)) for call in runs}) == 1
    waited = [line for line in task.said if "has no room" in line]
    assert len(waited) == 1
    assert said in waited[0]
    assert len(started(region)) == 3


def test_room_that_never_comes_is_no_failure_of_the_container(
    clock: VirtualClock, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(region, 1)
    region.tasks.run_seconds = None
    region.tasks.room = 0
    monkeypatch.setenv("AIRFLOW__AIRFLOW_ECS_DAG__START_TIMEOUT", "300")
    given: list[tuple[dict[str, Any], int]] = [({}, 300), ({"start_timeout": 100}, 100), ({"start_timeout": 0}, 0)]
    for arguments, seconds in given:
        began = clock.now()
        with pytest.raises(EcsCapacityError, match=rf"in cluster work within {seconds} s: RESOURCE:MEMORY") as failure:
            run_task(build(region, **arguments))
        assert not isinstance(failure.value, EcsTaskFailedError)
        assert seconds <= clock.now() - began < seconds + 2


def test_a_quarter_of_an_hour_is_waited_unless_somebody_says_otherwise(clock: VirtualClock, region: Region) -> None:
    region.tasks.room = 0
    began = clock.now()
    with pytest.raises(EcsCapacityError, match="within 900 s"):
        run_task(build(region))
    assert 900 <= clock.now() - began < 902


def test_waits_grow_and_differ(aws: StrictAws, region: Region) -> None:
    """Many tasks that wait for the same room are not to ask for it at the same moment for ever."""
    region.tasks.room = 0
    gaps = []
    for _ in range(2):
        before = len(aws.made("RunTask"))
        with pytest.raises(EcsCapacityError):
            run_task(build(region))
        times = [call.at for call in aws.made("RunTask")[before:]]
        gaps.append([later - earlier for earlier, later in pairwise(times)])
    assert gaps[0] != gaps[1]
    for each in gaps:
        assert each[0] <= 2
        assert 30 <= max(each) <= 60
        assert len(each) < 40


def test_throttled_starts_are_one_ecs_task(aws: StrictAws, region: Region) -> None:
    aws.faults.add(Fault.THROTTLED, "RunTask", count=7)
    task = build(region)
    run_task(task)
    assert len(aws.made("RunTask")) == 8
    assert len(started(region)) == 1
    assert sum("ThrottlingException: Rate exceeded" in line for line in task.said) == 1


def test_a_start_that_is_not_told_of_for_minutes_is_one_ecs_task(aws: StrictAws, region: Region) -> None:
    for first, fault in enumerate((Fault.TIMEOUT, Fault.EMPTY, Fault.SERVER_ERROR, Fault.RESET, Fault.TRUNCATED), 1):
        aws.faults.add(fault, "RunTask", first=first)
    run_task(build(region))
    assert len(aws.made("RunTask")) == 6
    assert len(started(region)) == 1


def test_a_start_that_is_never_told_of_may_be_there(aws: StrictAws, region: Region) -> None:
    aws.faults.add(Fault.RESET, "RunTask", count=None)
    with pytest.raises(EcsTaskLostError, match=r"within 900 s .* startedBy airflow/[0-9a-f]{32}: a retry finds it"):
        run_task(build(region))
    assert len(started(region)) == 1


def test_a_stop_is_heard_while_room_is_waited_for(aws: StrictAws, region: Region) -> None:
    region.tasks.room = 0
    task = build(region)
    aws.faults.before("RunTask", task.on_kill, occurrence=3)
    with pytest.raises(EcsTaskFailedError, match="stopped by Airflow before"):
        run_task(task)
    assert len(aws.made("RunTask")) == 3


FAILURES = {
    "RESOURCE:CPU": Outcome.NO_ROOM,
    "RESOURCE:ENI": Outcome.NO_ROOM,
    "AGENT": Outcome.NO_ROOM,
    "Capacity is unavailable at this time. Please try again later or in a different availability zone": Outcome.NO_ROOM,
    "You've reached the limit on the number of vCPUs you can run concurrently": Outcome.NO_ROOM,
    "ATTRIBUTE": Outcome.REFUSED,
    "MISSING": Outcome.REFUSED,
    "LOCATION": Outcome.REFUSED,
}
ERRORS = {
    ("ThrottlingException", "Rate exceeded"): Outcome.NO_ROOM,
    ("LimitExceededException", "The limit for the resource was exceeded."): Outcome.NO_ROOM,
    ("ClientException", "You've reached the limit on the number of tasks you can run concurrently"): Outcome.NO_ROOM,
    ("InvalidParameterException", "No Container Instances were found in your cluster."): Outcome.NO_ROOM,
    (
        "InvalidParameterException",
        "Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)",
    ): Outcome.NO_ROOM,
    (
        "InvalidParameterException",
        "Error retrieving security group information: Request limit exceeded. (ErrorCode: RequestLimitExceeded)",
    ): Outcome.NO_ROOM,
    ("ClientException", "TaskDefinition is inactive"): Outcome.REVISION_GONE,
    ("ClientException", "TaskDefinition not found."): Outcome.REVISION_GONE,
    ("AccessDeniedException", "User: x is not authorized to perform: ecs:RunTask"): Outcome.REFUSED,
    ("ClusterNotFoundException", "The referenced cluster was inactive."): Outcome.REFUSED,
    ("InvalidParameterException", "Network Configuration must be provided"): Outcome.REFUSED,
    ("ExpiredTokenException", "The security token included in the request is expired"): Outcome.EXPIRED,
}


@pytest.mark.usefixtures("aws")
def test_what_a_wait_mends_and_what_it_does_not(region: Region) -> None:
    task = build(region)
    answers = [
        *(Answer(200, b'{"tasks": [], "failures": [{"reason": "%s"}]}' % reason.encode()) for reason in FAILURES),
        *(error(code, message) for code, message in ERRORS),
    ]
    runs = intercept(task.client, "RunTask", *answers)
    request: Any = {"cluster": "work", "taskDefinition": "reports"}
    found = [answer_of(task.client, request).outcome for _ in answers]
    assert found == [*FAILURES.values(), *ERRORS.values()]
    assert len(runs.requests) == len(answers)


def test_a_request_that_can_not_be_made_is_refused_at_once(aws: StrictAws, region: Region) -> None:
    with pytest.raises(EcsTaskFailedError, match="Parameter validation failed"):
        run_task(build(region, network_configuration={"subnets": ["subnet-1"]}))
    assert aws.made("RunTask") == []


def test_a_refusal_is_not_waited_for(aws: StrictAws, region: Region) -> None:
    aws.faults.add(Fault.ACCESS_DENIED, "RunTask", count=None)
    with pytest.raises(EcsTaskFailedError, match="ECS refused to run"):
        run_task(build(region))
    assert len(aws.made("RunTask")) == 1


def test_credentials_that_have_expired_are_waited_for(aws: StrictAws, region: Region) -> None:
    aws.faults.add(Fault.EXPIRED_TOKEN, "RunTask", count=3)
    task = build(region)
    run_task(task)
    assert len(aws.made("RunTask")) == 4
    assert [line for line in task.said if "credentials for ECS have expired" in line] != []
    assert len(started(region)) == 1


def test_credentials_that_nobody_renews(aws: StrictAws, region: Region) -> None:
    aws.faults.add(Fault.EXPIRED_TOKEN, "RunTask", count=None)
    with pytest.raises(EcsStartError, match=r"have expired, .* the container never ran: renew those"):
        run_task(build(region, start_timeout=60))
    assert region.tasks.list_tasks({"cluster": "work"})["taskArns"] == []


def test_a_revision_that_a_deployment_replaced_is_replaced(aws: StrictAws, region: Region) -> None:
    task = build(region)
    gone = task.task_definition
    newest = region.definitions.register("reports", dag_labels())
    region.definitions.deregister(gone)
    run_task(task)
    (ran,) = started(region)
    assert ran["taskDefinitionArn"] == newest
    assert [line for line in task.said if "deployed anew" in line] == [
        f"reports:1 can't be started any more (it was deployed anew), {newest} is run instead"
    ]
    assert len(aws.made("DescribeTaskDefinition")) == 1


@pytest.mark.parametrize(
    ("labels", "container", "said"),
    [
        ({}, "main", "carries no DAG"),
        (dag_labels("others"), "main", "carries the DAG others, not reports"),
        (
            {"airflow.schema_version": "1", "airflow.dag.dag_id": "reports", "airflow.tasks.load.kind": "ecs"},
            "main",
            "has no task build, only load",
        ),
        (dag_labels() | {"airflow.dag.retries": "many"}, "main", "labels that can't be read"),
        (dag_labels(), "other", "has no container main, only other"),
    ],
)
def test_a_newest_revision_without_the_task_is_not_run(
    region: Region, labels: dict[str, str], container: str, said: str
) -> None:
    task = build(region)
    region.definitions.register("reports", labels, name=container)
    region.definitions.deregister(task.task_definition)
    with pytest.raises(EcsTaskFailedError, match=rf"^reports:1 can't be started any more, and reports:2 .*{said}"):
        run_task(task)


def test_a_family_that_is_gone_altogether(region: Region) -> None:
    task = build(region)
    region.definitions.deregister(task.task_definition)
    with pytest.raises(EcsTaskFailedError, match=r"newest revision can't be read: .*if the stack was deleted"):
        run_task(task)


def left(aws: StrictAws, task: Operator, **more: Any) -> str:
    """Start what a first try of ``task`` would, and leave it; return its ARN."""
    region = aws.region(ACCOUNT, REGION)
    aws.faults.add(Fault.ACCESS_DENIED, "RunTask")
    with pytest.raises(EcsTaskFailedError):
        run_task(build(region, task.task_definition))
    aws.faults.clear()
    request = aws.calls.pop().parameters
    arn: str = region.tasks.run_task({**request, "clientToken": "another", **more})["tasks"][0]["taskArn"]
    return arn


def test_without_a_note_what_runs_is_found(aws: StrictAws, region: Region) -> None:
    """Airflow's task state store may be out of order; here no supervisor has one."""
    task = build(region)
    running = left(aws, task)
    run_task(task, try_number=2)
    assert task.arn == running
    assert aws.made("RunTask") == []
    assert sum("task state store can't be used" in line for line in task.said) == 1


def test_two_left_behind_become_one(aws: StrictAws, region: Region) -> None:
    task = build(region)
    arns = [left(aws, task, clientToken=name) for name in ("one", "two")]
    run_task(task, try_number=3)
    assert task.arn in arns
    stopped = {each["taskArn"] for each in started(region) if each["stopCode"] == "UserInitiated"}
    assert stopped == set(arns) - {task.arn}


def test_more_than_a_page_of_them(aws: StrictAws, region: Region) -> None:
    """All that other revisions run is stopped, however much it is, before the new one starts."""
    task = build(region)
    region.tasks.run_seconds = None
    first = left(aws, task)
    (described,) = region.tasks.describe_tasks({"cluster": "work", "tasks": [first]})["tasks"]
    other = region.definitions.register("reports", dag_labels())
    request = {"cluster": "work", "taskDefinition": other, "startedBy": described["startedBy"], "count": 10}
    for _ in range(12):
        region.tasks.run_task(request)
    region.tasks.stop_task({"cluster": "work", "task": first})
    region.tasks.run_seconds = 60
    run_task(task, try_number=2)
    page = region.tasks.list_tasks({"cluster": "work", "desiredStatus": "STOPPED"})
    rest = region.tasks.list_tasks({"cluster": "work", "desiredStatus": "STOPPED", "nextToken": page["nextToken"]})
    assert len(page["taskArns"]) + len(rest["taskArns"]) == 122
    assert task.arn != first
    assert region.tasks.list_tasks({"cluster": "work"})["taskArns"] == []


def test_a_look_that_failed_is_repeated(aws: StrictAws, region: Region) -> None:
    region.tasks.run_seconds = 600
    faults = [Fault.THROTTLED, Fault.EMPTY, Fault.TRUNCATED, Fault.SERVER_ERROR, Fault.TIMEOUT, Fault.HTML]
    for operation in ("ListTasks", "DescribeTasks"):
        task = build(region)
        running = left(aws, task, clientToken=operation)
        for first, fault in enumerate(faults, 1):
            aws.faults.add(fault, operation, first=first)
        run_task(task, try_number=2)
        aws.faults.clear()
        assert task.arn == running
    assert aws.made("StopTask") == []


def test_nothing_is_started_beside_what_can_not_be_seen(aws: StrictAws, region: Region) -> None:
    task = build(region)
    left(aws, task)
    aws.faults.add(Fault.SERVER_ERROR, "ListTasks", count=None)
    with pytest.raises(EcsTaskLostError, match="none was started beside it"):
        run_task(task, try_number=2)
    assert len(started(region)) == 1


def test_a_role_that_may_not_list_goes_on_and_says_so(aws: StrictAws, region: Region) -> None:
    aws.faults.add(Fault.ACCESS_DENIED, "ListTasks", count=None)
    task = build(region)
    run_task(task, try_number=2)
    assert sum("allow ecs:ListTasks" in line for line in task.said) == 1
    assert len(started(region)) == 1


def test_nothing_is_started_beside_what_can_not_be_stopped(aws: StrictAws, region: Region) -> None:
    task = build(region)
    running = left(aws, task)
    aws.faults.add(Fault.ACCESS_DENIED, "StopTask", count=None)
    newer = build(region)
    assert newer.task_definition != task.task_definition
    with pytest.raises(EcsTaskFailedError, match=rf"{running} .* can't be stopped: none is started beside it"):
        run_task(newer, try_number=2)
    assert len(started(region)) == 1


def test_a_first_try_looks_for_nothing(aws: StrictAws, region: Region) -> None:
    """A thousand that start at once have 20 reads of tasks a second between them, and other work for these."""
    run_task(build(region))
    assert aws.made("ListTasks") == []


REQUEST = {
    "taskDefinition": "arn:reports:1",
    "overrides": {
        "containerOverrides": [{"name": "main", "command": ["a", "b"], "environment": [{"name": "A", "value": "1"}]}],
        "cpu": "1024",
    },
}
SHOWN = {
    "taskDefinitionArn": "arn:reports:1",
    "overrides": {
        "containerOverrides": [
            {"name": "sidecar"},
            {"environment": [{"value": "1", "name": "A"}], "name": "main", "command": ["a", "b"]},
        ],
        "inferenceAcceleratorOverrides": [],
        "cpu": "1024",
    },
}
"""As ECS shows what was started: with each container, and an empty list."""


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({}, True),
        ({"taskDefinitionArn": "arn:reports:2"}, False),
        ({"overrides": {}}, False),
        ({"overrides": {**SHOWN["overrides"], "cpu": "2048"}}, False),  # type: ignore[dict-item]
        ({"overrides": {**SHOWN["overrides"], "memory": "2048"}}, False),  # type: ignore[dict-item]
        ({"overrides": {"containerOverrides": [{"name": "main", "command": ["a"]}], "cpu": "1024"}}, False),
    ],
)
def test_the_same_work(change: dict[str, Any], *, is_same: bool) -> None:
    assert is_same_work(SHOWN | change, REQUEST) is is_same


@pytest.mark.parametrize(("is_new", "looks"), [(True, 5), (False, 1)])
def test_only_an_ecs_task_that_is_new_is_looked_for_again(
    monkeypatch: pytest.MonkeyPatch, *, is_new: bool, looks: int
) -> None:
    asked: list[list[str]] = []

    def look_at(cluster: str, arns: Sequence[str]) -> Mapping[str, ecs_task_watch.Look]:
        asked.append([cluster, *arns])
        return dict.fromkeys(arns, ecs_task_watch.Look(None, "MISSING"))

    monkeypatch.setattr(ecs_task_watch, "_LONGEST_POLL", 0.0)
    log = structlog.get_logger()
    assert ecs_task_watch.seen(look_at, cluster="work", arn="gone", log=log, is_new=is_new) is None
    assert asked == [["work", "gone"]] * looks

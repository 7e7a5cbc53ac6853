"""A whole DAG, each argument in each of its spellings."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, assert_type

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from airflow_ecs_dag import (
    AirflowEcsDag,
    CapacityProvider,
    DagDefinitionError,
    EcsTask,
    EmailAlert,
    Flow,
    LatestOnly,
    Problem,
    Schedule,
    TaskDefaults,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def declare(stack: Stack, task_definition: ecs.TaskDefinition, cluster: ecs.Cluster, worker: iam.Role) -> None:
    latest = LatestOnly("latest")
    words = ["--date", "{{ ds }}"]
    convert = EcsTask("convert", args=words, retries=2, execution_timeout=timedelta(hours=1))
    load = EcsTask("load", command=("python", "load.py"), trigger_rule="all_done")
    flow = latest >> [convert, EcsTask("other")] >> load
    assert_type(flow, Flow)
    assert_type([latest, convert] >> load, Flow)
    assert_type(load << (convert, latest), Flow)
    assert_type(latest >> (convert >> load), Flow)
    dag = AirflowEcsDag(
        stack,
        "Dag",
        dag_id="convert-it",
        task_definition=task_definition,
        cluster=cluster,
        schedule=Schedule.daily(at="03:30", timezone="Europe/Amsterdam"),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        tags=["data"],
        defaults=TaskDefaults(retries=1, retry_delay=timedelta(minutes=5)),
        alerts=[EmailAlert(to=["team@example.com"], on=["failure", "retry"])],
        capacity_provider_strategies=[CapacityProvider(name="FARGATE_SPOT")],
        vpc_subnets=["subnet-0a"],
        security_groups=["sg-0a"],
        tasks=flow,
    )
    dag.grant_run(worker)
    assert_type(dag.container_name, str)


def each_kind_of_tasks(stack: Stack, task_definition: ecs.TaskDefinition) -> None:
    a, b, c = EcsTask("a"), EcsTask("b"), LatestOnly("c")
    tasks: list[EcsTask] = [EcsTask(f"t{number}") for number in range(3)]
    given: Sequence[EcsTask | LatestOnly | Flow] = [a >> b, c]
    manual = Schedule.manual()
    AirflowEcsDag(stack, "1", dag_id="1", task_definition=task_definition, schedule=manual, tasks=a)
    AirflowEcsDag(stack, "2", dag_id="2", task_definition=task_definition, schedule=manual, tasks=[a >> b, c])
    AirflowEcsDag(stack, "3", dag_id="3", task_definition=task_definition, schedule=manual, tasks=given)
    AirflowEcsDag(stack, "4", dag_id="4", task_definition=task_definition, schedule=manual, tasks=tasks)
    assert_type(a >> tasks >> b, Flow)
    assert_type(tasks >> b, Flow)


def problems(error: DagDefinitionError) -> tuple[Problem, ...]:
    return error.problems

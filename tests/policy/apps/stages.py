"""A CDK app with a DAG in a stack, in its nested stack, in one nested there, and in a stage; arguments: the policy."""

import sys
from datetime import UTC, datetime

from aws_cdk import App, NestedStack, Stack, Stage, Validations
from aws_cdk import aws_ecs as ecs

from airflow_ecs_dag import AirflowEcsDag, EcsTask, Schedule
from airflow_ecs_dag.policy_plugin import AirflowPolicyPlugin


def declare(stack: Stack, dag_id: str) -> None:
    task_definition = ecs.FargateTaskDefinition(stack, "Task", family=dag_id)
    logging = ecs.LogDriver.aws_logs(stream_prefix="airflow")
    task_definition.add_container("main", image=ecs.ContainerImage.from_registry("worker"), logging=logging)
    AirflowEcsDag(
        stack,
        "Dag",
        dag_id=dag_id,
        task_definition=task_definition,
        cluster=ecs.Cluster(stack, "Cluster"),
        schedule=Schedule.cron("*/5 * * * *"),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        tasks=EcsTask("build"),
    )


app = App()
Validations.of(app).add_plugins(AirflowPolicyPlugin(sys.argv[1]))
main = Stack(app, "Main")
nested = NestedStack(main, "Nested")
declare(main, "one")
declare(nested, "two")
declare(NestedStack(nested, "Deep"), "three")
declare(Stack(Stage(app, "Prod"), "Stack"), "four")
app.synth()

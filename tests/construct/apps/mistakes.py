"""A CDK app with one mistake, named by its first argument; `none` is the app without any."""

import sys
from datetime import UTC, datetime
from random import Random

from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs

from airflow_ecs_dag import AirflowEcsDag, EcsTask, Flow, LatestOnly, Schedule

mistake = sys.argv[1]
app = App()
stack = Stack(app, "Main")
task_definition = ecs.FargateTaskDefinition(stack, "Task", family="family")
container = task_definition.add_container(
    "main",
    image=ecs.ContainerImage.from_registry("worker"),
    logging=ecs.LogDriver.aws_logs(stream_prefix="airflow"),
)
latest, convert, load = LatestOnly("latest"), EcsTask("convert", args=["{{ ds }}"]), EcsTask("load")
flow = latest >> convert >> load
name = "main"
if mistake == "circle":
    flow = flow >> convert
elif mistake == "namesake":
    flow = flow >> EcsTask("convert")
elif mistake == "forgotten":
    flow >> EcsTask("report")
elif mistake == "labels":
    container.add_docker_label("airflow.dag.owner", "somebody")
elif mistake == "large":
    noise = Random(7)  # noqa: S311 - texts that can't be packed, the same each time
    flow = flow >> [EcsTask(f"t{number}", args=[noise.randbytes(1_900).hex()]) for number in range(40)]
elif mistake == "output":
    flow = Flow.of(flow, EcsTask("report", args=[f"--rows={load.output['rows']}"]))
elif mistake == "container":
    name = "other"
elif mistake == "text":
    flow = flow >> EcsTask("report", args="--all")  # type: ignore[arg-type]
AirflowEcsDag(
    stack,
    "Dag",
    dag_id="mistakes",
    task_definition=task_definition,
    container=name,
    schedule=Schedule.daily(),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    vpc_subnets=["subnet-0a"],
    tasks=flow,
)
if mistake == "grown":
    for number in range(16):
        container.add_environment(f"NAME{number}", "x" * 3_900)
app.synth()

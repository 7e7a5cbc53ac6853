"""What a type checker must refuse: an `ignore` that it doesn't need, or of another code, is an error in strict mode."""

from datetime import timedelta

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs

from airflow_ecs_dag import AirflowEcsDag, EcsTask, EmailAlert, LatestOnly, Schedule, TaskDefaults

a, b, c = EcsTask("a"), EcsTask("b"), LatestOnly("c")
EcsTask("t", args="--all")  # type: ignore[arg-type]
EcsTask("t", command="run")  # type: ignore[arg-type]
EcsTask("t", args=[1])  # type: ignore[list-item]
EcsTask("t", ["--all"])  # type: ignore[call-arg, arg-type]
EcsTask("t", retries="3")  # type: ignore[arg-type]
EcsTask("t", trigger_rule="all_sucess")  # type: ignore[arg-type]
EcsTask("t", retry_delay=300)  # type: ignore[arg-type]
EcsTask("t", retry=3)  # type: ignore[call-arg]
EcsTask()  # type: ignore[call-arg]
LatestOnly("t", args=["x"])  # type: ignore[call-arg]
_ = a >> "b"  # type: ignore[operator]
_ = a >> ["b"]  # type: ignore[list-item]
_ = [a, b] >> [c]  # type: ignore[operator]
a.retries = 3  # type: ignore[misc]
(a >> b).arrows = ()  # type: ignore[misc]
TaskDefaults(retries="1")  # type: ignore[arg-type]
TaskDefaults(retry=1)  # type: ignore[call-arg]
EmailAlert(to="team@example.com")  # type: ignore[arg-type]
EmailAlert(to=["team@example.com"], on=["fail"])  # type: ignore[list-item]
Schedule.every(timedelta(hours=1), timezone="UTC")  # type: ignore[call-arg]


def declare(stack: Stack, task_definition: ecs.TaskDefinition) -> None:
    AirflowEcsDag(stack, "D", dag_id="d", task_definition=task_definition, tasks=a)  # type: ignore[call-arg]
    AirflowEcsDag(stack, "D", dag_id="d", task_definition=task_definition, schedule="@daily", tasks=a)  # type: ignore[arg-type]
    manual = Schedule.manual()
    AirflowEcsDag(stack, "D", dag_id="d", task_definition=task_definition, schedule=manual)  # type: ignore[call-arg]
    AirflowEcsDag(stack, "D", dag_id="d", task_definition=task_definition, schedule=manual, tasks="t")  # type: ignore[arg-type]
    AirflowEcsDag(stack, "D", "d", task_definition, manual, tasks=a)  # type: ignore[call-arg]

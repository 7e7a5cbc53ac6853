"""What a type checker must refuse in the whole language."""

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_ecs_dag import (
    AirflowEcsDag,
    AirflowOperator,
    Branch,
    DateTimeSensor,
    Deadline,
    EcsTask,
    EdgeLabel,
    ExternalTaskSensor,
    IntegerParam,
    LatestOnly,
    ParamItems,
    ProfileAlert,
    S3KeySensor,
    Schedule,
    ShortCircuit,
    StringParam,
    TaskGroup,
    TimeDeltaSensor,
    item,
    param,
)

extract, latest = EcsTask("extract"), LatestOnly("latest")
EcsTask("t", args=extract.output)  # type: ignore[arg-type]
EcsTask("t", args=[extract])  # type: ignore[list-item]
EcsTask("t", args={"a"})  # type: ignore[arg-type]
EcsTask("t", args=[extract.output[0]])  # type: ignore[index]
EcsTask("t", environment={"A": 1})  # type: ignore[dict-item]
EcsTask("t", environment=["A"])  # type: ignore[arg-type]
EcsTask("t", expand="nl")  # type: ignore[arg-type]
EcsTask("t", expand=param("countries"))  # type: ignore[arg-type]
EcsTask("t", expand=item)  # type: ignore[arg-type]
EcsTask("t", skip_on_exit_code=99)  # type: ignore[arg-type]
EcsTask("t", cpu="256")  # type: ignore[arg-type]
EcsTask("t", outlets=["s3://a/b"])  # type: ignore[list-item]
EcsTask("t", weight_rule="upwards")  # type: ignore[arg-type]
EcsTask("t", launch_type="fargate")  # type: ignore[arg-type]
EcsTask("t", doc_md=extract.output)  # type: ignore[arg-type]
EcsTask("t", tags={"team": "data"})  # type: ignore[call-arg]
_ = latest.output  # type: ignore[attr-defined]
_ = [each for each in extract.output]  # type: ignore[misc]  # noqa: C416 - the loop is the mistake
extract.output.key = "x"  # type: ignore[misc]

ShortCircuit("t", condition=extract)  # type: ignore[arg-type]
ShortCircuit("t", condition="{{ ds }}")  # type: ignore[arg-type]
ShortCircuit("t")  # type: ignore[call-arg]
Branch("t", choice=item)  # type: ignore[arg-type]
Branch("t", choose=extract.output)  # type: ignore[call-arg]
ParamItems("t", param=["a"])  # type: ignore[arg-type]

TaskGroup("g")  # type: ignore[call-arg]
TaskGroup("g", "t")  # type: ignore[arg-type]
TaskGroup("g", extract, "tip")  # type: ignore[call-arg]
TaskGroup(extract, extract)  # type: ignore[arg-type]
_ = extract >> EdgeLabel("a") >> "b"  # type: ignore[operator]
_ = EdgeLabel("a") >> EdgeLabel("b")  # type: ignore[operator]
EdgeLabel(1)  # type: ignore[arg-type]

S3KeySensor("t", bucket="b", keys="key")  # type: ignore[arg-type]
S3KeySensor("t", keys=["key"])  # type: ignore[call-arg]
S3KeySensor("t", bucket="b", keys=["key"], poke_interval=60)  # type: ignore[arg-type]
ExternalTaskSensor("t", external_dag_id="o", allowed_states=["done"])  # type: ignore[list-item]
TimeDeltaSensor("t", delta=3600)  # type: ignore[arg-type]
DateTimeSensor("t", target_time=timedelta(hours=1))  # type: ignore[arg-type]
AirflowOperator("t", operator="x", arguments={"a": 0.5})  # type: ignore[dict-item]
AirflowOperator("t", arguments={})  # type: ignore[call-arg]

StringParam(default=1)  # type: ignore[arg-type]
IntegerParam(default="1")  # type: ignore[arg-type]
IntegerParam(choices=[1])  # type: ignore[call-arg]
Deadline(interval=60)  # type: ignore[arg-type]
ProfileAlert(profile="oncall", on=["late"])  # type: ignore[list-item]
Schedule.assets("s3://a/b")  # type: ignore[arg-type]
Schedule.events("2026-01-01")  # type: ignore[arg-type]

if TYPE_CHECKING:
    from aws_cdk import Stack
    from aws_cdk import aws_ecs as ecs

    manual = Schedule.manual()

    def declare(stack: Stack, d: ecs.TaskDefinition) -> None:
        AirflowEcsDag(stack, "D", dag_id="d", task_definition=d, schedule=manual, tasks=extract, params={"a": "b"})  # type: ignore[dict-item]
        AirflowEcsDag(stack, "D", dag_id="d", task_definition=d, schedule=manual, tasks=EdgeLabel("a"))  # type: ignore[arg-type]
        AirflowEcsDag(stack, "D", dag_id="d", task_definition=d, schedule=manual, tasks=extract, tags="a")  # type: ignore[arg-type]
        AirflowEcsDag(stack, "D", dag_id="d", task_definition=d, schedule=manual, tasks=extract, deadline=60)  # type: ignore[arg-type]
        AirflowEcsDag(stack, "D", dag_id="d", task_definition=d, schedule=manual, tasks=extract, ecs_tags=["a"])  # type: ignore[arg-type]

"""The whole language, as an author with a type checker writes it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import assert_type

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs

from airflow_ecs_dag import (
    AirflowEcsDag,
    AirflowOperator,
    Approval,
    Asset,
    BooleanParam,
    Branch,
    DateTimeSensor,
    Deadline,
    EcsTask,
    EdgeLabel,
    EmailAlert,
    Empty,
    ExternalTaskSensor,
    Flow,
    GlueJobSensor,
    IntegerParam,
    Item,
    Output,
    ParamItems,
    ParamRef,
    ProfileAlert,
    S3KeySensor,
    Schedule,
    ShortCircuit,
    SqsSensor,
    StringListParam,
    StringParam,
    TaskGroup,
    TimeDeltaSensor,
    TriggerDagRun,
    all_of,
    any_of,
    bucket_asset,
    item,
    param,
)

extract = EcsTask("extract", args=["--country", param("country")])
assert_type(extract.output, Output)
assert_type(extract.output["rows"], Output)
assert_type(param("country"), ParamRef)
assert_type(item["name"], Item)

words = ["load", "--all"]
numbers = [extract.output["rows"], extract.output["bytes"]]
variables: Mapping[str, str] = {"MODE": "full"}
load = EcsTask("load", command=words, args=numbers, environment=variables)
mixed = EcsTask("mixed", args=["a", extract.output["b"], param("country"), f"{extract.output}"])
both = EcsTask("both", args=(*words, item), expand=words, map_index_template=item)
copy = EcsTask("copy", args=[item["table"]], expand=extract.output, environment={"ROWS": extract.output["rows"]})
none = EcsTask("none", args=[], command=())
codes = EcsTask("codes", skip_on_exit_code=[99], ecs_tags={"team": "data"}, outlets=[Asset(uri="s3://a/b")])

any_rows = ShortCircuit("any", condition=extract.output["rows"])
which = Branch("which", choice=extract.output)
countries = ParamItems("countries", param="countries")
each = EcsTask("each", args=[item], expand=countries.output)

group = TaskGroup("load_all", [load, copy >> mixed], tooltip="Loads")
flow = extract >> EdgeLabel("if any") >> any_rows >> group >> which
assert_type(flow, Flow)
assert_type(flow >> [EdgeLabel("full") >> each, codes], Flow)
assert_type([load, copy] >> group, Flow)
assert_type(group << (extract, any_rows), Flow)
assert_type(TaskGroup("outer", [group, none]) >> both, Flow)


def sensors(bucket: s3.IBucket, queue: sqs.IQueue) -> list[EcsTask | TaskGroup | Flow]:
    wait = S3KeySensor("wait", bucket=bucket, keys=["{{ ds }}.csv"], poke_interval=timedelta(minutes=5))
    tasks = [
        S3KeySensor("named", bucket="sales", keys=("a", extract.output["key"])),
        SqsSensor("message", queue=queue, max_messages=10),
        ExternalTaskSensor("run", external_dag_id="sales", failed_states=["failed"]),
        ExternalTaskSensor(
            "other", external_dag_id="sales", external_task_ids=["load"], allowed_states=["success", "skipped"]
        ),
        DateTimeSensor("moment", target_time=datetime(2026, 1, 1, tzinfo=UTC)),
        DateTimeSensor("end", target_time="{{ data_interval_end }}"),
        TimeDeltaSensor("later", delta=timedelta(hours=1)),
        GlueJobSensor("glue", job_name="job", run_id=extract.output["run"]),
        Approval("ask", subject="Publish?", fail_on_reject=True),
        TriggerDagRun("start", trigger_dag_id="report", conf={"day": "{{ ds }}", "rows": extract.output["rows"]}),
        AirflowOperator("run", operator="athena", arguments={"query": "select 1", "tries": 3, "names": ["a"]}),
        Empty("meet"),
    ]
    return [wait >> tasks, EcsTask("after", args=[wait.output])]


def declare(
    stack: Stack,
    *,
    definition: ecs.TaskDefinition,
    bucket: s3.Bucket,
    secret: secretsmanager.Secret,
    imported: secretsmanager.ISecret,
    mail: ecs.Secret,
) -> None:
    sales = bucket_asset(bucket, "sales/")
    AirflowEcsDag(
        stack,
        "Dag",
        dag_id="sales",
        task_definition=definition,
        schedule=Schedule.assets(all_of(sales, any_of(Asset(uri="s3://a/b"), Asset(uri="s3://a/c", name="c")))),
        params={
            "country": StringParam(default="nl", choices=["nl", "be"]),
            "countries": StringListParam(default=["nl"]),
            "full": BooleanParam(default=False),
            "days": IntegerParam(default=7, minimum=1),
        },
        connections={"orders_db": secret, "stock_db": imported, "mail": mail},
        owner_link="mailto:team@example.com",
        repository="https://example.com/sales",
        is_paused_upon_creation=True,
        deadline=Deadline(interval=timedelta(hours=2)),
        alerts=[EmailAlert(to=["team@example.com"]), ProfileAlert(profile="oncall", on=["missed_deadline"])],
        ecs_tags={"team": "data"},
        platform_version=ecs.FargatePlatformVersion.LATEST,
        tasks=[flow, EcsTask("heavy", task_definition=definition, container="main"), group],
    )
    events = Schedule.events([datetime(2026, 1, 1, tzinfo=UTC)])
    AirflowEcsDag(stack, "2", dag_id="2", task_definition=definition, schedule=events, tasks=group)
    both_ways = Schedule.assets_or_cron(sales, "0 3 * * *", timezone="Europe/Amsterdam")
    AirflowEcsDag(stack, "3", dag_id="3", task_definition=definition, schedule=both_ways, tasks=[group, load])

"""Two projects in two stacks: one tidies a public dataset, and each change of it starts the DAG of the other one.

The dataset is NOAA's monthly temperature of the sea off Peru since 1950, by which El Niño is known; public domain.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from airflow_ecs_dag import (
    AirflowEcsDag,
    Approval,
    Asset,
    DateTimeSensor,
    EcsTask,
    EmailAlert,
    Schedule,
    TaskDefaults,
    bucket_asset,
    item,
)

HERE = Path(__file__).parent


def task_definition(stack: Stack, name: str, bucket: s3.IBucket) -> ecs.FargateTaskDefinition:
    """Return a task definition whose image is built from the folder `name`; its container is told of a bucket."""
    definition = ecs.FargateTaskDefinition(stack, "TaskDefinition", family=f"airflow-{name}")
    definition.add_container(
        name,
        image=ecs.ContainerImage.from_asset(str(HERE / name)),
        environment={"BUCKET": bucket.bucket_name},
        logging=ecs.LogDriver.aws_logs(
            stream_prefix="airflow",
            log_group=logs.LogGroup(stack, "Logs", removal_policy=RemovalPolicy.DESTROY),
        ),
    )
    return definition


class Platform(Stack):
    """What both share: a cluster."""

    def __init__(self, scope: Construct, stack_id: str) -> None:
        super().__init__(scope, stack_id)
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[public])
        self.cluster = ecs.Cluster(self, "Cluster", vpc=vpc)


class Ingest(Stack):
    """The data team's: a table a decade, then one table of all months."""

    def __init__(self, scope: Construct, stack_id: str, *, platform: Platform) -> None:
        super().__init__(scope, stack_id)
        self.bucket = s3.Bucket(self, "Data", removal_policy=RemovalPolicy.DESTROY)
        self.temperatures: Asset = bucket_asset(self.bucket, "temperatures.csv", name="sea-temperatures")
        definition = task_definition(self, "ingest", self.bucket)
        self.bucket.grant_read_write(definition.task_role)

        released = DateTimeSensor("released", target_time="{{ data_interval_end }}")
        decades = EcsTask("decades", args=["{{ ds }}"])
        tidy = EcsTask("tidy", args=[item, "{{ ds }}"], expand=decades.output, map_index_template=item)
        publish = EcsTask("publish", args=[tidy.output], outlets=[self.temperatures])
        AirflowEcsDag(
            self,
            "Dag",
            dag_id="ingest",
            owner="Data",
            doc_md="The temperature of the sea off Peru, month by month.",
            task_definition=definition,
            cluster=platform.cluster,
            schedule=Schedule.cron("0 6 5 * *"),
            start_date=datetime(2011, 1, 1, tzinfo=UTC),
            defaults=TaskDefaults(retries=1, retry_delay=timedelta(seconds=10)),
            alerts=[EmailAlert(to=["data@example.com"], on=["failure"])],
            tasks=released >> decades >> tidy >> publish,
        )


class Train(Stack):
    """The science team's: learns from new temperatures, and releases what it learnt if a person agrees."""

    def __init__(self, scope: Construct, stack_id: str, *, platform: Platform, ingest: Ingest) -> None:
        super().__init__(scope, stack_id)
        models = s3.Bucket(self, "Models", removal_policy=RemovalPolicy.DESTROY)
        definition = task_definition(self, "train", models)
        models.grant_read_write(definition.task_role)
        ingest.bucket.grant_read(definition.task_role, "temperatures.csv")

        source = f"s3://{ingest.bucket.bucket_name}/temperatures.csv"
        train = EcsTask("train", args=[source, item], expand=["1", "3", "6"], map_index_template=f"{item} months ahead")
        choose = EcsTask("choose", args=[train.output])
        agree = Approval(
            "agree",
            subject=f"Release the forecast that is {choose.output['better']} better than the usual temperature?",
            response_timeout=timedelta(days=7),
        )
        release = EcsTask("release", args=[choose.output["model"]])
        AirflowEcsDag(
            self,
            "Dag",
            dag_id="train",
            owner="Science",
            doc_md="A forecast of the sea's temperature. A person decides whether it is released.",
            task_definition=definition,
            cluster=platform.cluster,
            schedule=Schedule.assets([ingest.temperatures]),
            alerts=[EmailAlert(to=["science@example.com"], on=["failure"])],
            tasks=train >> choose >> agree >> release,
        )


app = App()
shared = Platform(app, "Platform")
Train(app, "Train", platform=shared, ingest=Ingest(app, "Ingest", platform=shared))
app.synth()

"""Two projects in two stacks: the data that one makes starts the other one's DAG."""

from datetime import UTC, datetime
from pathlib import Path

from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from airflow_ecs_dag import AirflowEcsDag, Asset, EcsTask, Schedule, bucket_asset

HERE = Path(__file__).parent


def task_definition(stack: Stack, name: str) -> ecs.FargateTaskDefinition:
    """Return a task definition whose image is built from the folder `name`."""
    definition = ecs.FargateTaskDefinition(stack, "TaskDefinition", family=f"airflow-{name}")
    definition.add_container(
        name,
        image=ecs.ContainerImage.from_asset(str(HERE / name)),
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
    """Makes the data."""

    def __init__(self, scope: Construct, stack_id: str, *, platform: Platform) -> None:
        super().__init__(scope, stack_id)
        bucket = s3.Bucket(self, "Data", removal_policy=RemovalPolicy.DESTROY)
        self.prices: Asset = bucket_asset(bucket, "prices", name="prices")
        definition = task_definition(self, "ingest")
        bucket.grant_put(definition.task_role)
        AirflowEcsDag(
            self,
            "Dag",
            dag_id="ingest",
            owner="Data",
            task_definition=definition,
            cluster=platform.cluster,
            schedule=Schedule.daily(),
            start_date=datetime(2026, 1, 1, tzinfo=UTC),
            tasks=EcsTask("ingest", args=["{{ ds }}"], outlets=[self.prices]),
        )


class Train(Stack):
    """Trains a model whenever there are new prices."""

    def __init__(self, scope: Construct, stack_id: str, *, platform: Platform, prices: Asset) -> None:
        super().__init__(scope, stack_id)
        AirflowEcsDag(
            self,
            "Dag",
            dag_id="train",
            owner="Science",
            task_definition=task_definition(self, "train"),
            cluster=platform.cluster,
            schedule=Schedule.assets([prices]),
            tasks=EcsTask("train", args=["{{ run_id }}"]),
        )


app = App()
shared = Platform(app, "Platform")
ingest = Ingest(app, "Ingest", platform=shared)
Train(app, "Train", platform=shared, prices=ingest.prices)
app.synth()

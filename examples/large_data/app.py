"""A year of temperatures: what is too large for a line or a command goes through a bucket."""

from datetime import UTC, datetime
from pathlib import Path

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from airflow_ecs_dag import AirflowEcsDag, EcsTask, Schedule, item

QUERY = """\
select station, hour, temperature
from readings
where hour between timestamp '{{ ds }}' - interval '1 year' and timestamp '{{ ds }}'
order by station, hour"""


class LargeData(Stack):
    """One task definition, and the bucket for what its containers exchange."""

    def __init__(self, scope: Construct, stack_id: str) -> None:
        super().__init__(scope, stack_id)
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[public])
        task_definition = ecs.FargateTaskDefinition(self, "TaskDefinition", family="airflow-large-data")
        task_definition.add_container(
            "main",
            image=ecs.ContainerImage.from_asset(str(Path(__file__).parent / "container")),
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="airflow",
                log_group=logs.LogGroup(self, "Logs", removal_policy=RemovalPolicy.DESTROY),
            ),
        )
        bucket = s3.Bucket(self, "Exchange", removal_policy=RemovalPolicy.DESTROY)
        bucket.add_lifecycle_rule(prefix="airflow-exchange/", expiration=Duration.days(30))

        readings = EcsTask("readings", inputs={"query": QUERY, "until": "{{ ds }}"})
        stations = EcsTask("stations", args=[readings.output])
        mean = EcsTask(
            "mean",
            inputs={"station": item["station"], "temperatures": item["temperatures"]},
            expand=stations.output,
            map_index_template=item["station"],
        )
        AirflowEcsDag(
            self,
            "Dag",
            dag_id="large-data",
            owner="Weather",
            task_definition=task_definition,
            cluster=ecs.Cluster(self, "Cluster", vpc=vpc),
            schedule=Schedule.cron("0 6 1 1 *"),
            start_date=datetime(2026, 1, 1, tzinfo=UTC),
            exchange=bucket,
            tasks=readings >> stations >> mean,
        )


app = App()
LargeData(app, "LargeData")
app.synth()

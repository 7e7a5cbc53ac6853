from datetime import UTC, datetime
from pathlib import Path

from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from airflow_ecs_dag import AirflowEcsDag, EcsTask, EmailAlert, LatestOnly, Schedule, TaskDefaults


class ConvertIt(Stack):
    """The sample of 2019: a container that converts one day's data, and the DAG that runs it."""

    def __init__(self, scope: Construct, stack_id: str) -> None:
        super().__init__(scope, stack_id)
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[public])
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        task_definition = ecs.FargateTaskDefinition(self, "TaskDefinition", family="airflow-convert-it")
        task_definition.add_container(
            "convert-it",
            image=ecs.ContainerImage.from_asset(str(Path(__file__).parent / "container")),
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="airflow",
                log_group=logs.LogGroup(self, "Logs", removal_policy=RemovalPolicy.DESTROY),
            ),
        )
        AirflowEcsDag(
            self,
            "ConvertIt",
            dag_id="convert-it",
            owner="Frank",
            task_definition=task_definition,
            cluster=cluster,
            schedule=Schedule.daily(timezone="Europe/Amsterdam"),
            start_date=datetime(2019, 12, 4, 3, tzinfo=UTC),
            max_active_tasks=12,
            defaults=TaskDefaults(retries=1),
            alerts=[EmailAlert(to=["Frank@rfh.example.com", "DataScience@rfh.example.com"], on=["failure"])],
            tasks=LatestOnly("latest_only") >> EcsTask("convert", args=["{{ ds }}"]),
        )


app = App()
ConvertIt(app, "ConvertIt")
app.synth()

"""Airflow's own sensors before and after the project's containers, as far as the platform's policy goes."""

from datetime import timedelta
from pathlib import Path

from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from airflow_ecs_dag import AirflowEcsDag, DateTimeSensor, EcsTask, S3KeySensor, Schedule, ShortCircuit, TriggerDagRun


class Sensors(Stack):
    """Waits for a moment, then for a file unless there is none to wait for."""

    def __init__(self, scope: Construct, stack_id: str) -> None:
        super().__init__(scope, stack_id)
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[public])
        task_definition = ecs.FargateTaskDefinition(self, "TaskDefinition", family="airflow-sensors")
        task_definition.add_container(
            "main",
            image=ecs.ContainerImage.from_asset(str(Path(__file__).parent / "container")),
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="airflow",
                log_group=logs.LogGroup(self, "Logs", removal_policy=RemovalPolicy.DESTROY),
            ),
        )
        wait = DateTimeSensor("wait", target_time="{{ data_interval_end }}", timeout=timedelta(hours=6))
        look = EcsTask("look", args=["{{ ds }}"])
        any_file = ShortCircuit("any_file", condition=look.output["files"])
        file = S3KeySensor(
            "file", bucket="team-a-incoming", keys=["sales/{{ ds }}.csv"], poke_interval=timedelta(minutes=1)
        )
        done = TriggerDagRun("done", trigger_dag_id="team-a.after-sales")
        AirflowEcsDag(
            self,
            "Dag",
            dag_id="sensors",
            owner="Sales",
            task_definition=task_definition,
            cluster=ecs.Cluster(self, "Cluster", vpc=vpc),
            schedule=Schedule.manual(),
            tasks=wait >> look >> any_file >> file >> done,
        )


app = App()
Sensors(app, "Sensors")
app.synth()

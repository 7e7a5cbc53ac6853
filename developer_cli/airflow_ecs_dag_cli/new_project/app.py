"""The stack of new-project: a container, and the DAG that runs it."""

from datetime import UTC, datetime
from pathlib import Path

from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from airflow_ecs_dag import AirflowEcsDag, EcsTask, Schedule, TaskDefaults

HERE = Path(__file__).parent


class ProjectStack(Stack):
    """Two tasks a day, in the same image: the second one uses what the first one put out."""

    def __init__(self, scope: Construct, stack_id: str) -> None:
        super().__init__(scope, stack_id)
        task_definition = ecs.FargateTaskDefinition(self, "TaskDefinition", family="airflow-new-project")
        task_definition.add_container(
            "main",
            image=ecs.ContainerImage.from_asset(str(HERE / "container")),
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="airflow",
                log_group=logs.LogGroup(self, "Logs", removal_policy=RemovalPolicy.DESTROY),
            ),
        )
        extract = EcsTask("extract", args=["{{ ds }}"])
        load = EcsTask("load", args=[extract.output["rows"]])
        AirflowEcsDag(
            self,
            "Dag",
            dag_id="new-project",
            owner="new-project",
            task_definition=task_definition,
            cluster=self.cluster(),
            schedule=Schedule.daily(timezone="UTC"),
            start_date=datetime(2026, 1, 1, tzinfo=UTC),
            defaults=TaskDefaults(retries=1),
            tasks=extract >> load,
        )

    def cluster(self) -> ecs.ICluster:
        """Return where the tasks run. If your platform has a cluster to share, look that up instead."""
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[public])
        return ecs.Cluster(self, "Cluster", vpc=vpc)


if __name__ == "__main__":
    app = App()
    ProjectStack(app, "NewProject")
    app.synth()

"""A task with an image, a role and a size of its own, beside one that has the DAG's."""

from pathlib import Path

from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from airflow_ecs_dag import AirflowEcsDag, EcsTask, Schedule

HERE = Path(__file__).parent


class ManyImages(Stack):
    """Two task definitions; the second one's role may write the bucket, the first one's may not."""

    def __init__(self, scope: Construct, stack_id: str) -> None:
        super().__init__(scope, stack_id)
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[public])
        group = logs.LogGroup(self, "Logs", removal_policy=RemovalPolicy.DESTROY)
        small, large = (self.task_definition(name, group) for name in ("small", "large"))
        bucket = s3.Bucket(self, "Models", removal_policy=RemovalPolicy.DESTROY)
        bucket.grant_put(large.task_role)
        orders = secretsmanager.Secret(self, "OrdersDb", description="An Airflow connection, as a URI or JSON")

        prepare = EcsTask("prepare", environment={"DAY": "{{ ds }}", "LEVEL": "info"})
        train = EcsTask(
            "train",
            args=[prepare.output["file"]],
            task_definition=large,
            environment={"BUCKET": bucket.bucket_name},
            cpu=1024,
            memory_limit_mib=4096,
            ecs_tags={"cost-centre": "science"},
        )
        AirflowEcsDag(
            self,
            "Dag",
            dag_id="many-images",
            owner="Science",
            task_definition=small,
            cluster=ecs.Cluster(self, "Cluster", vpc=vpc),
            schedule=Schedule.manual(),
            connections={"orders_db": orders},
            tasks=prepare >> train,
        )

    def task_definition(self, name: str, group: logs.LogGroup) -> ecs.FargateTaskDefinition:
        """Return a task definition whose image is built from the folder `name`."""
        definition = ecs.FargateTaskDefinition(self, name.title(), family=f"airflow-many-images-{name}")
        definition.add_container(
            name,
            image=ecs.ContainerImage.from_asset(str(HERE / name)),
            logging=ecs.LogDriver.aws_logs(stream_prefix="airflow", log_group=group),
        )
        return definition


app = App()
ManyImages(app, "ManyImages")
app.synth()
